#include "lib/probes/heap_show.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"

using namespace triage;                     // NOLINT(google-build-using-namespace): one unit
using namespace triage::probes::heap_show;  // NOLINT(google-build-using-namespace)

namespace {

Result show(const std::string& file) {
  const ManualClock clock(from_epoch_seconds(1795485871));
  Session session(clock);
  const Options options{file, 5};
  return analyse(options, collect(options, session));
}

}  // namespace

TEST_CASE("heap_show: classes, and where memory accumulates with the way to it") {
  const Result result = show(TRIAGE_SOURCE_DIR "/tests/data/heap/small.heapsnapshot");
  CHECK(result.total_bytes == 24 + 56 + 4096 + 32 + 100);
  CHECK(result.nodes_count == 7);
  REQUIRE_FALSE(result.holders.empty());
  CHECK(result.holders[0].class_name == "Map");
  CHECK(result.holders[0].path.back() == "cache: Map @7");
  CHECK(result.envelope.severity == Severity::info);
  CHECK(result.envelope.provenance.size() == 1);
}

TEST_CASE("heap_show: a file that is not there or no file is said in one line") {
  CHECK_THROWS_AS(show("/nonexistent.heapsnapshot"), Error);
  CHECK_THROWS_AS(show("/tmp"), Error);
  CHECK_THROWS_AS(show(""), Error);
}
