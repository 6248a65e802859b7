#include "lib/base/units.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"

using namespace std::chrono_literals;

TEST_CASE("units: a duration is shown in the unit a person would use") {
  CHECK(triage::format_duration(0.0042) == "4.2 ms");
  CHECK(triage::format_duration(0.85) == "850 ms");
  CHECK(triage::format_duration(1.24) == "1.2 s");
  CHECK(triage::format_duration(29 * 60) == "29 min");
  CHECK(triage::format_duration(19 * 86400) == "19 days");
}

TEST_CASE("units: counts are grouped, bytes are binary, ratios are per cent") {
  CHECK(triage::format_count(41237) == "41 237");
  CHECK(triage::format_count(-1234567) == "-1 234 567");
  CHECK(triage::format_count(999) == "999");
  CHECK(triage::format_bytes(512) == "512 B");
  CHECK(triage::format_bytes(340.0 * 1024 * 1024) == "340 MiB");
  CHECK(triage::format_ratio(0.38) == "38 %");
  CHECK(triage::format_ratio(0.002) == "0.2 %");
}

TEST_CASE("units: durations are read with their unit and refused without sense") {
  CHECK(triage::parse_duration("250ms", "x") == 250ms);
  CHECK(triage::parse_duration("1.5s", "x") == 1500ms);
  CHECK(triage::parse_duration("2h", "x") == 2h);
  for (const char* text : {"", "-1s", "10 parsecs", "nan", "1e99d"})
    CHECK_THROWS_AS(triage::parse_duration(text, "x"), triage::Error);
}

TEST_CASE("units: sizes are read with binary units and nothing else") {
  CHECK(triage::parse_size("512", "--x") == 512);
  CHECK(triage::parse_size("1KB", "--x") == 1024);
  CHECK(triage::parse_size("1.5 MiB", "--x") == 1'572'864);
  CHECK(triage::parse_size("2g", "--x") == 2ULL << 30U);
  for (const char* wrong : {"", "KB", "1 XB", "-1", "ib", "1ib", "nan", "1e30"})
    CHECK_THROWS_AS(triage::parse_size(wrong, "--x"), triage::Error);
}
