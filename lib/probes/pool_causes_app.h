#pragma once

#include <vector>

#include "lib/probes/pool.h"

namespace triage::probes::pool {

/// What the application's own pools name, one cause per pool that has no connection left.
std::vector<Cause> causes_of_pools(const Options& options, const Sample& sample,
                                   const Result& result);

/// Someone waits and every connection is out, now and in most looks.
bool is_exhausted(const AppPool& pool);

/// How large a pool would have to be, by Little's law; nothing when nothing came back.
struct Sizing {
  double arrivals_per_s = 0;           ///< check-outs that ended, and the growth of the queue
  double hold_s = 0;                   ///< from check-out to release, mean
  double service_s = 0;                ///< of it with a statement in flight
  std::int64_t connections_count = 0;  ///< arrivals x hold x 1.3, at least one more than now
};
std::optional<Sizing> size_of(const AppPool& pool);

}  // namespace triage::probes::pool
