#include "lib/backends/tempo.h"

#include <fmt/format.h>

#include "lib/base/json.h"

namespace triage::backends {
namespace {

constexpr const char* name = "Tempo";

/// As TraceQL's string literal.
std::string quoted(const std::string& text) {
  return dump_json(Json(text));
}

std::string milliseconds(Duration duration) {
  return fmt::format("{}ms",
                     std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::string condition_of(const std::pair<std::string, std::string>& tag) {
  if (tag.first == "error") return tag.second == "true" ? "status=error" : "status!=error";
  return fmt::format(".{}={}", tag.first, quoted(tag.second));
}

Json object_of(const net::Response& response) {
  net::require_success(response, name);
  Json body = parse_json(response.body, name);
  if (!body.is_object())
    throw Error(ErrorCode::malformed, "Tempo answered what is no list of traces",
                "check that the address is that of Tempo or Jaeger");
  return body;
}

std::int64_t seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

std::string traceql_of(const TraceQuery& query) {
  std::string text = "{resource.service.name=" + quoted(query.service);
  if (!query.operation.empty()) text += " && name=" + quoted(query.operation);
  if (query.shortest.count() > 0) text += " && duration>=" + milliseconds(query.shortest);
  if (query.longest.count() > 0) text += " && duration<=" + milliseconds(query.longest);
  for (const auto& tag : query.tags) text += " && " + condition_of(tag);
  return text + "}";
}

net::Request tempo_search(const TraceQuery& query) {
  net::Request request;
  request.path = "/api/search";
  request.headers = {{"Accept", "application/json"}};
  request.parameters = {{"q", traceql_of(query)},
                        {"start", fmt::format("{}", seconds(query.from))},
                        {"end", fmt::format("{}", seconds(query.to) + 1)},
                        {"limit", fmt::format("{}", query.limit)}};
  return request;
}

std::vector<std::string> tempo_trace_ids(const net::Response& response) {
  const Json body = object_of(response);
  std::vector<std::string> ids;
  const auto traces = body.find("traces");
  if (traces == body.end() || !traces->is_array()) return ids;
  for (const auto& trace : *traces)
    if (trace.is_object() && trace.contains("traceID") && trace["traceID"].is_string())
      ids.push_back(trace["traceID"].get<std::string>());
  return ids;
}

net::Request tempo_services() {
  net::Request request;
  request.path = "/api/search/tag/service.name/values";
  request.headers = {{"Accept", "application/json"}};
  return request;
}

std::vector<std::string> tempo_service_names(const net::Response& response) {
  const Json body = object_of(response);
  std::vector<std::string> names;
  const auto values = body.find("tagValues");
  if (values == body.end() || !values->is_array()) return names;
  for (const auto& value : *values)
    if (value.is_string()) names.push_back(value.get<std::string>());
  return names;
}

}  // namespace triage::backends
