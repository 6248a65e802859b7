#include "lib/probes/trace_server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lib/backends/jaeger.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/units.h"

namespace triage::probes {
namespace {

constexpr std::int64_t most_traces = 20'000;
constexpr std::int64_t listed_per_trace = 10;  ///< summaries looked at for each trace to fetch

WallTime time_of(const std::string& text, const char* option) {
  try {
    return parse_rfc3339(text);
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, fmt::format("--{}: {}", option, error.what()),
                "give a time as 2026-11-24T02:04:31Z");
  }
}

backends::TraceQuery query_of(const TraceOptions& options, bool baseline, const Clock& clock) {
  if (options.limit < 1 || options.limit > most_traces)
    throw Error(ErrorCode::usage,
                fmt::format("--limit {}: from 1 to {}", options.limit, most_traces),
                "0 would ask the server for everything it has");
  backends::TraceQuery query;
  query.service = options.service;
  query.operation = options.operation;
  query.limit = options.limit;
  query.shortest = options.min_duration;
  query.longest = options.max_duration;
  query.to = options.to.empty() ? clock.now() : time_of(options.to, "to");
  query.from = options.from.empty() ? query.to - options.since : time_of(options.from, "from");
  if (query.from >= query.to)
    throw Error(ErrorCode::usage, "the window of time is empty: --from is not before --to",
                "give --since 1h, or both times");
  for (const auto& tag : options.tags) {
    const std::size_t equals = tag.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error(ErrorCode::usage, fmt::format("--tag '{}': not KEY=VALUE", tag),
                  "for example --tag error=true");
    query.tags.emplace_back(tag.substr(0, equals), tag.substr(equals + 1));
  }
  if (baseline) {
    query.from -= options.baseline_before;
    query.to -= options.baseline_before;
  }
  return query;
}

/// The slowest half and, of the others, every k-th.
void read_slowest(backends::Jaeger& jaeger, backends::TraceQuery query,
                  traces::SpanTableBuilder& builder, std::vector<Gap>& gaps) {
  const auto wanted = static_cast<std::size_t>(query.limit);
  query.limit = std::min(query.limit * listed_per_trace, most_traces);
  auto all = jaeger.summaries(query);
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.duration_ms > b.duration_ms; });
  std::vector<std::string> ids;
  const std::size_t slow = all.size() <= wanted ? all.size() : (wanted + 1) / 2;
  for (std::size_t i = 0; i < slow; ++i) ids.push_back(all[i].trace_id);
  const std::size_t rest = all.size() - slow;
  const std::size_t others = std::min(rest, wanted - std::min(wanted, slow));
  for (std::size_t i = 0; i < others; ++i) ids.push_back(all[slow + i * rest / others].trace_id);
  if (rest > others)
    gaps.push_back({"entries", "budget",
                    fmt::format("{} traces of {} listed were read, the slowest {} and {} others: "
                                "shares and quantiles are of these",
                                ids.size(), all.size(), slow, others),
                    "leave --slowest out, or raise --limit"});
  jaeger.fetch(ids, builder);
}

std::string joined(const std::vector<std::string>& names) {
  return names.empty() ? std::string("none") : fmt::format("{}", fmt::join(names, ", "));
}

void require_known(backends::Jaeger& jaeger, const std::string& service) {
  const auto known = jaeger.services();
  if (std::find(known.begin(), known.end(), service) == known.end())
    throw Error(ErrorCode::not_found, fmt::format("Jaeger knows no service '{}'", service),
                "it knows: " + joined(known));
}

}  // namespace

TraceSource read_server(const TraceOptions& options, bool baseline, Session& session,
                        traces::SpanTableBuilder& builder, std::vector<Gap>& gaps) {
  net::HttpClient client(options.jaeger, net::client_options(options.http, "Jaeger"), session);
  backends::Jaeger jaeger(client, gaps);
  const std::size_t before = builder.size();
  TraceSource source;
  source.baseline = baseline;
  session.progress("asking " + client.address());
  if (!options.trace_ids.empty()) {
    if (!baseline) jaeger.fetch(options.trace_ids, builder);
    source.name = fmt::format("{}: {} traces by id", client.address(), options.trace_ids.size());
    source.spans_count = static_cast<std::int64_t>(builder.size() - before);
    return source;
  }
  const backends::TraceQuery query = query_of(options, baseline, session.clock());
  if (query.service.empty())
    throw Error(ErrorCode::usage, "trace: --service or --trace-id is needed to ask Jaeger",
                "services there: " + joined(jaeger.services()));
  if (options.slowest)
    read_slowest(jaeger, query, builder, gaps);
  else
    jaeger.search(query, builder);
  source.spans_count = static_cast<std::int64_t>(builder.size() - before);
  if (source.spans_count == 0) require_known(jaeger, query.service);
  source.name = jaeger.curl_line(query);
  return source;
}

std::vector<backends::Dependency> read_dependencies(const TraceOptions& options, bool baseline,
                                                    Session& session) {
  net::HttpClient client(options.jaeger, net::client_options(options.http, "Jaeger"), session);
  std::vector<Gap> gaps;
  const backends::TraceQuery query = query_of(options, baseline, session.clock());
  return backends::Jaeger(client, gaps).dependencies(query.to, query.to - query.from);
}

}  // namespace triage::probes
