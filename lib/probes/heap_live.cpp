#include "lib/probes/heap_live.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/units.h"
#include "lib/v8/inspector.h"

namespace triage::probes {
namespace {

constexpr double gc_s_per_byte = 0.001 / (1024.0 * 1024.0);
constexpr auto gc_limit = std::chrono::minutes(2);

/// Own data only: nothing is scheduled, no getter of the application runs.
constexpr const char* usage_script =
    "(()=>{const m=process.memoryUsage();let l=0;"
    "try{l=require('v8').getHeapStatistics().heap_size_limit}catch{}"
    "return [m.rss,m.heapTotal,m.heapUsed,m.external,m.arrayBuffers||0,l]})()";

/// Fills a Map with small objects, as V8 does in its own tables while it takes a snapshot.
constexpr const char* slowness_script =
    "(()=>{const h=process.hrtime,s=h.bigint(),m=new Map();"
    "for(let i=0;i<20000;i++)m.set(i,{i});return Number(h.bigint()-s)/1e6})()";
constexpr int slowness_runs = 3;
/// What it takes where the forecast of a snapshot was measured.
constexpr double idle_ms = 7.0;

}  // namespace

double measure_slowness(v8::Inspector& inspector, Session& session) {
  double sum_ms = 0;
  for (int i = 0; i < slowness_runs; ++i) {
    const Json answer = inspector.evaluate(slowness_script);
    if (!answer.is_number())
      throw Error(ErrorCode::malformed, "the clock of the process is no number");
    sum_ms += answer.get<double>();
    session.paused(std::chrono::duration_cast<Duration>(
        std::chrono::duration<double, std::milli>(answer.get<double>())));
  }
  return std::max(1.0, sum_ms / slowness_runs / idle_ms);
}

HeapUsage read_heap_usage(v8::Inspector& inspector) {
  const Json answer = inspector.evaluate(usage_script);
  const bool sound = answer.is_array() && answer.size() == 6 &&
                     std::all_of(answer.begin(), answer.end(),
                                 [](const Json& number) { return number.is_number_integer(); });
  if (!sound) throw Error(ErrorCode::malformed, "process.memoryUsage() gave no five numbers");
  const auto at = [&](std::size_t i) { return answer[i].get<std::int64_t>(); };
  return {at(0), at(1), at(2), at(3), at(4), at(5)};
}

void collect_garbage(v8::Inspector& inspector, Session& session) {
  const Duration start = session.clock().monotonic();
  inspector.request("HeapProfiler.collectGarbage", Json::object(), gc_limit);
  session.paused(session.clock().monotonic() - start);
}

void check_gc_pause(v8::Inspector& inspector, std::chrono::milliseconds budget) {
  const HeapUsage usage = read_heap_usage(inspector);
  const double forecast_s = static_cast<double>(usage.heap_used_bytes) * gc_s_per_byte;
  if (forecast_s <= std::chrono::duration<double>(budget).count()) return;
  throw Error(ErrorCode::refused,
              fmt::format("a garbage collection of {} would stop the target for about {}",
                          format_bytes(static_cast<double>(usage.heap_used_bytes)),
                          format_duration(forecast_s)),
              "leave out --gc, or allow it with --pause-budget");
}

}  // namespace triage::probes
