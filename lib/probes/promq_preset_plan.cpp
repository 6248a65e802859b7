#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lib/probes/promq_preset.h"

namespace triage::probes::promq_preset {
namespace {

/// One way to get a figure: the metric that it needs, and the query with $M the
/// metric with its selector, $R the range of a rate, $E the selector with the
/// status label for 5xx.
struct Way {
  std::string metric;
  std::string query;
};

struct Wanted {
  Kind kind;
  std::string title;
  std::string unit;
  double limit;
  std::vector<Way> ways;
};

const std::vector<std::string> durations{
    "http_request_duration_seconds", "http_server_request_duration_seconds",
    "http_server_requests_seconds", "request_duration_seconds"};

std::vector<Way> counted(const std::string& query) {
  std::vector<Way> ways{{"http_requests_total", query}};
  for (const auto& name : durations) ways.push_back({name + "_count", query});
  ways.push_back({"http_server_duration_milliseconds_count", query});
  return ways;
}

std::vector<Way> quantiles(const std::string& p) {
  std::vector<Way> ways;
  const std::string query = "histogram_quantile(" + p + ", sum by (le) (rate($M[$R])))";
  for (const auto& name : durations) ways.push_back({name + "_bucket", query});
  ways.push_back({"http_server_duration_milliseconds_bucket", query + " / 1000"});
  for (const auto& name : durations)
    ways.push_back({name, "histogram_quantile(" + p + ", sum(rate($M[$R])))"});
  return ways;
}

const std::vector<Wanted>& catalogue() {
  using enum Kind;
  static const std::vector<Wanted> all{
      {red, "request rate", "req/s", 0, counted("sum(rate($M[$R]))")},
      {red, "errors (5xx)", "ratio", 0.01,
       counted("(sum(rate($E[$R])) or vector(0)) / sum(rate($M[$R]))")},
      {red, "latency p50", "s", 0, quantiles("0.5")},
      {red, "latency p99", "s", 0, quantiles("0.99")},
      {red,
       "CPU",
       "cores",
       0,
       {{"process_cpu_seconds_total", "sum(rate($M[$R]))"},
        {"container_cpu_usage_seconds_total", "sum(rate($M[$R]))"},
        {"process_cpu_time_seconds_total", "sum(rate($M[$R]))"}}},
      {red,
       "memory (RSS)",
       "bytes",
       0,
       {{"process_resident_memory_bytes", "sum($M)"},
        {"container_memory_working_set_bytes", "sum($M)"},
        {"process_memory_usage_bytes", "sum($M)"}}},
      {saturation,
       "event loop delay p99, worst",
       "s",
       0.1,
       {{"nodejs_eventloop_lag_p99_seconds", "max(max_over_time($M[$R]))"},
        {"nodejs_eventloop_delay_p99_seconds", "max(max_over_time($M[$R]))"}}},
      {saturation,
       "event loop used",
       "ratio",
       0.9,
       {{"nodejs_eventloop_utilization", "max($M)"},
        {"nodejs_eventloop_utilization_ratio", "max($M)"}}},
      {saturation,
       "time in GC",
       "ratio",
       0.1,
       {{"nodejs_gc_duration_seconds_sum", "max(sum by (instance) (rate($M[$R])))"},
        {"v8js_gc_duration_seconds_sum", "max(sum by (instance) (rate($M[$R])))"}}},
      {saturation,
       "heap used",
       "bytes",
       0,
       {{"nodejs_heap_size_used_bytes", "max($M)"},
        {"v8js_memory_heap_used_bytes", "max(sum by (instance) ($M))"}}},
      {saturation,
       "waiting for a pool connection",
       "count",
       0.5,
       {{"pg_pool_size", "sum($M{state=\"waiting\"})"},
        {"db_client_connections_pending_requests", "sum($M)"},
        {"db_client_connection_pending_requests", "sum($M)"}}},
      {saturation,
       "open descriptors / limit",
       "ratio",
       0.8,
       {{"process_open_fds", "max($M / process_max_fds)"}}},
      {saturation,
       "CPU throttled",
       "ratio",
       0.05,
       {{"container_cpu_cfs_throttled_periods_total",
         "sum(rate($M[$R])) / "
         "sum(rate(container_cpu_cfs_periods_total$S[$R]))"}}},
      {saturation,
       "container restarts",
       "count",
       0.5,
       {{"kube_pod_container_status_restarts_total", "sum(increase($M[$R]))"},
        {"process_start_time_seconds", "sum(changes($M[$R]))"}}},
      {node,
       "CPU used",
       "ratio",
       0.9,
       {{"node_cpu_seconds_total", "1 - avg(rate($M{mode=\"idle\"}[$R]))"}}},
      {node, "load per minute", "count", 0, {{"node_load1", "max($M)"}}},
      {node,
       "memory used",
       "ratio",
       0.9,
       {{"node_memory_MemAvailable_bytes", "max(1 - $M / node_memory_MemTotal_bytes)"}}},
      {node,
       "fullest disk",
       "ratio",
       0.9,
       {{"node_filesystem_avail_bytes",
         "max(1 - $M{fstype!~\"tmpfs|ramfs\"} / node_filesystem_size_bytes)"}}},
      {node,
       "busiest disk",
       "ratio",
       0.9,
       {{"node_disk_io_time_seconds_total", "max(rate($M[$R]))"}}},
      {node,
       "waiting for I/O (PSI)",
       "ratio",
       0.1,
       {{"node_pressure_io_waiting_seconds_total", "max(rate($M[$R]))"}}},
      {node,
       "waiting for CPU (PSI)",
       "ratio",
       0.2,
       {{"node_pressure_cpu_waiting_seconds_total", "max(rate($M[$R]))"}}},
      {node,
       "TCP retransmissions",
       "segments/s",
       0,
       {{"node_netstat_Tcp_RetransSegs", "sum(rate($M[$R]))"}}},
      {postgres, "server reachable", "count", 0, {{"pg_up", "min($M)"}}},
      {postgres,
       "connections / max_connections",
       "ratio",
       0.8,
       {{"pg_stat_activity_count", "sum($M) / max(pg_settings_max_connections)"},
        {"pg_stat_database_numbackends", "sum($M) / max(pg_settings_max_connections)"}}},
      {postgres,
       "idle in transaction",
       "count",
       0,
       {{"pg_stat_activity_count", "sum($M{state=~\"idle in transaction.*\"}) or vector(0)"}}},
      {postgres, "longest transaction", "s", 60, {{"pg_stat_activity_max_tx_duration", "max($M)"}}},
      {postgres, "deadlocks", "count/s", 0, {{"pg_stat_database_deadlocks", "sum(rate($M[$R]))"}}},
      {postgres, "commits", "tx/s", 0, {{"pg_stat_database_xact_commit", "sum(rate($M[$R]))"}}},
      {postgres,
       "read from cache",
       "ratio",
       0,
       {{"pg_stat_database_blks_hit",
         "sum(rate($M[$R])) / (sum(rate($M[$R])) + "
         "sum(rate(pg_stat_database_blks_read[$R])))"}}},
      {postgres, "locks held", "count", 0, {{"pg_locks_count", "sum($M)"}}},
      {postgres,
       "replication lag",
       "s",
       30,
       {{"pg_replication_lag", "max($M)"}, {"pg_replication_lag_seconds", "max($M)"}}},
  };
  return all;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// What the series of a metric offer: the label that names the service, and the
/// status label.
struct Shape {
  bool there = false;
  std::string service_label;
  std::string status_label;
};

Shape shape_of(const std::string& metric, const std::vector<backends::Labels>& series,
               const std::string& service) {
  Shape shape;
  for (const auto& labels : series) {
    const auto name = labels.find("__name__");
    if (name == labels.end() || name->second != metric) continue;
    shape.there = shape.there || service.empty();
    for (const char* label : {"app", "service", "service_name", "container", "deployment", "job",
                              "namespace", "instance", "pod"}) {
      const auto found = labels.find(label);
      if (service.empty() || found == labels.end() || found->second != service) continue;
      shape.service_label = label;
      shape.there = true;
      break;
    }
    for (const char* label :
         {"status_code", "http_response_status_code", "http_status_code", "code", "status"})
      if (shape.status_label.empty() && labels.contains(label)) shape.status_label = label;
  }
  return shape;
}

/// Upper bounds of the buckets of `metric`, for the service where one is told.
std::vector<double> bounds_in(const std::string& metric,
                              const std::vector<backends::Labels>& series, const Shape& shape,
                              const std::string& service, const std::string& query) {
  std::vector<std::string> le;
  for (const auto& labels : series) {
    const auto name = labels.find("__name__");
    const auto bound = labels.find("le");
    if (name == labels.end() || name->second != metric || bound == labels.end()) continue;
    const auto whose = labels.find(shape.service_label);
    if (shape.service_label.empty() || (whose != labels.end() && whose->second == service))
      le.push_back(bound->second);
  }
  std::vector<double> bounds = promq::bounds_of(le);
  if (query.ends_with("/ 1000"))
    for (double& bound : bounds) bound /= 1000;
  return bounds;
}

/// $M{x="y"} and a selector become one pair of braces.
void put_metric(std::string& query, const std::string& metric, const std::string& inner) {
  const std::string open = "{" + inner + (inner.empty() ? "" : ",");
  replace_all(query, "$M{", metric + open);
  replace_all(query, "$M", inner.empty() ? metric : metric + "{" + inner + "}");
}

std::string escaped(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

}  // namespace

std::vector<Plan> plan(Kind kind, const std::vector<backends::Labels>& series,
                       const std::string& service, double step_s) {
  std::vector<Plan> plans;
  const std::string range = fmt::format("{}s", static_cast<int>(std::max(60.0, 4 * step_s)));
  for (const auto& wanted : catalogue()) {
    if (wanted.kind != kind) continue;
    Plan plan{wanted.title, wanted.unit, wanted.limit, {}, {}, {}};
    for (const auto& way : wanted.ways) {
      plan.missing += (plan.missing.empty() ? "" : ", ") + way.metric;
      const Shape shape = shape_of(way.metric, series, service);
      const bool errors = way.query.find("$E") != std::string::npos;
      if (!plan.query.empty() || !shape.there || (errors && shape.status_label.empty())) continue;
      const std::string inner =
          shape.service_label.empty()
              ? std::string()
              : fmt::format("{}=\"{}\"", shape.service_label, escaped(service));
      std::string query = way.query;
      replace_all(query, "$E", fmt::format("$M{{{}=~\"5..\"}}", shape.status_label));
      put_metric(query, way.metric, inner);
      replace_all(query, "$S", inner.empty() ? "" : "{" + inner + "}");
      replace_all(query, "$R", range);
      plan.query = query;
      plan.bounds = bounds_in(way.metric, series, shape, service, way.query);
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace triage::probes::promq_preset
