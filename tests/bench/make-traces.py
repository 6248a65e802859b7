#!/usr/bin/env python3
"""Writes many traces as Jaeger's query API answers them, made of one recorded trace.

usage: make-traces.py RECORDING MEGABYTES > traces.json

Every trace gets ids of its own, a start 10 ms after the one before, and durations between half and
one and a half of the recorded ones.
"""
import json
import random
import re
import sys

recording, megabytes = sys.argv[1], int(sys.argv[2])
trace = json.loads(json.load(open(recording))["response"]["body_text"])["data"][0]
old_id = trace["traceID"]
first = min(span["startTime"] for span in trace["spans"])
for span in trace["spans"]:
    span["startTime"] = f"@S{span['startTime'] - first}@"
    span["duration"] = f"@D{span['duration']}@"
text = json.dumps(trace, separators=(",", ":"))
for number, span in enumerate(trace["spans"]):
    text = text.replace(span["spanID"], f"@I{number:02d}@")
text = text.replace(old_id, "@T@")
tokens = re.split(r'(@T@|@I\d\d@|"@[SD]\d+@")', text)
rng = random.Random(7)
out, size, count = sys.stdout, 0, 0
out.write('{"data":[')
while size < megabytes * 1000 * 1000:
    trace_id, salt = f"{rng.getrandbits(128):032x}", rng.getrandbits(52)
    factor = 0.5 + rng.random()
    start = first + count * 10_000
    line = []
    for token in tokens:
        kind = token.strip('"')[:2]
        if kind == "@T":
            line.append(trace_id)
        elif kind == "@I":
            line.append(f"{salt:014x}{int(token[2:4]):02x}"[-16:])
        elif kind == "@S":
            line.append(str(start + int(int(token[3:-2]) * factor)))
        elif kind == "@D":
            line.append(str(int(int(token[3:-2]) * factor)))
        else:
            line.append(token)
    line = "".join(line)
    out.write(("," if count else "") + line)
    size += len(line) + 1
    count += 1
out.write('],"total":0,"limit":0,"offset":0,"errors":null}')
