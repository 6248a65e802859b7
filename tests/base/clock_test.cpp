#include "lib/base/clock.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"

using triage::parse_rfc3339;
using triage::to_rfc3339;

TEST_CASE("clock: a time comes back from its own RFC 3339 text") {
  const std::string text = "2026-11-24T02:04:31.250Z";
  CHECK(to_rfc3339(parse_rfc3339(text)) == text);
}

TEST_CASE("clock: offsets with and without colon move the time to UTC") {
  CHECK(to_rfc3339(parse_rfc3339("2026-11-24T02:04:31+05:30")) == "2026-11-23T20:34:31.000Z");
  CHECK(to_rfc3339(parse_rfc3339("2026-11-24 02:04:31.5-0800")) == "2026-11-24T10:04:31.500Z");
}

TEST_CASE("clock: text that is no time is malformed") {
  for (const char* text : {"", "yesterday", "2026-11-24", "2026-11-24T02"})
    CHECK_THROWS_AS(parse_rfc3339(text), triage::Error);
}
