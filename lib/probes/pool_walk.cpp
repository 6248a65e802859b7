#include "lib/probes/pool_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/statement_text.h"
#include "lib/probes/pool_scripts.h"
#include "lib/v8/inspector.h"

namespace triage::probes::pool {
namespace {

constexpr const char* object_group = "triage-pools";
/// One piece of the walk inside the target.
constexpr double step_limit_ms = 5;
constexpr std::size_t least_batch = 4;
constexpr std::size_t most_batch = 40;
/// An application with all the libraries that are known takes about 1,000.
constexpr std::int64_t most_requests = 4000;

std::string object_id(const Json& remote) {
  return remote.is_object() ? remote.value("objectId", std::string()) : std::string();
}

std::optional<std::int64_t> optional_integer(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? std::optional(found->get<std::int64_t>())
                                                   : std::nullopt;
}

std::int64_t integer(const Json& json, const char* key) {
  return optional_integer(json, key).value_or(0);
}

std::string text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<double> seconds(const Json& json, const char* key) {
  const auto ms = optional_integer(json, key);
  if (!ms) return std::nullopt;
  return static_cast<double>(std::max<std::int64_t>(*ms, 0)) / 1000;
}

AppClient client_of(const Json& json) {
  AppClient client;
  client.id = integer(json, "id");
  client.backend_pid = optional_integer(json, "pid");
  client.port = optional_integer(json, "port");
  client.statement = normalise_statement(text(json, "text"));
  client.transaction = text(json, "tx");
  client.held_s = seconds(json, "held");
  client.held_exactly = json.value("exact", false);
  return client;
}

}  // namespace

AppWatch::AppWatch(v8::Inspector& inspector, const os::Procfs& procfs, pid_t pid,
                   std::chrono::milliseconds pause_budget, Session& session)
    : inspector_(inspector),
      procfs_(procfs),
      session_(session),
      budget_ms_(std::chrono::duration<double, std::milli>(pause_budget).count()) {
  walk_.pid = pid;
  state_ = evaluate(walk_state_script);
  walk(evaluate(walk_roots_script));
}

AppWatch::~AppWatch() {
  std::vector<Gap> ignored;
  attempt(ignored, "app_pools", [&] {
    return inspector_.request("Runtime.releaseObjectGroup", {{"objectGroup", object_group}});
  });
}

Json AppWatch::request(const std::string& method, Json params) {
  ++walk_.requests_count;
  params["objectGroup"] = object_group;
  return inspector_.request(method, params);
}

std::string AppWatch::evaluate(const char* script) {
  const std::string id =
      object_id(request("Runtime.evaluate",
                        {{"expression", script}, {"includeCommandLineAPI", true}, {"silent", true}})
                    .value("result", Json()));
  if (id.empty()) throw Error(ErrorCode::malformed, "the target could not prepare the walk");
  return id;
}

/// CPU time of the target's main thread: "53781412 1204381 77\n" in
/// /proc/<pid>/task/<tid>/schedstat begins with it, in ns
/// (Documentation/scheduler/sched-stats.rst). 0 when it cannot be read.
double AppWatch::thread_ms() const {
  constexpr double ns_per_ms = 1e6;
  std::vector<Gap> ignored;
  const auto pid = static_cast<pid_t>(walk_.pid);
  const auto text = attempt(ignored, "schedstat", [&] {
    return procfs_.read(pid, fmt::format("task/{}/schedstat", pid));
  });
  std::uint64_t ns = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), ns);
  return static_cast<double>(ns) / ns_per_ms;
}

/// A piece that began when the thread had used `thread_before_ms` and took `clock_ms` by the
/// target's clock. Both include the application's own work in between, and the clock also the time
/// that others had the CPU: the smaller one is nearer to the pause.
void AppWatch::spent(double clock_ms, double thread_before_ms, bool least) {
  const double thread = thread_ms() - thread_before_ms;
  const double ms = thread_before_ms > 0 ? std::min(clock_ms, thread) : clock_ms;
  walk_.total_ms += ms;
  walk_.pause_ms = std::max(walk_.pause_ms, ms);
  session_.paused(
      std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(ms)));
  // A batch that was too wide is followed by narrower ones: only the least piece decides.
  if (least && ms > budget_ms_)
    throw Error(ErrorCode::refused,
                fmt::format("a piece of the walk took {:.0f} ms of the target's thread, more than "
                            "the budget of {:.0f} ms",
                            ms, budget_ms_),
                "leave out --allow-inspector, or allow it with --pause-budget");
}

