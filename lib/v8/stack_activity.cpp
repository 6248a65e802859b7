#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "lib/v8/script_url.h"
#include "lib/v8/stack_frame.h"

namespace triage::v8 {
namespace {

/// A word, and parts of function names that mean it, in native, stub and builtin frames or in
/// frames of Node's own modules.
struct Activity {
  std::string_view word;
  std::string_view url;  ///< when not empty: the frame's script must contain it
  std::array<std::string_view, 8> functions;
};

/// The first that fits wins: a collection inside of JSON.parse is a collection.
constexpr std::array<Activity, 19> activities{{
    {"gc",
     "",
     {"Heap::CollectGarbage", "Heap::PerformGarbageCollection", "MarkCompactCollector", "Scavenger",
      "IncrementalMarking", "Heap::CollectAllGarbage",
      "Sweeper::", "Heap::FinalizeIncrementalMarking"}},
    {"module loading", "node:internal/modules", {"", "", "", "", "", "", "", ""}},
    {"module loading",
     "",
     {"compileFunctionForCJSLoader", "CompileFunctionForCJSLoader",
      "ModuleWrap::", "internalCompileFunction", "ContextifyContext::CompileFunction"}},
    {"regex",
     "",
     {"IrregexpInterpreter", "NativeRegExpMacroAssembler", "Runtime_RegExpExec", "RegExpImpl::",
      "RegExp::Exec", "RegExpPrototypeExec", "RegExpExecInternal", "RegExpReplace"}},
    {"json",
     "",
     {"JsonParser", "JsonStringifier", "Builtin_JsonParse", "Builtin_JsonStringify", "JsonParse",
      "JsonStringify", "JSON.parse", "JSON.stringify"}},
    {"zlib", "node:zlib", {"Sync"}},
    {"zlib", "", {"ZlibContext", "BrotliEncoder", "BrotliDecoder", "deflate_", "inflate_fast"}},
    {"crypto", "node:internal/crypto", {"Sync"}},
    {"crypto",
     "",
     {"node::crypto::", "PKCS5_PBKDF2", "EVP_", "sha512_block", "sha256_block", "sha1_block",
      "bn_mul", "scrypt"}},
    {"child_process sync", "", {"SyncProcessRunner", "spawnSync", "execSync", "execFileSync"}},
    {"child_process sync", "node:child_process", {"Sync"}},
    {"child_process sync", "node:internal/child_process", {"Sync"}},
    {"lock", "", {"FutexEmulation::Wait", "Atomics.wait", "AtomicsWait"}},
    {"dns", "", {"getaddrinfo", "getnameinfo", "uv__getaddrinfo"}},
    {"logging", "node:internal/console", {"", "", "", "", "", "", "", ""}},
    {"logging", "node:internal/fs/sync_write_stream", {"", "", "", "", "", "", "", ""}},
    {"logging", "node:tty", {"", "", "", "", "", "", "", ""}},
    {"fs sync", "node:fs", {"Sync"}},
    {"fs sync", "", {"node::fs::", "uv_fs_"}},
}};

/// Packages whose work is to write logs.
constexpr std::array<std::string_view, 8> loggers{"pino",    "winston",    "bunyan", "log4js",
                                                  "logform", "sonic-boom", "debug",  "npmlog"};

bool names_function(const Activity& activity, const StackFrame& frame) {
  // an entry with nothing but a script means all of its functions
  if (activity.functions.front().empty()) return true;
  return std::any_of(activity.functions.begin(), activity.functions.end(),
                     [&](std::string_view part) {
                       return !part.empty() && frame.function.find(part) != std::string::npos;
                     });
}

bool matches(const Activity& activity, const StackFrame& frame) {
  if (activity.url.empty()) return frame.kind != "js" && names_function(activity, frame);
  return frame.kind == "js" && frame.url.starts_with(activity.url) &&
         names_function(activity, frame);
}

bool is_user_code(const StackFrame& frame) {
  return frame.kind == "js" && frame.package != "node";
}

bool is_microtask_queue(const StackFrame& frame) {
  return frame.function == "RunMicrotasks" || frame.function == "processTicksAndRejections" ||
         frame.function == "JSRunMicrotasksEntry";
}

using Frames = std::span<const StackFrame>;

bool is_logger(const StackFrame& frame) {
  return std::find(loggers.begin(), loggers.end(), frame.package) != loggers.end();
}

/// The word of the frames above the user's function; empty when they say nothing.
std::string called_activity(Frames above) {
  const auto any = [&](auto&& fits) { return std::any_of(above.begin(), above.end(), fits); };
  for (const auto& activity : activities) {
    if (activity.word == "regex" && any([](const StackFrame& frame) {
          return frame.kind == "regexp" ||
                 (frame.kind == "builtin" && frame.detail.starts_with('/'));
        }))
      return "regex";
    if (any([&](const StackFrame& frame) { return matches(activity, frame); }))
      return std::string(activity.word);
  }
  if (any([](const StackFrame& frame) { return frame.kind == "wasm"; })) return "wasm";
  if (any([](const StackFrame& frame) {
        return frame.kind == "native" && frame.url.ends_with(".node");
      }))
    return "native add-on";
  return {};
}

bool waits_for_work(Frames frames) {
  return std::any_of(frames.begin(), frames.end(), [](const StackFrame& frame) {
    return frame.function == "uv__io_poll" ||
           frame.function.find("WaitUntil") != std::string::npos ||
           frame.function.find("uv_cond_wait") != std::string::npos ||
           frame.function.find("uv_sem_wait") != std::string::npos;
  });
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

std::string activity_of(const std::vector<StackFrame>& frames) {
  const Frames all(frames);
  const auto user = std::find_if(all.begin(), all.end(), is_user_code);
  const auto own = std::find_if(all.begin(), all.end(), [](const StackFrame& frame) {
    return frame.kind == "js" && frame.package.empty();
  });
  const Frames above(all.begin(), user);
  // what a package does while it is being loaded is the loading
  const Frames above_own(all.begin(), own == all.end() ? user : own);
  std::string word = called_activity(above);
  if (word == "gc") return word;
  const auto loads = [](const StackFrame& frame) {
    return frame.kind == "js" && frame.url.starts_with("node:internal/modules");
  };
  if (std::any_of(above_own.begin(), above_own.end(), loads)) return "module loading";
  if ((word.empty() || word == "fs sync") &&
      std::any_of(above_own.begin(), above_own.end(), is_logger))
    return "logging";
  if (!word.empty()) return word;
  if (user != all.end()) return "js";
  if (waits_for_work(all) &&
      std::none_of(all.begin(), all.end(), [](const auto& frame) { return frame.kind == "js"; }))
    return "idle";
  if (from_microtasks(frames)) return "microtasks";
  return std::any_of(all.begin(), all.end(), is_javascript) ? "js" : "native";
}

bool from_microtasks(const std::vector<StackFrame>& frames) {
  const auto user = std::find_if(frames.rbegin(), frames.rend(), is_user_code);
  // only what lies below the outermost function of the user
  return std::any_of(user == frames.rend() ? frames.begin() : user.base(), frames.end(),
                     is_microtask_queue);
}

int culprit_of(const std::vector<StackFrame>& frames) {
  int of_package = -1;
  int any = -1;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const StackFrame& frame = frames[i];
    if (frame.kind != "js") continue;
    const int index = static_cast<int>(i);
    // code of eval and new Function has no file: whoever called it is the one to look at
    if (frame.package.empty() && frame.url != "<eval>") return index;
    if (of_package < 0 && frame.package != "node") of_package = index;
    if (any < 0) any = index;
  }
  return of_package >= 0 ? of_package : any;
}

std::string place_of(const StackFrame& frame) {
  if (!frame.original_url.empty())
    return fmt::format("{}:{}:{}", frame.original_url, frame.original_line.value_or(0),
                       frame.original_column.value_or(0));
  std::string place = path_of_url(frame.url);
  if (!place.empty() && frame.line)
    place += fmt::format(":{}:{}", *frame.line, frame.column.value_or(0));
  return place;
}

std::string function_of(const StackFrame& frame) {
  return frame.function.empty() ? "(anonymous)" : frame.function;
}

std::string describe_frame(const StackFrame& frame) {
  std::string text = function_of(frame);
  if (frame.kind == "native" || frame.kind == "stub") {
    if (!frame.function.empty()) return text;
    return fmt::format("(native, {})", frame.url.empty() ? "unknown" : frame.url);
  }
  const std::string place = place_of(frame);
  if (!place.empty()) text += fmt::format(" ({})", place);
  if (frame.at_start && frame.line) text += " [function start]";
  if (!frame.detail.empty()) text += " " + frame.detail;
  return text;
}

std::string describe_stack(const std::vector<StackFrame>& frames, bool native) {
  std::string text;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const StackFrame& frame = frames[i];
    if (!native && i > 0 && !is_javascript(frame)) continue;
    text += describe_frame(frame);
    std::string how = frame.kind == "js" ? frame.tier : frame.kind;
    if (frame.inlined) how += ", inlined";
    if (!how.empty()) text += fmt::format(" [{}]", how);
    text += "\n";
  }
  return text;
}

}  // namespace triage::v8
