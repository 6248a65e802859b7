#include "lib/v8/leak_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace triage::v8 {
namespace {

constexpr std::array<std::string_view, 24> names{
    "unknown",      "listener",        "abort_listener", "timer",         "async_local_storage",
    "async_hooks",  "cache_map",       "cache_object",   "set",           "array",
    "closures",     "closure_context", "linked_list",    "promises",      "streams",
    "open_handles", "requests",        "buffers",        "buffer_slices", "parent_strings",
    "errors",       "generated_code",  "weakmap_keys",   "detached"};

/// What the rules ask of the evidence.
class Facts {
 public:
  explicit Facts(const LeakEvidence& evidence) : evidence_(evidence) {
    for (const auto& row : evidence.below) bytes_ += row.bytes;
  }

  [[nodiscard]] const LeakEvidence& of() const { return evidence_; }
  [[nodiscard]] std::uint64_t count(std::string_view name) const {
    std::uint64_t sum = 0;
    for (const auto& row : evidence_.below) sum += row.name == name ? row.count : 0;
    return sum;
  }
  [[nodiscard]] std::uint64_t count_any(const std::vector<std::string_view>& wanted) const {
    std::uint64_t sum = 0;
    for (const auto name : wanted) sum += count(name);
    return sum;
  }
  [[nodiscard]] std::uint64_t count_ending(std::string_view end) const {
    std::uint64_t sum = 0;
    for (const auto& row : evidence_.below) sum += row.name.ends_with(end) ? row.count : 0;
    return sum;
  }
  /// Share of the new bytes that are of these classes.
  [[nodiscard]] double bytes_share(const std::vector<std::string_view>& wanted) const {
    std::uint64_t sum = 0;
    for (const auto& row : evidence_.below)
      for (const auto name : wanted) sum += row.name == name ? row.bytes : 0;
    return bytes_ == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(bytes_);
  }
  /// `count` of something against the number of members: 1 is one for each.
  [[nodiscard]] double per_member(std::uint64_t count) const {
    const std::uint64_t members = std::max<std::uint64_t>(1, evidence_.members_count);
    return static_cast<double>(count) / static_cast<double>(members);
  }
  [[nodiscard]] bool on_way(std::string_view edge) const {
    return std::any_of(evidence_.path_edges.begin(), evidence_.path_edges.end(),
                       [&](const std::string& name) { return name == edge; });
  }
  [[nodiscard]] bool class_on_way(std::string_view wanted) const {
    return std::find(evidence_.path_classes.begin(), evidence_.path_classes.end(), wanted) !=
           evidence_.path_classes.end();
  }
  /// One of the last edges of the way, so that a holder far below is not meant.
  [[nodiscard]] bool near_end(std::string_view edge, std::size_t steps) const {
    const auto& edges = evidence_.path_edges;
    const std::size_t first = edges.size() > steps ? edges.size() - steps : 0;
    return std::find(edges.begin() + static_cast<std::ptrdiff_t>(first), edges.end(), edge) !=
           edges.end();
  }
  [[nodiscard]] bool member_has(std::string_view part) const {
    return std::any_of(evidence_.member_edges.begin(), evidence_.member_edges.end(),
                       [&](const std::string& name) { return name.find(part) != name.npos; });
  }
  /// The class of most members.
  [[nodiscard]] std::string_view main_member() const {
    return evidence_.members.empty() ? std::string_view() : evidence_.members.front().name;
  }

