#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/v8/script_url.h"
#include "lib/v8/stack_frame.h"

namespace triage::v8 {
namespace {

/// A word, and parts of function names that mean it, in native and builtin frames or in frames of
/// Node's own modules.
struct Activity {
  std::string_view word;
  std::string_view url;  ///< when not empty: the frame's script or library must contain it
  std::array<std::string_view, 8> functions;
};

constexpr std::array<Activity, 13> activities{{
    {"gc",
     "",
     {"Heap::CollectGarbage", "Heap::PerformGarbageCollection", "MarkCompactCollector", "Scavenger",
      "IncrementalMarking", "Heap::CollectAllGarbage",
      "Sweeper::", "Heap::FinalizeIncrementalMarking"}},
    {"regex",
     "",
     {"IrregexpInterpreter", "NativeRegExpMacroAssembler", "Runtime_RegExpExec", "RegExpImpl::",
      "RegExp::Exec", "RegExpPrototypeExec", "RegExpExecInternal", "RegExpReplace"}},
    {"json",
     "",
     {"JsonParser", "JsonStringifier", "Builtin_JsonParse", "Builtin_JsonStringify", "JsonParse",
      "JsonStringify", "JSON.parse", "JSON.stringify"}},
    {"zlib", "node:zlib", {"zlibBufferSync", "processChunkSync", "Sync"}},
    {"zlib", "", {"ZlibContext", "BrotliEncoder", "BrotliDecoder", "deflate_", "inflate_fast"}},
    {"crypto", "node:internal/crypto", {"Sync", "", "", "", "", "", "", ""}},
    {"crypto",
     "",
     {"node::crypto::", "PKCS5_PBKDF2", "EVP_", "sha512_block", "sha256_block", "sha1_block",
      "bn_mul", "scrypt"}},
    {"child_process sync", "", {"SyncProcessRunner", "spawnSync", "execSync", "execFileSync"}},
    {"atomics wait", "", {"FutexEmulation::Wait", "Atomics.wait", "AtomicsWait"}},
    {"dns", "", {"getaddrinfo", "getnameinfo", "uv__getaddrinfo"}},
    {"module loading",
     "",
     {"compileFunctionForCJSLoader", "wrapSafe", "Module._compile", "Module._load",
      "CompileFunctionForCJSLoader", "ModuleWrap::", "internalCompileFunction"}},
    {"logging", "node:internal/console", {"log", "kWriteToConsole", "warn", "error"}},
    {"fs sync", "", {"node::fs::", "uv_fs_"}},
}};

bool matches(const Activity& activity, const StackFrame& frame) {
  if (!activity.url.empty() && frame.url.find(activity.url) == std::string::npos) return false;
  if (activity.url.empty() && frame.kind == "js" && frame.package != "node") return false;
  return std::any_of(activity.functions.begin(), activity.functions.end(),
                     [&](std::string_view part) {
                       return !part.empty() && frame.function.find(part) != std::string::npos;
                     });
}

bool is_sync_fs(const StackFrame& frame) {
  return frame.url == "node:fs" && frame.function.ends_with("Sync");
}

}  // namespace

std::string_view name_of(StackSource source) {
  switch (source) {
    case StackSource::perf_sample:
      return "perf sample";
    case StackSource::system_call:
      return "system call file";
    case StackSource::stopped:
      return "stopped";
  }
  return "";
}

bool is_javascript(const StackFrame& frame) {
  return frame.kind == "js" || frame.kind == "builtin" || frame.kind == "regexp" ||
         frame.kind == "wasm";
}

std::string activity_of(const Stack& stack) {
  // going down, up to the first function of the user's own: what is below called it
  for (const auto& frame : stack.frames) {
    if (frame.kind == "regexp") return "regex";
    if (frame.kind == "wasm") return "wasm";
    if (is_sync_fs(frame)) return "fs sync";
    if (frame.kind == "builtin" && frame.detail.starts_with('/')) return "regex";
    for (const auto& activity : activities)
      if (matches(activity, frame)) return std::string(activity.word);
    if (frame.kind == "js" && frame.package != "node") return "js";
  }
  const bool javascript = std::any_of(stack.frames.begin(), stack.frames.end(), is_javascript);
  if (javascript) return "js";
  const bool waits = std::any_of(stack.frames.begin(), stack.frames.end(), [](const auto& frame) {
    return frame.function == "uv__io_poll" ||
           frame.function.find("WaitUntil") != std::string::npos ||
           frame.function.find("uv_cond_wait") != std::string::npos ||
           frame.function.find("uv_sem_wait") != std::string::npos;
  });
  return waits ? "idle" : "native";
}

int culprit_of(const Stack& stack) {
  int of_package = -1;
  int any = -1;
  for (std::size_t i = 0; i < stack.frames.size(); ++i) {
    const StackFrame& frame = stack.frames[i];
    if (frame.kind != "js") continue;
    const int index = static_cast<int>(i);
    if (frame.package.empty()) return index;
    if (of_package < 0 && frame.package != "node") of_package = index;
    if (any < 0) any = index;
  }
  return of_package >= 0 ? of_package : any;
}

std::string describe_frame(const StackFrame& frame) {
  std::string text = frame.function.empty() ? "(anonymous)" : frame.function;
  if (frame.kind == "native" || frame.kind == "stub") {
    if (!frame.function.empty()) return text;
    return fmt::format("(native, {})", frame.url.empty() ? "unknown" : frame.url);
  }
  if (!frame.original_url.empty()) {
    text += fmt::format(" ({}:{}:{})", frame.original_url, frame.original_line.value_or(0),
                        frame.original_column.value_or(0));
  } else if (!frame.url.empty()) {
    text += " (" + path_of_url(frame.url);
    if (frame.line) text += fmt::format(":{}:{}", *frame.line, frame.column.value_or(0));
    text += ")";
  }
  if (frame.at_start && frame.line) text += " [function start]";
  if (!frame.detail.empty()) text += " " + frame.detail;
  return text;
}

}  // namespace triage::v8
