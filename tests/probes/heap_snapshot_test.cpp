#include "lib/probes/heap_snapshot.h"

#include <doctest/doctest.h>

using namespace triage;
using namespace triage::probes::heap_snapshot;

TEST_CASE("heap snapshot: pause and memory are forecast from the heap in use") {
  const Forecast forecast = forecast_of(169'000'000);
  CHECK(forecast.pause_s == doctest::Approx(17.2));
  CHECK(forecast.memory_bytes == 13 * 169'000'000LL);
  CHECK(forecast_of(169'000'000, 3).pause_s == doctest::Approx(3 * 17.2));
  CHECK(forecast_of(169'000'000, 3).memory_bytes == forecast.memory_bytes);
}

TEST_CASE("heap snapshot: fewer snapshots than asked for is unknown, not ok") {
  Options options;
  options.count = 3;
  Sample sample;
  sample.files.resize(2);
  CHECK(analyse(options, sample).envelope.severity == Severity::unknown);
  sample.files.resize(3);
  CHECK(analyse(options, sample).envelope.severity == Severity::ok);
}
