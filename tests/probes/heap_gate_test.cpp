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
  return analyse({{}, requests, limit}, sample);
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
  CHECK_THROWS_AS(collect({{"a", "b"}, 0, "1KB"}, session), Error);
  CHECK_THROWS_AS(collect({{"a"}, 5, "1KB"}, session), Error);
  CHECK_THROWS_AS(collect({{"a", "b"}, 5, "much"}, session), Error);
}