void AppWatch::walk(const std::string& roots) {
  std::vector<std::string> things{roots};
  bool more = true;
  while (more || !things.empty()) {
    if (walk_.requests_count > most_requests || session_.cancelled()) {
      walk_.whole = false;
      return;
    }
    things = scopes_of(expand(things, more));
  }
}

/// The functions that these objects, and those left from the call before, reach.
std::vector<std::string> AppWatch::expand(const std::vector<std::string>& things, bool& more) {
  const double thread_before = thread_ms();
  Json arguments = Json::array({{{"value", step_limit_ms}}});
  for (const auto& id : things) arguments.push_back({{"objectId", id}});
  const Json list = request("Runtime.callFunctionOn", {{"functionDeclaration", walk_expand_script},
                                                       {"objectId", state_},
                                                       {"arguments", arguments}})
                        .value("result", Json());
  std::vector<std::string> functions;
  std::vector<double> numbers;
  const auto answers = properties_of({object_id(list)});
  for (const auto& row : answers.front().value("result", Json::array())) {
    const Json value = row.value("value", Json::object());
    if (text(row, "name") == "length") continue;
    if (text(value, "type") == "function") functions.push_back(object_id(value));
    if (text(value, "type") == "number") numbers.push_back(value.value("value", 0.0));
  }
  if (numbers.size() != 2) throw Error(ErrorCode::malformed, "a step of the walk failed");
  more = numbers[1] > 0;
  spent(numbers[0], thread_before, true);
  return functions;
}

/// One way there and back for a batch. The target's clock before and after it bounds the time that
/// the batch took of its thread from above; batches shrink where that is long.
std::vector<Json> AppWatch::properties_of(const std::vector<std::string>& ids) {
  std::vector<Json> answers;
  const Json clock{{"expression", "performance.now()"}, {"returnByValue", true}};
  const auto time = [](const Json& answer) {
    return answer.value("result", Json::object()).value("value", 0.0);
  };
  for (std::size_t at = 0; at < ids.size();) {
    const std::size_t end = std::min(ids.size(), at + batch_);
    const double thread_before = thread_ms();
    const std::int64_t before = inspector_.post("Runtime.evaluate", clock);
    std::vector<std::int64_t> posted;
    for (std::size_t i = at; i < end; ++i)
      posted.push_back(inspector_.post("Runtime.getProperties",
                                       {{"objectId", ids[i]}, {"ownProperties", true}}));
    const std::int64_t after = inspector_.post("Runtime.evaluate", clock);
    const double began_ms = time(inspector_.answer(before));
    for (const std::int64_t id : posted) answers.push_back(inspector_.answer(id));
    const double took_ms = time(inspector_.answer(after)) - began_ms;
    walk_.requests_count += static_cast<std::int64_t>(end - at) + 2;
    if (took_ms > step_limit_ms && batch_ > least_batch) {
      batch_ = std::max(batch_ / 2, least_batch);
    } else if (took_ms < step_limit_ms / 2) {
      batch_ = std::min(batch_ * 2, most_batch);
    }
    spent(took_ms, thread_before, end - at <= least_batch);
    at = end;
  }
  return answers;
}

/// What functions hold besides properties: the variables of their scopes, and what they are bound
/// to. V8 hands out a scope as an object of its variables.
std::vector<std::string> AppWatch::scopes_of(const std::vector<std::string>& functions) {
  std::vector<std::string> lists;
  std::vector<std::string> things;
  for (const auto& answer : properties_of(functions)) {
    for (const auto& row : answer.value("internalProperties", Json::array())) {
      const std::string name = text(row, "name");
      const std::string id = object_id(row.value("value", Json()));
      if (id.empty()) continue;
      if (name == "[[Scopes]]") lists.push_back(id);
      if (name == "[[BoundThis]]" || name == "[[TargetFunction]]") things.push_back(id);
    }
  }
  for (const auto& answer : properties_of(lists)) {
    for (const auto& row : answer.value("result", Json::array())) {
      const Json scope = row.value("value", Json::object());
      const std::string id = object_id(scope);
      const std::string kind = text(scope, "description");
      if (!id.empty() && kind.rfind("Global", 0) != 0 && kind.rfind("Script", 0) != 0)
        things.push_back(id);
    }
  }
  return things;
}

