"""Turns the cases of a public benchmark into tables for `triage promq rank`, collects its answers
and scores them with the evaluate.py of the data. Called by tests/bench/petshop and sockshop.

usage: rank_cases.py petshop|sockshop DATA PROGRAM
"""
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

kind, data, program = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
sys.path.insert(0, str(data))
import evaluate  # of the benchmark  # noqa: E402

work = tempfile.TemporaryDirectory()
folder = pathlib.Path(work.name)


def rank(arguments):
    done = subprocess.run([program, "promq", "rank", "-o", "json", "--top", "60", *arguments],
                          capture_output=True, text=True)
    if done.returncode not in (0, 1, 3):
        sys.exit(f"triage promq rank {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def write(name, rows):
    path = folder / name
    with open(path, "w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return str(path)


def petshop():
    def table(path, first=0, last=None):
        rows = list(csv.reader(open(path)))
        keys = list(zip(rows[0][1:], rows[1][1:], rows[2][1:]))
        return keys, rows[4:][first:last]

    def columns(keys, rows, metric, statistic):
        keep = [i for i, (_, m, s) in enumerate(keys)
                if (m, s) in ((metric, statistic), ("requests", "Sum"))]
        head = ["unix_timestamp"] + [f"{keys[i][1]}:{keys[i][0]}" for i in keep]
        return [head] + [[r[0]] + [r[1 + i] for i in keep] for r in rows]

    def graph(scenario):
        rows = list(csv.reader(open(data / scenario / "graph.csv")))
        calls = [[r[0], c] for r in rows[1:] for c, v in zip(rows[0][1:], r[1:]) if v and float(v)]
        return write("graph.csv", [["caller", "callee"]] + calls)

    def ask(scenario, healthy, now, node, metric, statistic, row):
        keys, rows = healthy
        answer = rank(["--before", write("before.csv", columns(keys, rows, metric, statistic)),
                       "--csv", write("now.csv", columns(*now, metric, statistic)),
                       "--start", f"row:{row}", "--graph", graph(scenario),
                       "--symptom", f"{metric}:{node}"])
        return [cause["node"] for cause in answer["causes"]]

    out = {"cases": {}, "healthy": {}, "healthy_short": {}}
    for case, scenario, truth in evaluate.load_issues(data):
        goal = truth["target"]
        out["cases"][case] = ask(scenario, table(data / scenario / "noissue/metrics.csv"),
                                 table(data / case / "metrics.csv"), goal["node"], goal["metric"],
                                 goal["agg"], 2)
    for case, scenario, node, metric, agg, cut in evaluate.healthy_windows(data):
        path = data / scenario / "noissue/metrics.csv"
        out["healthy"][case] = ask(scenario, table(path, 0, cut), table(path, cut), node, metric,
                                   agg, 0)
    for case, scenario, node, metric, agg, row in evaluate.healthy_short(data):
        path = data / scenario / "noissue/metrics.csv"
        half = evaluate.rows_of(data, scenario) // 2
        out["healthy_short"][case] = ask(scenario, table(path, 0, half), table(path, row, row + 5),
                                         node, metric, agg, 2)
    result = evaluate.evaluate(data, out)
    print("PetShop, low traffic: one configuration for all")
    for cell in ("low_traffic/latency", "low_traffic/availability"):
        r = result[cell]
        published = {"low_traffic/latency": "0.571 / 0.571",
                     "low_traffic/availability": "0.833 / 1.000"}[cell]
        print(f"  {cell:26} {r['cases']} cases  top-1 / top-3 {r['top1']:.3f} / {r['top3']:.3f}"
              f"  (published {published})  silent {r['empty']:.2f}")
    for key, published in (("specificity short", "0.983 and 1.000"),
                           ("specificity long", "0.167 and 1.000")):
        cells = "  ".join(f"{k.split('/')[1]} {v:.3f}" for k, v in sorted(result[key].items()))
        print(f"  {key:26} {cells}  (published, latency and availability: {published})")


def sockshop():
    print("Sock Shop (published, told the start: BARO Avg@5 0.99, N-sigma 0.98; late: 0.98, 0.15)")
    for variant, start in (("told", ["--start", "row:0"]), ("60 s late", ["--start", "row:60"]),
                           ("not told", [])):
        out = {"cases": {}}
        for case, _, _, place in evaluate.cases(data):
            tables = []
            for name in ("normal.csv", "anomalous.csv"):
                rows = list(csv.reader(open(place / name)))
                keep = [i for i, n in enumerate(rows[0]) if not n.endswith(("_lat_50", "_lat_99"))]
                tables.append(write(name, [[r[i] for i in keep] for r in rows]))
            answer = rank(["--before", tables[0], "--csv", tables[1], *start])
            out["cases"][case] = {"ranked": [m["name"] for m in answer["movers"]],
                                  "onset": answer["onset_index"]}
        r = evaluate.evaluate(data, out)
        a, onset = r["all"], r["onset"]
        print(f"  {variant:10} {a['cases']} cases  coarse AC@1 {a['coarse AC@1']:.3f} Avg@5 "
              f"{a['coarse Avg@5']:.3f}  fine AC@1 {a['fine AC@1']:.3f} Avg@5 {a['fine Avg@5']:.3f}"
              f"  onset error {onset['median error']} samples (median)")


{"petshop": petshop, "sockshop": sockshop}[kind]()
