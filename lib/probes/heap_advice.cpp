#include "lib/probes/heap_advice.h"

#include <array>
#include <utility>

namespace triage::probes {
namespace {

using v8::LeakKind;

// the same for every kind that lives in the JavaScript heap
constexpr const char* rolling =
    "if memory is close to its limit: restart the instances one at a time, and keep these "
    "snapshots "
    "first";
constexpr const char* no_limit =
    "do not just raise --max-old-space-size or the container's limit: the growth only takes longer";

LeakAdvice with_common(LeakAdvice advice) {
  advice.now.emplace_back(rolling);
  advice.dont.emplace_back(no_limit);
  return advice;
}

using Row = std::pair<LeakKind, LeakAdvice>;

std::vector<Row> program_rows() {
  return {
      {LeakKind::listener,
       {"listeners that are never removed",
        {},
        {"remove the listener when its request or object ends (off, removeListener), or register "
         "it "
         "once outside of the request handler",
         "events.once or { signal } of an AbortController removes it by itself"},
        {"do not silence MaxListenersExceededWarning with setMaxListeners(0): it named this "
         "leak"}}},
      {LeakKind::abort_listener,
       {"listeners of a long-lived AbortSignal or EventTarget",
        {},
        {"use an AbortController per request and AbortSignal.any() to join it with the long-lived "
         "one",
         "pass { once: true } and removeEventListener when the work is done"},
        {"do not keep one AbortSignal of the process for every call"}}},
      {LeakKind::timer,
       {"timers that are never cleared",
        {},
        {"clearInterval / clearTimeout where the request or object ends",
         "one shared timer that sweeps instead of one for each object"},
        {"unref() lets the process exit, it does not free the timer"}}},
      {LeakKind::async_local_storage,
       {"AsyncLocalStorage stores kept by what was started inside them",
        {},
        {"clear the timer, or start it outside of the request: als.exit(() => setInterval(...))",
         "keep an id in the store, not the whole request"},
        {"do not disable() the storage of a running service: every request loses its context"}}},
      {LeakKind::async_hooks,
       {"a table by async id without its removal",
        {"switch the tracing or monitoring that installs the hook off, if there is a flag"},
        {"delete the entry in the destroy and promiseResolve hooks, or use AsyncLocalStorage"},
        {}}},
      {LeakKind::closures,
       {"functions pushed to a list that is not drained",
        {},
        {"run and drop them when their request ends (splice, or DisposableStack)",
         "capture only what the function needs"},
        {}}},
      {LeakKind::closure_context,
       {"each closure keeps the one before it",
        {},
        {"do not wrap the previous value again: keep the original once",
         "set what is no longer needed to null: closures of one scope share all of its variables"},
        {}}},
      {LeakKind::promises,
       {"promises that are never settled",
        {"look at what does not answer: triage pool, triage fds, triage logs"},
        {"settle each by a timeout (AbortSignal.timeout, Promise.race) and delete its entry in "
         "finally"},
        {"do not retry without a limit: each attempt leaves another pending entry"}}},
      {LeakKind::streams,
       {"streams that are neither finished nor destroyed",
        {"see whether descriptors rise with them: triage fds TARGET"},
        {"use stream.pipeline(), which destroys all of them on error and on a client that goes "
         "away",
         "destroy() on close and timeout"},
        {}}},
      {LeakKind::open_handles,
       {"sockets, watchers or processes that stay open",
        {"see what they are connected to: triage fds TARGET"},
        {"set a timeout and destroy() on it; server.closeIdleConnections(); one keep-alive Agent"},
        {"do not raise the limit of descriptors as the fix"}}},
      {LeakKind::requests,
       {"whole requests or responses kept",
        {},
        {"copy the fields that are needed out of the request and drop it"},
        {}}},
      {LeakKind::errors,
       {"Error objects kept with their stacks",
        {"find out what fails so often: triage logs FILE"},
        {"keep the message and a count, not the Error"},
        {}}},
      {LeakKind::generated_code,
       {"code that is compiled again and again",
        {},
        {"compile a template, function or vm.Script once and keep it by its source, with a limit",
         "no new Function or vm.runInContext per request"},
        {}}},
      {LeakKind::detached,
       {"document nodes that are no longer in their document", {}, {"drop the reference"}, {}}}};
}

std::vector<Row> container_rows() {
  return {{LeakKind::cache_map,
           {"a Map that is filled and never emptied",
            {"use its clear switch, if the service has one"},
            {"a limit and an age: LRU with max and TTL; or delete the entry when its work is done"},
            {"do not make it a WeakMap when its keys are texts or numbers: they cannot be weak"}}},
          {LeakKind::cache_object,
           {"an object used as a table and never emptied",
            {"use its clear switch, if the service has one"},
            {"a Map with a limit and an age: LRU with max and TTL"},
            {"delete on a large object makes it slower, not bounded"}}},
          {LeakKind::set,
           {"a Set that is filled and never emptied",
            {},
            {"delete the entry when its work is done; a WeakSet when only membership is asked"},
            {}}},
          {LeakKind::array,
           {"an array that is only pushed to",
            {},
            {"a limit (ring buffer), or write it out and empty it"},
            {"array.length = 0 on a timer loses what was not written yet"}}},
          {LeakKind::linked_list,
           {"a list to which something is always added",
            {},
            {"take entries off when they are done, or give it a limit"},
            {}}},
          {LeakKind::buffers,
           {"Buffers that stay",
            {},
            {"stream the data instead of holding it; drop the Buffer when it is sent"},
            {"their bytes lie outside of the V8 heap: --max-old-space-size does not limit them"}}},
          {LeakKind::buffer_slices,
           {"small views that keep large Buffers",
            {},
            {"copy what is kept: Buffer.from(view)"},
            {"subarray() and slice() of a Buffer copy nothing"}}},
          {LeakKind::parent_strings,
           {"short texts that keep the long ones they were cut from",
            {},
            {"copy what is kept: Buffer.from(text).toString()"},
            {"substring(), slice() and regular expressions copy nothing from 13 characters on"}}},
          {LeakKind::weakmap_keys,
           {"keys of a WeakMap that are kept elsewhere",
            {},
            {"the WeakMap is innocent: drop the keys from the holder named here"},
            {}}},
          {LeakKind::unknown,
           {"growth of a shape that no rule knows",
            {},
            {"follow the way to the holder in the source"},
            {}}}};
}

}  // namespace

const LeakAdvice& advice_for(LeakKind kind) {
  static const auto table = [] {
    std::array<LeakAdvice, 24> all{};
    for (auto rows : {program_rows(), container_rows()})
      for (auto& [key, advice] : rows)
        all.at(static_cast<std::size_t>(key)) = with_common(std::move(advice));
    return all;
  }();
  return table.at(static_cast<std::size_t>(kind));
}

}  // namespace triage::probes
