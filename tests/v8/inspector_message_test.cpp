#include "lib/v8/inspector_message.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"
#include "lib/v8/node_flags.h"

using triage::Error;
using triage::v8::NodeFlags;
using triage::v8::parse_inspector_message;
using triage::v8::snapshot_chunk;

TEST_CASE("inspector message: answers, refusals and events are told apart") {
  const auto answer = parse_inspector_message(R"({"id":3,"result":{"value":7}})");
  CHECK(answer.id == 3);
  CHECK(answer.body["value"] == 7);
  const auto refusal = parse_inspector_message(R"({"id":4,"error":{"code":-1,"message":"no"}})");
  CHECK(refusal.error == "no");
  const auto event = parse_inspector_message(R"({"method":"Debugger.paused","params":{"a":1}})");
  CHECK(event.id == 0);
  CHECK(event.method == "Debugger.paused");
}

TEST_CASE("inspector message: anything else is malformed, never a crash") {
  for (const char* text : {"", "[]", "7", "{}", R"({"id":"x","result":{}})", R"({"id":1})",
                           R"({"method":7})", "{\"id\":1,", "\xff\xfe"})
    CHECK_THROWS_AS(parse_inspector_message(text), Error);
}

TEST_CASE("inspector message: a chunk is unescaped exactly once") {
  const std::string head = R"({"method":"HeapProfiler.addHeapSnapshotChunk","params":{"chunk":")";
  CHECK(snapshot_chunk(head + R"({\"a\":[1,\n\"x\\n\\u0041\u00e9\"]}"}})") ==
        "{\"a\":[1,\n\"x\\n\\u0041\xc3\xa9\"]}");
  CHECK(snapshot_chunk(head + R"("}})") == "");
}

TEST_CASE("inspector message: what is no whole chunk is left to the JSON reader") {
  const std::string head = R"({"method":"HeapProfiler.addHeapSnapshotChunk","params":{"chunk":")";
  for (const char* tail : {"abc", "a\\", R"(a\"}})", R"(a\u12"}})", R"(a","more":"b"}})"})
    CHECK_FALSE(snapshot_chunk(head + tail).has_value());
}

TEST_CASE("node flags: the command line wins over NODE_OPTIONS and ends at the script") {
  const std::string environ_text(
      "A=1\0NODE_OPTIONS=--max_old_space_size=256 --require \"a b.js\"\0Z=2", 65);
  const NodeFlags flags({"node", "--max-old-space-size=512", "app.js", "--inspect-port=1"},
                        environ_text);
  CHECK(flags.value("--max-old-space-size") == "512");
  CHECK(flags.value("--require") == "a b.js");
  CHECK_FALSE(flags.has("--inspect-port"));
  CHECK(NodeFlags({"node"}, environ_text).value("--max-old-space-size") == "256");
}
