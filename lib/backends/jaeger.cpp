#include "lib/backends/jaeger.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/backends/tempo.h"
#include "lib/base/json.h"
#include "lib/base/json_cursor.h"
#include "lib/traces/span_reader.h"

namespace triage::backends {
namespace {

constexpr const char* name = "Jaeger";
constexpr std::size_t batch_size = 64;

std::int64_t microseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

std::int64_t milliseconds(WallTime time) {
  return microseconds(time) / 1000;
}

/// "500ms": a Go duration needs its unit.
std::string go_duration(Duration duration) {
  return fmt::format("{}ms",
                     std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::string tags_text(const TraceQuery& query) {
  Json tags = Json::object();
  for (const auto& [key, value] : query.tags) tags[key] = value;
  return dump_json(tags);
}

/// Jaeger 2.20 takes no shorter ids than 32 digits.
std::string whole_id(std::string id) {
  std::transform(id.begin(), id.end(), id.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  if (id.empty() || id.size() > 32 || id.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw Error(ErrorCode::usage, fmt::format("'{}' is no trace id", id),
                "a trace id has up to 32 hexadecimal digits");
  return std::string(32 - id.size(), '0') + id;
}

/// Tempo answers in its binary form unless it is told otherwise.
net::Request trace_request(const char* path, const std::string& id) {
  net::Request request;
  request.path = path + whole_id(id);
  request.headers = {{"Accept", "application/json"}};
  return request;
}

net::Request v3_search(const TraceQuery& query) {
  net::Request request;
  request.path = "/api/v3/traces";
  // the names of 1.x, which 2.20 takes as well
  request.parameters = {{"query.service_name", query.service},
                        {"query.start_time_min", to_rfc3339(query.from)},
                        {"query.start_time_max", to_rfc3339(query.to)}};
  auto& parameters = request.parameters;
  if (!query.operation.empty()) parameters.emplace_back("query.operation_name", query.operation);
  if (query.shortest.count() > 0)
    parameters.emplace_back("query.duration_min", go_duration(query.shortest));
  if (query.longest.count() > 0)
    parameters.emplace_back("query.duration_max", go_duration(query.longest));
  if (!query.tags.empty()) parameters.emplace_back("query.attributes", tags_text(query));
  parameters.emplace_back("query.num_traces", fmt::format("{}", query.limit));
  return request;
}

net::Request v1_search(const TraceQuery& query) {
  net::Request request;
  request.path = "/api/traces";
  request.parameters = {{"service", query.service},
                        {"start", fmt::format("{}", microseconds(query.from))},
                        {"end", fmt::format("{}", microseconds(query.to))},
                        {"limit", fmt::format("{}", query.limit)}};
  auto& parameters = request.parameters;
  if (!query.operation.empty()) parameters.emplace_back("operation", query.operation);
  if (query.shortest.count() > 0)
    parameters.emplace_back("minDuration", go_duration(query.shortest));
  if (query.longest.count() > 0) parameters.emplace_back("maxDuration", go_duration(query.longest));
  if (!query.tags.empty()) parameters.emplace_back("tags", tags_text(query));
  return request;
}

/// What the server itself says, from either of its error forms; empty for another text.
/// {"errors":[{"code":400,"msg":".."}]}   {"error":{"httpCode":400,"message":".."}}
std::string said(const net::Response& response) {
  const Json body = Json::parse(response.body, nullptr, false);
  if (!body.is_object()) return {};
  const auto text = [](const Json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() && found->is_string()
               ? found->get<std::string>()
               : std::string();
  };
  if (body.contains("error")) return text(body["error"], "message");
  if (body.contains("errors") && body["errors"].is_array() && !body["errors"].empty())
    return text(body["errors"][0], "msg");
  return {};
}

/// A 404 of the API itself says what was not found; one of a server without it does not.
bool api_absent(const net::Response& response) {
  return (response.status == 404 && said(response).empty()) || response.status == 501;
}

/// Throws for all but 2xx with data, in the server's words where it has some.
void require(const net::Response& response) {
  const std::string words = said(response);
  if (response.status == 400 && !words.empty())
    throw Error(ErrorCode::usage, fmt::format("{} refused the query: {}", name, words),
                "see triage trace --help");
  if (response.status == 404 && !words.empty())
    throw Error(ErrorCode::not_found, fmt::format("{}: {}", name, words),
                "check the trace id and how long the server keeps traces");
  if (response.status >= 500 && !words.empty())
    throw Error(ErrorCode::unreachable,
                fmt::format("{} answered {}: {}", name, response.status, words),
                "see the server's own log");
  net::require_success(response, name);
  if (net::is_web_page(response))
    throw Error(ErrorCode::malformed, fmt::format("{} answered with a web page", name),
                "a login page or a wrong address: check the path, give --bearer-token-file");
}

Json parsed(const net::Response& response) {
  require(response);
  return parse_json(response.body, name);
}

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  if (list.is_array())
    for (const auto& item : list)
      if (item.is_string()) texts.push_back(item.get<std::string>());
  return texts;
}

double to_double(const Json& value) {
  if (value.is_number()) return value.get<double>();
  return value.is_string() ? std::strtod(value.get<std::string>().c_str(), nullptr) : 0;
}

}  // namespace

std::vector<std::string> Jaeger::services() {
  net::Request request;
  request.path = "/api/v3/services";
  net::Response response = client_.send(request);
  const bool old = api_absent(response);
  if (old) {
    request.path = "/api/services";
    response = client_.send(request);
  }
  if (api_absent(response)) {
    const net::Response tempo = client_.send(tempo_services());
    if (!api_absent(tempo)) return tempo_service_names(tempo);
  }
  const Json body = parsed(response);
  // null stands for an empty list; anything else is another program.
  const Json list = body.is_object() ? body.value(old ? "data" : "services", Json(0)) : Json(0);
  if (!list.is_null() &&
      (!list.is_array() ||
       !std::all_of(list.begin(), list.end(), [](const Json& one) { return one.is_string(); })))
    throw Error(ErrorCode::malformed, fmt::format("{} lists no services where it should", name),
                "check that the address is a Jaeger query service");
  return texts_of(list);
}

void Jaeger::read(const net::Response& response, traces::SpanTableBuilder& builder) {
  require(response);
  JsonCursor cursor(read_from(response.body));
  const std::size_t before = builder.size();
  traces::SpanReader reader(cursor, builder);
  reader.read();
  const std::size_t count = builder.size() - before;
  if (!reader.recognised() && count == 0)
    throw Error(ErrorCode::malformed,
                fmt::format("{} answered what are no traces{}{}", name, cursor.whole() ? "" : ": ",
                            cursor.problem()),
                "check that the address is a Jaeger query service");
  if (!cursor.whole())
    gaps_.push_back(
        {"sources", "malformed",
         fmt::format("the answer was cut: {}; {} spans before that count", cursor.problem(), count),
         "ask again, with a smaller --limit"});
  for (const auto& error : reader.errors())
    gaps_.push_back({"sources", "not_found", fmt::format("{} says: {}", name, error), ""});
}

void Jaeger::search(const TraceQuery& query, traces::SpanTableBuilder& builder) {
  net::Response response = client_.send(v3_search(query));
  if (api_absent(response)) response = client_.send(v1_search(query));
  if (api_absent(response)) {
    const net::Response tempo = client_.send(tempo_search(query));
    if (!api_absent(tempo)) {
      const auto ids = tempo_trace_ids(tempo);
      if (!ids.empty()) fetch(ids, builder);
      return;
    }
  }
  // v3 calls an empty answer 404
  if (response.status == 404 && !said(response).empty()) return;
  read(response, builder);
}

std::vector<TraceSummary> Jaeger::summaries(const TraceQuery& query) {
  net::Request request;
  request.path = "/api/v3/trace-summaries";
  request.parameters = {{"query.serviceName", query.service},
                        {"query.startTimeMin", to_rfc3339(query.from)},
                        {"query.startTimeMax", to_rfc3339(query.to)}};
  if (!query.operation.empty())
    request.parameters.emplace_back("query.operationName", query.operation);
  if (query.shortest.count() > 0)
    request.parameters.emplace_back("query.durationMin", go_duration(query.shortest));
  if (query.longest.count() > 0)
    request.parameters.emplace_back("query.durationMax", go_duration(query.longest));
  if (!query.tags.empty()) request.parameters.emplace_back("query.attributes", tags_text(query));
  request.parameters.emplace_back("query.searchDepth", fmt::format("{}", query.limit));
  const net::Response response = client_.send(request);
  if (api_absent(response))
    throw Error(ErrorCode::not_found, "this server lists no trace summaries (Jaeger 2.19 does)",
                "leave --slowest out and give --min-duration");
  const Json body = parsed(response);
  std::vector<TraceSummary> all;
  if (!body.is_object() || !body.contains("summaries") || !body["summaries"].is_array()) return all;
  for (const auto& one : body["summaries"]) {
    if (!one.is_object() || !one.contains("traceId") || !one["traceId"].is_string()) continue;
    const double from = to_double(one.value("minStartTimeUnixNano", Json()));
    const double to = to_double(one.value("maxEndTimeUnixNano", Json()));
    all.push_back({one["traceId"].get<std::string>(), std::max(to - from, 0.0) / 1e6});
  }
  return all;
}

void Jaeger::fetch(const std::vector<std::string>& ids, traces::SpanTableBuilder& builder) {
  std::string last;
  std::size_t found = 0;
  const char* path = "/api/v3/traces/";
  for (std::size_t begin = 0; begin < ids.size(); begin += batch_size) {
    std::vector<net::Request> requests;
    for (std::size_t i = begin; i < std::min(ids.size(), begin + batch_size); ++i)
      requests.push_back(trace_request(path, ids[i]));
    auto answers = client_.send_all(requests);
    if (begin == 0 && answers.front().response && api_absent(*answers.front().response)) {
      path = "/api/traces/";
      for (std::size_t i = 0; i < requests.size(); ++i) requests[i] = trace_request(path, ids[i]);
      answers = client_.send_all(requests);
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const net::Response& response = answers[i].value();
      if (response.status == 404 && !said(response).empty()) {
        last = said(response);
        gaps_.push_back({"sources", "not_found", fmt::format("trace {}: {}", ids[begin + i], last),
                         "check the id and how long the server keeps traces"});
        continue;
      }
      read(response, builder);
      ++found;
    }
  }
  if (found == 0 && !ids.empty())
    throw Error(ErrorCode::not_found,
                ids.size() == 1
                    ? fmt::format("{}: trace {}: {}", name, ids.front(), last)
                    : fmt::format("{} knows none of the {} traces: {}", name, ids.size(), last),
                "check the id and how long the server keeps traces");
}

std::vector<Dependency> Jaeger::dependencies(WallTime to, Duration lookback) {
  net::Request request;
  request.path = "/api/dependencies";
  request.parameters = {
      {"endTs", fmt::format("{}", milliseconds(to))},
      {"lookback",
       fmt::format("{}", std::chrono::duration_cast<std::chrono::milliseconds>(lookback).count())}};
  const Json body = parsed(client_.send(request));
  std::vector<Dependency> all;
  if (!body.is_object() || !body.contains("data") || !body["data"].is_array()) return all;
  for (const auto& one : body["data"]) {
    const auto row = from_json<Dependency>(one, "Jaeger's dependencies");
    // 2.x counts the edges inside a service too
    if (row.caller != row.callee) all.push_back(row);
  }
  return all;
}

std::string Jaeger::curl_line(const TraceQuery& query) const {
  return client_.curl_line(v3_search(query));
}

}  // namespace triage::backends