 private:
  const LeakEvidence& evidence_;
  std::uint64_t bytes_ = 0;
};

using Rule = std::optional<LeakGuess> (*)(const Facts&);

const std::vector<std::string_view> stream_classes{
    "Readable",   "Writable",    "Duplex",        "Transform",     "PassThrough",
    "ReadStream", "WriteStream", "ReadableState", "WritableState", "Gzip",
    "Gunzip",     "Deflate",     "Inflate",       "BrotliCompress"};
const std::vector<std::string_view> handle_classes{
    "TCP",          "Pipe",   "UDP",         "Socket",  "TLSSocket",  "FSWatcher",
    "ChildProcess", "Worker", "MessagePort", "Process", "FileHandle", "Http2Session"};
const std::vector<std::string_view> memory_classes{
    "ArrayBuffer", "SharedArrayBuffer", "Buffer",       "FastBuffer",
    "Uint8Array",  "Float64Array",      "Float32Array", "DataView",
    "Uint16Array", "Uint32Array",       "Int32Array",   "system / JSArrayBufferData"};
const std::vector<std::string_view> view_classes{"Buffer",       "FastBuffer",   "Uint8Array",
                                                 "Float64Array", "Float32Array", "DataView",
                                                 "Uint16Array",  "Uint32Array",  "Int32Array"};

std::optional<LeakGuess> listeners(const Facts& facts) {
  if (!facts.near_end("_events", 3)) return std::nullopt;
  const std::string event =
      facts.near_end("_events", 1) ? std::string("several events") : facts.of().path_edges.back();
  return LeakGuess{LeakKind::listener, 0.95,
                   fmt::format("new listeners stay in _events of an emitter ({})", event)};
}

std::optional<LeakGuess> abort_listeners(const Facts& facts) {
  if (facts.of().holder_class != "Listener" && facts.main_member() != "Listener")
    return std::nullopt;
  return LeakGuess{LeakKind::abort_listener, 0.95,
                   "new entries stay in the listener list of an EventTarget or AbortSignal"};
}

std::optional<LeakGuess> timers(const Facts& facts) {
  const bool lists = facts.of().holder_class == "TimersList" || facts.main_member() == "Timeout" ||
                     facts.per_member(facts.count("Timeout")) > 0.5;
  if (!lists) return std::nullopt;
  if (facts.member_has("kResourceStore") || facts.member_has("async_context_frame"))
    return LeakGuess{LeakKind::async_local_storage, 0.9,
                     "each pending timer carries the AsyncLocalStorage store it was started in"};
  const bool repeats = facts.main_member() == "Timeout" && !facts.member_has("_repeat");
  return LeakGuess{LeakKind::timer, 0.95,
                   repeats ? "new intervals stay in Node.js' list of timers"
                           : "new timeouts wait in Node.js' list of timers"};
}

std::optional<LeakGuess> async_hooks(const Facts& facts) {
  if (!facts.on_way("promise_hook_init_function") && !facts.class_on_way("AsyncHook"))
    return std::nullopt;
  return LeakGuess{LeakKind::async_hooks, 0.85,
                   "the holder is reached through the init hook of async_hooks"};
}

std::optional<LeakGuess> detached(const Facts& facts) {
  if (!facts.main_member().starts_with("Detached ")) return std::nullopt;
  return LeakGuess{LeakKind::detached, 0.9, "new nodes are detached from their document"};
}

std::optional<LeakGuess> requests(const Facts& facts) {
  const std::uint64_t found = facts.count_any({"IncomingMessage", "ServerResponse"});
  if (facts.per_member(found) < 0.5) return std::nullopt;
  return LeakGuess{LeakKind::requests, 0.9,
                   fmt::format("{} IncomingMessage and ServerResponse objects stay", found)};
}

std::optional<LeakGuess> handles(const Facts& facts) {
  const std::uint64_t found = facts.count_any(handle_classes);
  if (found < 10 || facts.per_member(found) < 0.3) return std::nullopt;
  return LeakGuess{LeakKind::open_handles, facts.of().holder_is_root ? 0.9 : 0.75,
                   "new objects are handles of the event loop (sockets, watchers, processes)"};
}

std::optional<LeakGuess> streams(const Facts& facts) {
  if (facts.per_member(facts.count_any(stream_classes)) < 0.5) return std::nullopt;
  return LeakGuess{LeakKind::streams, 0.9, "new streams stay, with their buffers and state"};
}

std::optional<LeakGuess> errors(const Facts& facts) {
  if (facts.per_member(facts.count_ending("Error")) < 0.5) return std::nullopt;
  return LeakGuess{LeakKind::errors, 0.9, "new Error objects stay, each with its stack"};
}

std::optional<LeakGuess> generated_code(const Facts& facts) {
  // a function that is only made, not compiled, brings no code of its own
  const auto functions = static_cast<double>(facts.count("Function"));
  const double code =
      static_cast<double>(facts.count("(compiled code)")) / std::max(1.0, functions);
  if (code < 2 || facts.of().members_count < 10 || facts.per_member(facts.count("Function")) < 0.5)
    return std::nullopt;
  return LeakGuess{LeakKind::generated_code, 0.85,
                   fmt::format("{:.0f} pieces of compiled code stay with each new function", code)};
}

std::optional<LeakGuess> promises(const Facts& facts) {
  const double found = facts.per_member(facts.count("Promise"));
  if (found < 0.5) return std::nullopt;
  return LeakGuess{LeakKind::promises, 0.85,
                   "each new entry keeps a Promise that is not settled, or its resolver"};
}

std::optional<LeakGuess> memory(const Facts& facts) {
  if (facts.bytes_share(memory_classes) < 0.6) return std::nullopt;
  const std::uint64_t views = facts.count_any(view_classes);
  const std::uint64_t buffers = facts.count("ArrayBuffer");
  if (buffers > 0 && static_cast<double>(views) > 1.5 * static_cast<double>(buffers))
    return LeakGuess{
        LeakKind::buffer_slices, 0.8,
        fmt::format("{} views stay on {} ArrayBuffers: each keeps the whole", views, buffers)};
  return LeakGuess{LeakKind::buffers, 0.9, "most new bytes are memory of Buffers"};
}

std::optional<LeakGuess> strings(const Facts& facts) {
  const std::uint64_t sliced = facts.count("(sliced string)");
  if (facts.per_member(sliced) < 0.5) return std::nullopt;
  return LeakGuess{LeakKind::parent_strings, 0.9,
                   fmt::format("{} slices stay, each with the whole text it was cut from", sliced)};
}

std::optional<LeakGuess> weak_map(const Facts& facts) {
  if (!facts.of().member_keeps_weak_map_value) return std::nullopt;
  return LeakGuess{LeakKind::weakmap_keys, 0.85,
                   "the new objects are keys of a WeakMap and keep its values"};
}

bool is_container(std::string_view name) {
  return name == "Map" || name == "Set" || name == "Array";
}

std::optional<LeakGuess> chains(const Facts& facts) {
  const LeakEvidence& seen = facts.of();
  if (is_container(seen.holder_class)) return std::nullopt;
  if (seen.chained_ratio > 0.8 && seen.members_count > 10)
    return LeakGuess{LeakKind::linked_list, 0.9,
                     fmt::format("{} of {} new objects hang one below the other",
                                 seen.members_count - 1, seen.members_count)};
  const std::uint64_t contexts = facts.count("system / Context");
  const std::uint64_t functions = facts.count("Function");
  // few hang directly below, and all others below those
  if (contexts > 10 && functions > 10 && seen.members_count * 5 < functions)
    return LeakGuess{
        LeakKind::closure_context, 0.85,
        fmt::format("{} functions keep {} scopes, each the one before it", functions, contexts)};
  return std::nullopt;
}

std::optional<LeakGuess> containers(const Facts& facts) {
  const LeakEvidence& seen = facts.of();
  const std::string what =
      fmt::format("{} new {} entries stay in it", seen.members_count, facts.main_member());
  if (seen.holder_class == "Map") return LeakGuess{LeakKind::cache_map, 0.9, "a Map: " + what};
  if (seen.holder_class == "Set") return LeakGuess{LeakKind::set, 0.9, "a Set: " + what};
  if (seen.holder_class == "Array")
    return facts.main_member() == "Function"
               ? LeakGuess{LeakKind::closures, 0.85, "an array of functions: " + what}
               : LeakGuess{LeakKind::array, 0.9, "an array: " + what};
  if (seen.holder_is_root || seen.members_count < 10 || seen.holder_class.starts_with('('))
    return std::nullopt;
  return LeakGuess{LeakKind::cache_object, 0.8, "an object used as a table: " + what};
}

/// In this order: what is special before what is general.
constexpr std::array<Rule, 16> rules{
    listeners, abort_listeners, async_hooks,    timers,  detached, requests, handles, streams,
    errors,    memory,          generated_code, strings, weak_map, promises, chains,  containers};

}  // namespace

std::string_view name_of(LeakKind kind) {
  return names.at(static_cast<std::size_t>(kind));
}

const std::vector<LeakKind>& all_leak_kinds() {
  static const std::vector<LeakKind> kinds = [] {
    std::vector<LeakKind> all;
    for (std::size_t i = 1; i < names.size(); ++i) all.push_back(static_cast<LeakKind>(i));
    return all;
  }();
  return kinds;
}

bool may_be_cache(LeakKind kind) {
  return kind == LeakKind::cache_map || kind == LeakKind::cache_object || kind == LeakKind::set ||
         kind == LeakKind::buffers || kind == LeakKind::generated_code;
}

LeakGuess guess_kind(const LeakEvidence& evidence) {
  const Facts facts(evidence);
  for (const Rule rule : rules)
    if (auto guess = rule(facts)) return *guess;
  return {LeakKind::unknown, 0, "no rule knows this shape"};
}

}  // namespace triage::v8
