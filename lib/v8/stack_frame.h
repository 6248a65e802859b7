#pragma once

/// One stack of a Node.js process as values: what `lag`, `lag dump` and `lag record` share.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fields.h"

namespace triage::v8 {

struct StackFrame {
  /// native, js, builtin (of V8), regexp, wasm, stub (V8's own glue)
  std::string kind;
  /// of js frames: interpreter, baseline, maglev, turbofan; else empty
  std::string tier;
  std::string function;  ///< empty: anonymous
  bool name_inferred = false;
  bool inlined = false;
  std::string url;                            ///< script URL, or the library of a native frame
  std::optional<std::int64_t> line;           ///< from 1
  std::optional<std::int64_t> column;         ///< from 1, UTF-16 units, as Error.stack counts
  std::optional<std::int64_t> function_line;  ///< where the function begins: tells functions apart
  std::optional<std::int64_t> function_column;  ///< same
  bool at_start = false;  ///< line and column are where the function begins: no position was kept
  std::string original_url;  ///< by source map; empty when there is none
  std::optional<std::int64_t> original_line;
  std::optional<std::int64_t> original_column;
  std::string package;  ///< npm package, "node" for Node's own, empty for the user's own code
  std::string detail;   ///< "/^(a+)+$/ on a string of 41", "/srv/app/a.json", "descriptor 7"
};

/// How the registers were read.
enum class StackSource { perf_sample, system_call, stopped };
std::string_view name_of(StackSource source);

struct Stack {
  std::vector<StackFrame> frames;  ///< innermost first
  StackSource source = StackSource::stopped;
  bool complete = false;           ///< the walk reached the first function of the thread
  bool truncated = false;          ///< it is deeper than the limit of frames
  std::string base;                ///< the outermost known native function: tells the thread's role
  std::int64_t objects_count = 0;  ///< V8 objects whose type was checked
  std::int64_t failed_count = 0;   ///< of these, not what they had to be: their frame is left out
};

/// gc, regex, json, crypto, zlib, fs sync, child_process sync, lock, dns, logging, module loading,
/// native add-on, wasm, microtasks (between two callbacks), js, idle, native: what the innermost
/// function of the user called, by names of functions of V8, Node.js, libuv, OpenSSL and zlib. Of
/// several the one that says most.
std::string activity_of(const std::vector<StackFrame>& frames);

/// Below all of JavaScript is the queue of promises or of process.nextTick.
bool from_microtasks(const std::vector<StackFrame>& frames);

/// The innermost frame of the user's own code, else of a package, else any with a script URL; -1
/// when there is none.
int culprit_of(const std::vector<StackFrame>& frames);

/// "/app/x.js:12:5", by the source map where there is one; empty when not known.
std::string place_of(const StackFrame& frame);
/// The function's name; of an anonymous one whatever tells it apart.
std::string function_of(const StackFrame& frame);

/// "report (/app/x.js:12:5) [turbofan]"
std::string describe_frame(const StackFrame& frame);

/// One line per frame; without `native` the JavaScript and where the thread is right now.
std::string describe_stack(const std::vector<StackFrame>& frames, bool native);

/// A frame of JavaScript or of what JavaScript called by name (builtin, regexp, wasm).
bool is_javascript(const StackFrame& frame);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const StackFrame* /*tag*/) {
  visit("kind", self.kind, "native, js, builtin, regexp, wasm or stub");
  visit("tier", self.tier, "interpreter, baseline, maglev or turbofan; empty for other kinds");
  visit("function", self.function, "name; empty when anonymous");
  visit("name_inferred", self.name_inferred, "V8 took the name from what it was assigned to");
  visit("inlined", self.inlined, "inlined into the frame below");
  visit("url", self.url, "script URL or path; of native frames the library");
  visit("line", self.line, "from 1; null when unknown");
  visit("column", self.column, "from 1, UTF-16 units");
  visit("function_line", self.function_line, "where the function begins");
  visit("function_column", self.function_column, "where the function begins");
  visit("at_start", self.at_start, "the position is the start of the function");
  visit("original_url", self.original_url, "by the script's source map; empty without one");
  visit("original_line", self.original_line, "by the source map");
  visit("original_column", self.original_column, "by the source map");
  visit("package", self.package, "npm package; node for Node's own; empty for own code");
  visit("detail", self.detail, "pattern and length, how long the JSON text is, or the path");
}

}  // namespace triage::v8
