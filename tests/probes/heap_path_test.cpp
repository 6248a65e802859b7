#include "lib/probes/heap_path.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"

using namespace triage;                     // NOLINT(google-build-using-namespace): one unit
using namespace triage::probes::heap_path;  // NOLINT(google-build-using-namespace)

namespace {

constexpr const char* file = TRIAGE_SOURCE_DIR "/tests/data/heap/small.heapsnapshot";

Result path(const Options& options) {
  const ManualClock clock;
  Session session(clock);
  return analyse(options, collect(options, session));
}

ErrorCode code_of(const Options& options) {
  try {
    path(options);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("heap_path: an object is found by its id, with or without the sign") {
  for (const char* id : {"11", "@11"}) {
    const Result result = path({file, id, "", 5});
    REQUIRE(result.objects.size() == 1);
    CHECK(result.objects[0].class_name == "Order");
    CHECK(result.objects[0].path.back() == "[3]: Order @11");
  }
}

TEST_CASE("heap_path: or by its class") {
  const Result result = path({file, "", "Map", 5});
  REQUIRE(result.objects.size() == 1);
  CHECK(result.objects[0].id == "7");
}

TEST_CASE("heap_path: what is not there and what cannot be meant are told apart") {
  CHECK(code_of({file, "999", "", 5}) == ErrorCode::not_found);
  CHECK(code_of({file, "", "Nowhere", 5}) == ErrorCode::not_found);
  CHECK(code_of({file, "many", "", 5}) == ErrorCode::usage);
  CHECK(code_of({file, "", "", 5}) == ErrorCode::usage);
  CHECK(code_of({file, "1", "Map", 5}) == ErrorCode::usage);
}
