#pragma once

/// Traces from a server that speaks Jaeger's query API (Jaeger 1.x and 2.x, Tempo's Jaeger bridge),
/// or from Tempo itself, which is asked when neither of Jaeger's searches is there.
///
/// /api/v3 comes first, since newer servers have dropped the search of v1 (jaegertracing/jaeger,
/// CHANGELOG of 2.x); where v3 is absent (404 without its own message) v1 is asked.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/gap.h"
#include "lib/net/http.h"
#include "lib/traces/span_table.h"

namespace triage::backends {

struct TraceQuery {
  std::string service;
  std::string operation;
  WallTime from;
  WallTime to;
  Duration shortest{0};  ///< 0: no bound
  Duration longest{0};
  std::vector<std::pair<std::string, std::string>> tags;
  std::int64_t limit = 100;  ///< never 0: Jaeger takes that for "everything"
};

/// One trace in a list: /api/v3/trace-summaries, Jaeger 2.19 and later.
struct TraceSummary {
  std::string trace_id;
  double duration_ms = 0;
};

struct Dependency {
  std::string caller;
  std::string callee;
  std::int64_t calls_count = 0;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Dependency* /*tag*/) {
  visit("parent", self.caller, "service");
  visit("child", self.callee, "service");
  visit("callCount", self.calls_count, "calls");
}

class Jaeger {
 public:
  /// The client's address may have a path: "https://grafana/api/datasources/proxy/uid/x".
  Jaeger(net::HttpClient& client, std::vector<Gap>& gaps) : client_(client), gaps_(gaps) {}

  /// Names of services; for a message about a name that is not one.
  std::vector<std::string> services();
  /// Reads what matches into `builder`; nothing matching is no error. Throws Error{usage} when the
  /// server refuses the query, {not_found} when it has no such API, and what the client throws.
  void search(const TraceQuery& query, traces::SpanTableBuilder& builder);
  /// What matches without its spans. Throws Error{not_found} where the server does not have it.
  std::vector<TraceSummary> summaries(const TraceQuery& query);
  /// Reads traces by id, several at a time. An unknown id is a gap, but Error{not_found} when none
  /// is known.
  void fetch(const std::vector<std::string>& ids, traces::SpanTableBuilder& builder);
  /// Calls between services as the server counts them; only v1 has it.
  std::vector<Dependency> dependencies(WallTime to, Duration lookback);
  /// The request that search() sends first, to repeat it.
  [[nodiscard]] std::string curl_line(const TraceQuery& query) const;

 private:
  void read(const net::Response& response, traces::SpanTableBuilder& builder);

  net::HttpClient& client_;
  std::vector<Gap>& gaps_;
};

}  // namespace triage::backends
