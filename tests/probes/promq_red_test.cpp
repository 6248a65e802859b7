#include <doctest/doctest.h>

#include "lib/probes/promq_preset.h"

using namespace triage;
using namespace triage::probes;
using promq_preset::Kind;

namespace {

std::string query_of(Kind kind, const std::vector<backends::Labels>& series,
                     const std::string& service, const std::string& title) {
  for (const auto& plan : promq_preset::plan(kind, series, service, 15))
    if (plan.title == title) return plan.query;
  return "no such figure";
}

}  // namespace

TEST_CASE(
    "promq red: the names of prom-client and of OpenTelemetry both give "
    "the figures") {
  const std::vector<backends::Labels> prom_client{
      {{"__name__", "http_requests_total"}, {"app", "orders"}, {"status_code", "200"}},
      {{"__name__", "http_request_duration_seconds_bucket"}, {"app", "orders"}, {"le", "1"}}};
  CHECK(query_of(Kind::red, prom_client, "orders", "errors (5xx)") ==
        "(sum(rate(http_requests_total{app=\"orders\",status_code=~\"5..\"}["
        "60s])) or vector(0)) / "
        "sum(rate(http_requests_total{app=\"orders\"}[60s]))");
  const std::vector<backends::Labels> open_telemetry{
      {{"__name__", "http_server_request_duration_seconds_count"},
       {"service_name", "orders"},
       {"http_response_status_code", "200"}},
      {{"__name__", "http_server_request_duration_seconds_bucket"}, {"service_name", "orders"}}};
  CHECK(query_of(Kind::red, open_telemetry, "orders", "latency p99") ==
        "histogram_quantile(0.99, sum by (le) "
        "(rate(http_server_request_duration_seconds_bucket{service_name="
        "\"orders\"}[60s])))");
}

TEST_CASE(
    "promq red: a service that no metric names has no figure, and that "
    "is unknown") {
  const std::vector<backends::Labels> series{
      {{"__name__", "http_requests_total"}, {"app", "orders"}, {"status_code", "200"}}};
  CHECK(query_of(Kind::red, series, "cart", "request rate").empty());
  CHECK(query_of(Kind::red, series, "", "request rate") == "sum(rate(http_requests_total[60s]))");
  CHECK(promq_preset::analyse({}, {}).envelope.severity == Severity::unknown);
}
