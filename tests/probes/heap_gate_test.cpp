#include "lib/probes/heap_gate.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"

using namespace triage;                     // NOLINT(google-build-using-namespace): one unit
using namespace triage::probes::heap_gate;  // NOLINT(google-build-using-namespace)

namespace {

Result gate(const std::vector<std::int64_t>& totals, std::int64_t requests,
            const std::string& limit, double agreement = 1) {
  Sample sample;
  for (const auto total : totals) sample.diff.files.push_back({"f", total, 1});
  sample.diff.id_agreement_ratio = agreement;
  Options options;
  options.requests = requests;
  options.max_growth = limit;
  return analyse(options, sample);
}

}  // namespace

TEST_CASE("heap_gate: growth above the limit per request fails, below it passes") {
  CHECK(gate({10'000'000, 13'000'000}, 1000, "1KB").verdict == "fail");
  CHECK(gate({10'000'000, 13'000'000}, 1000, "1KB").envelope.severity == Severity::crit);
  CHECK(gate({10'000'000, 13'000'000}, 1000, "4KB").verdict == "pass");
  CHECK(gate({10'000'000, 13'000'000}, 1000, "4KB").envelope.severity == Severity::ok);
}

TEST_CASE("heap_gate: the last interval decides, so that warming up is no failure") {
  CHECK(gate({10'000'000, 14'000'000, 14'010'000}, 1000, "1KB").verdict == "pass");
  CHECK(gate({10'000'000, 10'010'000, 14'000'000}, 1000, "1KB").verdict == "fail");
}

TEST_CASE("heap_gate: what cannot be told is unknown") {
  CHECK(gate({10'000'000, 10'001'000}, 10, "1KB").envelope.severity == Severity::unknown);
  CHECK(gate({10'000'000, 14'000'000}, 1000, "1KB", 0.7).envelope.severity == Severity::unknown);
}

TEST_CASE("heap_gate: wrong use is refused before a file is read") {
  const ManualClock clock;
  Session session(clock);
  const auto refused = [&](const std::vector<std::string>& files, std::int64_t requests,
                           const std::string& limit, const std::string& target,
                           const std::string& load) {
    Options options;
    options.files = files;
    options.requests = requests;
    options.max_growth = limit;
    options.target = target;
    options.load = load;
    CHECK_THROWS_AS(collect(options, session), Error);
  };
  refused({"a", "b"}, 0, "1KB", "", "");
  refused({"a"}, 5, "1KB", "", "");
  refused({"a", "b"}, 5, "much", "", "");
  refused({}, 5, "1KB", "1", "");
  refused({}, 5, "1KB", "", "true");
  refused({}, 0, "1KB", "1", "true");
  refused({"a", "b"}, 5, "1KB", "1", "true");
}

TEST_CASE("heap_gate: of a running process the growth of heap and Buffers decides") {
  Sample sample;
  sample.target = "node (4127)";
  sample.readings = {{"warm-up", 10'000'000, 1'000'000},
                     {"load 1", 14'000'000, 1'000'000},
                     {"load 2", 14'010'000, 3'000'000}};
  Options options;
  options.requests = 1000;
  options.max_growth = "1KB";
  const Result grows = analyse(options, sample);
  CHECK(grows.verdict == "fail");
  CHECK(grows.intervals.back().growth_bytes == 2'010'000);
  sample.readings.back().external_bytes = 1'000'000;
  CHECK(analyse(options, sample).verdict == "pass");
}
