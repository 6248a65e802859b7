#pragma once

/// The search of Grafana Tempo, for servers without Jaeger's API. Traces themselves come from
/// /api/traces/{id}, which both have.
/// https://grafana.com/docs/tempo/latest/api_docs/
#include <string>
#include <vector>

#include "lib/backends/jaeger.h"

namespace triage::backends {

/// `{resource.service.name="api" && duration>=500ms}`
std::string traceql_of(const TraceQuery& query);
net::Request tempo_search(const TraceQuery& query);
/// Ids of the traces that an answer of /api/search lists. Throws Error{malformed} for another body.
std::vector<std::string> tempo_trace_ids(const net::Response& response);
net::Request tempo_services();
/// Of {"tagValues":["api",..]}
std::vector<std::string> tempo_service_names(const net::Response& response);

}  // namespace triage::backends
