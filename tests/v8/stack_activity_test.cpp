#include <doctest/doctest.h>

#include "lib/v8/stack_frame.h"

using namespace triage::v8;

namespace {

StackFrame frame(const std::string& kind, const std::string& function, const std::string& url = {},
                 const std::string& package = {}) {
  StackFrame made;
  made.kind = kind;
  made.function = function;
  made.url = url;
  made.package = package;
  return made;
}

StackFrame node(const std::string& function, const std::string& url) {
  return frame("js", function, url, "node");
}

const StackFrame own = frame("js", "handler", "/srv/app.js");
const StackFrame package = frame("js", "render", "/srv/node_modules/ejs/lib/ejs.js", "ejs");

}  // namespace

TEST_CASE("stack_activity: what the user's function called gives the word") {
  CHECK(activity_of({own}) == "js");
  CHECK(activity_of({frame("native", "longest_match"), frame("native", "deflate_slow"),
                     node("processChunkSync", "node:zlib"), own}) == "zlib");
  CHECK(activity_of({frame("native", "sha512_block_data_order_avx2"), own}) == "crypto");
  CHECK(activity_of({node("spawnSync", "node:internal/child_process"), own}) ==
        "child_process sync");
  CHECK(activity_of({frame("native", "read"), node("readFileSync", "node:fs"), own}) == "fs sync");
  CHECK(activity_of({frame("native", "memcpy"), frame("native", "hash", "/srv/x/build/x.node"),
                     own}) == "native add-on");
}

TEST_CASE("stack_activity: what lies below the user's function says nothing") {
  CHECK(activity_of({own, node("Module._compile", "node:internal/modules/cjs/loader")}) == "js");
  CHECK(activity_of({own, frame("builtin", "parse"), node("log", "node:internal/console")}) ==
        "js");
}

TEST_CASE("stack_activity: of several words the one that says most wins") {
  CHECK(activity_of({frame("native", "Scavenger::Process"), frame("native", "JsonParser::Parse"),
                     own}) == "gc");
  CHECK(activity_of({frame("native", "uv_fs_read"), node("readFileSync", "node:fs"),
                     node("Module._load", "node:internal/modules/cjs/loader"), own}) ==
        "module loading");
  CHECK(activity_of({node("writeSync", "node:fs"), node("log", "node:internal/console/constructor"),
                     own}) == "logging");
}

TEST_CASE("stack_activity: a package at load is loading, a logger's write is logging") {
  CHECK(activity_of({package, node("Module._compile", "node:internal/modules/cjs/loader"), own}) ==
        "module loading");
  CHECK(activity_of({package, own}) == "js");
  const auto pino = frame("js", "write", "/srv/node_modules/sonic-boom/index.js", "sonic-boom");
  CHECK(activity_of({node("writeSync", "node:fs"), pino, own}) == "logging");
}

TEST_CASE("stack_activity: between two callbacks of the queue is microtasks") {
  const auto queue = frame("stub", "RunMicrotasks");
  CHECK(activity_of({frame("stub", "PromiseResolveThenableJob"), queue}) == "microtasks");
  CHECK(activity_of({own, queue}) == "js");
  CHECK(from_microtasks({own, queue}));
  CHECK_FALSE(from_microtasks({own}));
  CHECK_FALSE(from_microtasks({queue, own}));
}

TEST_CASE("stack_activity: the culprit is the user's own code, then a package, then Node's") {
  CHECK(culprit_of({frame("native", "read"), node("readSync", "node:fs"), package, own}) == 3);
  CHECK(culprit_of({node("readSync", "node:fs"), package}) == 1);
  CHECK(culprit_of({node("readSync", "node:fs")}) == 0);
  CHECK(culprit_of({frame("native", "read")}) == -1);
  CHECK(culprit_of({frame("js", "", "<eval>"), own}) == 1);
}