void AppWatch::look() {
  const double thread_before = thread_ms();
  const Json answer = request("Runtime.callFunctionOn", {{"functionDeclaration", walk_read_script},
                                                         {"objectId", state_},
                                                         {"returnByValue", true}})
                          .value("result", Json::object())
                          .value("value", Json::object());
  last_look_ = session_.clock().monotonic();
  spent(answer.value("spent", 0.0), thread_before, true);
  for (const auto& pool : answer.value("pools", Json::array())) take(pool);
}

/// What the pool says of itself now.
void AppWatch::describe(const Json& json, AppPool& pool) const {
  pool.pid = walk_.pid;
  pool.id = integer(json, "id");
  pool.library = text(json, "library");
  pool.server = text(json, "server");
  pool.total_count = integer(json, "total");
  pool.idle_count = integer(json, "idle");
  pool.checked_out_count = std::max<std::int64_t>(pool.total_count - pool.idle_count, 0);
  pool.waiting_count = integer(json, "waiting");
  pool.max_count = optional_integer(json, "max");
  pool.acquire_timeout_ms = optional_integer(json, "acquire");
  pool.idle_timeout_ms = optional_integer(json, "idleTimeout");
  pool.waiting_oldest_s = pool.waiting_count > 0 ? seconds(json, "oldest") : std::nullopt;
}

void AppWatch::take_clients(const Json& json, bool first, Seen& seen) const {
  constexpr std::int64_t clock_slack_ms = 50;
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(last_look_).count();
  AppPool& pool = seen.pool;
  pool.clients.clear();
  for (const auto& one : json.value("clients", Json::array())) {
    AppClient client = client_of(one);
    // The moment of the check-out tells one from the next where it is known, else the use count.
    const bool exact = client.held_exactly;
    const std::int64_t mark = exact ? now_ms - integer(one, "held") : integer(one, "uses");
    if (first) seen.first_marks[client.id] = mark;
    const auto before = seen.first_marks.find(client.id);
    client.stayed = before != seen.first_marks.end() &&
                    std::abs(before->second - mark) <= (exact ? clock_slack_ms : 0);
    ++seen.clients_sum;
    if (!client.statement.empty()) ++seen.busy_sum;
    pool.clients.push_back(std::move(client));
  }
  std::stable_sort(pool.clients.begin(), pool.clients.end(),
                   [](const AppClient& a, const AppClient& b) { return a.held_s > b.held_s; });
}

void AppWatch::take(const Json& json) {
  const bool first = !seen_.contains(integer(json, "id"));
  Seen& seen = seen_[integer(json, "id")];
  AppPool& pool = seen.pool;
  describe(json, pool);
  take_clients(json, first, seen);
  const auto returns = optional_integer(json, "uses");
  if (first) {
    seen.first = last_look_;
    seen.first_waiting = pool.waiting_count;
    seen.first_returns = returns;
  }
  pool.watched_s = std::chrono::duration<double>(last_look_ - seen.first).count();
  ++pool.looks_count;
  if (pool.waiting_count > 0) ++pool.looks_waiting_count;
  seen.checked_out_sum += static_cast<double>(pool.checked_out_count);
  seen.waiting_sum += static_cast<double>(pool.waiting_count);
  pool.checked_out_mean = seen.checked_out_sum / static_cast<double>(pool.looks_count);
  pool.waiting_mean = seen.waiting_sum / static_cast<double>(pool.looks_count);
  pool.waiting_growth_count = pool.waiting_count - seen.first_waiting;
  if (seen.clients_sum > 0)
    pool.statement_ratio =
        static_cast<double>(seen.busy_sum) / static_cast<double>(seen.clients_sum);
  // A client that was closed took its count along: never below nothing.
  if (returns && seen.first_returns)
    pool.returned_count = std::max<std::int64_t>(*returns - *seen.first_returns, 0);
}

void AppWatch::give(std::vector<AppPool>& pools, std::vector<AppWalk>& walks) const {
  for (const auto& [id, seen] : seen_) pools.push_back(seen.pool);
  std::stable_sort(pools.begin(), pools.end(), [](const AppPool& a, const AppPool& b) {
    return a.waiting_count > b.waiting_count;
  });
  walks.push_back(walk_);
}

}  // namespace triage::probes::pool
