#include "lib/probes/heap_stat.h"

#include <doctest/doctest.h>

#include <functional>

using namespace triage;
using namespace triage::probes::heap_stat;

namespace {

constexpr std::int64_t mebibyte = 1024 * 1024;

/// Twenty readings, a second apart, of a process of 80 MiB; `change` says what moves.
Sample readings(const std::function<void(Point&, std::int64_t second)>& change, bool inspected) {
  Sample sample;
  sample.pid = 4127;
  sample.garbage_collected = inspected;
  sample.bounds.heap_limit_bytes = 200 * mebibyte;
  sample.bounds.heap_limit_source = "test";
  for (std::int64_t i = 0; i < 20; ++i) {
    Point point;
    point.at_s = static_cast<double>(i);
    point.v8_pages_bytes = 30 * mebibyte;
    point.malloc_bytes = 10 * mebibyte;
    if (inspected) {
      point.heap_used_bytes = 20 * mebibyte + (i % 3) * 1000;
      point.heap_total_bytes = 30 * mebibyte;
      point.external_bytes = 2 * mebibyte;
      point.array_buffers_bytes = mebibyte;
    }
    change(point, i);
    point.rss_bytes = point.v8_pages_bytes + point.malloc_bytes + 40 * mebibyte;
    sample.points.push_back(point);
  }
  return sample;
}

}  // namespace

TEST_CASE("heap stat: what climbs has the word of its part") {
  const auto js = analyse({}, readings(
                                  [](Point& point, std::int64_t i) {
                                    *point.heap_used_bytes += i * mebibyte;
                                    point.v8_pages_bytes += i * mebibyte;
                                  },
                                  true));
  CHECK(js.grows == "js_heap");
  CHECK(js.limits.front().name == "V8 heap");
  CHECK(*js.limits.front().reached_in_s == doctest::Approx(161).epsilon(0.02));
  CHECK(js.envelope.severity == Severity::crit);

  const auto buffers = analyse({}, readings(
                                       [](Point& point, std::int64_t i) {
                                         *point.external_bytes += i * mebibyte;
                                         *point.array_buffers_bytes += i * mebibyte;
                                         point.malloc_bytes += i * mebibyte;
                                       },
                                       true));
  CHECK(buffers.grows == "buffers");
  const auto native = analyse(
      {}, readings([](Point& point, std::int64_t i) { point.malloc_bytes += i * mebibyte; }, true));
  CHECK(native.grows == "native");
  CHECK(native.envelope.severity == Severity::warn);
}

TEST_CASE("heap stat: from /proc alone the pages of V8 may be garbage, and malloc is not split") {
  const auto pages = analyse(
      {},
      readings([](Point& point, std::int64_t i) { point.v8_pages_bytes += i * mebibyte; }, false));
  CHECK(pages.grows == "v8_pages");
  CHECK(pages.envelope.severity == Severity::info);
  const auto malloc_grows = analyse(
      {},
      readings([](Point& point, std::int64_t i) { point.malloc_bytes += i * mebibyte; }, false));
  CHECK(malloc_grows.grows == "buffers_or_native");
  CHECK(malloc_grows.envelope.severity == Severity::warn);
}

TEST_CASE("heap stat: what stands still is ok, and one reading is unknown, not ok") {
  Sample sample = readings([](Point&, std::int64_t) {}, true);
  const auto still = analyse({}, sample);
  CHECK(still.grows == "nothing");
  CHECK(still.envelope.severity == Severity::ok);
  sample.points.resize(1);
  const auto one = analyse({}, sample);
  CHECK(one.grows == "unknown");
  CHECK(one.envelope.severity == Severity::unknown);
}

TEST_CASE("heap stat: an OOM kill while it looks is critical, an old one is a fact") {
  Sample sample = readings([](Point&, std::int64_t) {}, true);
  sample.bounds.oom_kills_count = 3;
  sample.bounds.oom_kills_new_count = 0;
  CHECK(analyse({}, sample).envelope.severity == Severity::info);
  sample.bounds.oom_kills_new_count = 1;
  CHECK(analyse({}, sample).envelope.severity == Severity::crit);
}

TEST_CASE("heap stat: kills of containers before this one are a fact, hits of the limit too") {
  Sample sample = readings([](Point&, std::int64_t) {}, true);
  sample.bounds.oom_kills_count = 0;
  sample.bounds.parent_group = "/sys/fs/cgroup/pod";
  sample.bounds.parent_oom_kills_count = 4;
  sample.bounds.limit_hits_count = 12;
  const auto result = analyse({}, sample);
  REQUIRE(result.envelope.findings.size() == 2);
  CHECK(result.envelope.findings[0].text.find("4 OOM kills in the group above") == 0);
  CHECK(result.envelope.findings[1].id == "limit_hit");
}

TEST_CASE("heap stat: an end is told apart: the kernel, V8's limit, or neither seen") {
  Sample sample = readings([](Point&, std::int64_t) {}, true);
  sample.ended = true;
  const auto end_of = [](const Sample& one) {
    const auto result = analyse({}, one);
    CHECK(result.envelope.severity == Severity::crit);
    for (const auto& finding : result.envelope.findings)
      if (finding.id == "ended") return finding.text;
    return std::string("none");
  };
  CHECK(end_of(sample).find("neither an OOM kill nor a full heap") != std::string::npos);
  sample.points.back().heap_used_bytes = 195 * mebibyte;
  CHECK(end_of(sample).find("V8's heap was 98 % full") != std::string::npos);
  sample.bounds.oom_kills_new_count = 1;
  CHECK(end_of(sample).find("the kernel killed it") != std::string::npos);
}

TEST_CASE("heap stat: restarts are known from the supervisor, guessed from siblings, or unknown") {
  Sample sample = readings([](Point&, std::int64_t) {}, true);
  sample.age_s = 30;
  CHECK(analyse({}, sample).envelope.findings.empty());
  CHECK_FALSE(analyse({}, sample).restarts.count);
  sample.restarts.siblings_count = 3;
  sample.restarts.oldest_sibling_age_s = 40;  // started together
  CHECK(analyse({}, sample).envelope.findings.empty());
  sample.restarts.oldest_sibling_age_s = 90'000;
  CHECK(analyse({}, sample).envelope.findings[0].id == "younger_than_siblings");
  sample.restarts.count = 7;
  sample.restarts.source = "pm2";
  const auto counted = analyse({}, sample).envelope;
  REQUIRE(counted.findings.size() == 1);
  CHECK(counted.findings[0].text == "it was started again 7 times (pm2); it runs for 30 s");
  sample.restarts.count = 0;
  CHECK(analyse({}, sample).envelope.findings.empty());
  sample.restarts.new_pid = 99;
  CHECK(analyse({}, sample).envelope.severity == Severity::crit);
}
