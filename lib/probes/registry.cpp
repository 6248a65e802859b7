#include <array>
#include <vector>

#include "lib/probes/fds.h"
#include "lib/probes/heap_diff.h"
#include "lib/probes/heap_gate.h"
#include "lib/probes/heap_path.h"
#include "lib/probes/heap_query.h"
#include "lib/probes/heap_sample.h"
#include "lib/probes/heap_show.h"
#include "lib/probes/heap_snapshot.h"
#include "lib/probes/heap_stat.h"
#include "lib/probes/lag.h"
#include "lib/probes/lag_dump.h"
#include "lib/probes/lag_gate.h"
#include "lib/probes/lag_top.h"
#include "lib/probes/logs.h"
#include "lib/probes/make_probe.h"
#include "lib/probes/pool.h"
#include "lib/probes/promq.h"
#include "lib/probes/promq_alerts.h"
#include "lib/probes/promq_gate.h"
#include "lib/probes/promq_preset.h"
#include "lib/probes/promq_rank.h"
#include "lib/probes/trace.h"
#include "lib/probes/trace_deps.h"

namespace triage::probes {
namespace {

Probe live(Probe probe) {
  probe.live = true;
  return probe;
}

}  // namespace

std::span<const Probe> registry() {
  static const std::vector<Probe> rows{
      make_probe("pool", "connection slots of PostgreSQL: holders, statements, locks", pool::help,
                 pool::describe, pool::collect, pool::analyse, pool::sections),
      make_probe("fds", "open descriptors by kind and peer, against the limits", fds::help,
                 fds::describe, fds::collect, fds::analyse, fds::sections),
      make_probe("logs", "known texts, levels, requests and errors in log files", logs::help,
                 logs::describe, logs::collect, logs::analyse, logs::sections),
      make_probe("lag", "stalls of the event loop: how long, how often, and why", lag::help,
                 lag::describe, lag::collect, lag::analyse, lag::sections),
      live(make_probe("lag-top", "the event loops live", lag_top::help, lag_top::describe,
                      lag_top::collect, lag_top::analyse, lag_top::sections)),
      make_probe("lag-gate", "limits and a baseline for the event loop, for CI", lag_gate::help,
                 lag_gate::describe, lag_gate::collect, lag_gate::analyse, lag_gate::sections),
      make_probe("trace", "where the time of requests goes, and where their failures begin",
                 trace::help, trace::describe, trace::collect, trace::analyse, trace::sections),
      make_probe("trace-deps", "who calls whom, how long and how well; then and now",
                 trace_deps::help, trace_deps::describe, trace_deps::collect, trace_deps::analyse,
                 trace_deps::sections),
      make_probe("heap-stat", "which part of the memory grows, and which limit it hits first",
                 heap_stat::help, heap_stat::describe, heap_stat::collect, heap_stat::analyse,
                 heap_stat::sections),
      make_probe("heap-sample", "which lines allocate the memory that stays", heap_sample::help,
                 heap_sample::describe, heap_sample::collect, heap_sample::analyse,
                 heap_sample::sections),
      make_probe("heap-snapshot", "heap snapshots of a running process, with a forecast first",
                 heap_snapshot::help, heap_snapshot::describe, heap_snapshot::collect,
                 heap_snapshot::analyse, heap_snapshot::sections),
      make_probe("lag-dump", "what every thread does now: JavaScript and native stacks",
                 lag_dump::help, lag_dump::describe, lag_dump::collect, lag_dump::analyse,
                 lag_dump::sections),
      make_probe("heap-show", "what is in a V8 heap snapshot, and what holds it", heap_show::help,
                 heap_show::describe, heap_show::collect, heap_show::analyse, heap_show::sections),
      make_probe("heap-diff", "what grew between heap snapshots, and where it stays",
                 heap_diff::help, heap_diff::describe, heap_diff::collect, heap_diff::analyse,
                 heap_diff::sections),
      make_probe("heap-path", "through what an object of a heap snapshot is held", heap_path::help,
                 heap_path::describe, heap_path::collect, heap_path::analyse, heap_path::sections),
      make_probe("heap-query", "objects of a heap snapshot by class, id, size or text",
                 heap_query::help, heap_query::describe, heap_query::collect, heap_query::analyse,
                 heap_query::sections),
      make_probe("heap-gate", "fails when the heap grows by more than a limit per request",
                 heap_gate::help, heap_gate::describe, heap_gate::collect, heap_gate::analyse,
                 heap_gate::sections),
      make_probe("promq", "a PromQL expression as table and plot, with onsets and baseline",
                 promq::help, promq::describe, promq::collect, promq::analyse, promq::sections),
      make_probe("promq-rank", "which series, services or nodes moved first and most",
                 promq_rank::help, promq_rank::describe, promq_rank::collect, promq_rank::analyse,
                 promq_rank::sections),
      make_probe("promq-red", "rate, errors and durations of a service, by the metric names found",
                 promq_preset::help_of<promq_preset::Kind::red>, promq_preset::describe,
                 promq_preset::collect_of<promq_preset::Kind::red>, promq_preset::analyse,
                 promq_preset::sections),
      make_probe("promq-saturation", "event loop, heap, pool and limits of a service",
                 promq_preset::help_of<promq_preset::Kind::saturation>, promq_preset::describe,
                 promq_preset::collect_of<promq_preset::Kind::saturation>, promq_preset::analyse,
                 promq_preset::sections),
      make_probe("promq-node", "CPU, memory, disks and pressure of a host (node exporter)",
                 promq_preset::help_of<promq_preset::Kind::node>, promq_preset::describe,
                 promq_preset::collect_of<promq_preset::Kind::node>, promq_preset::analyse,
                 promq_preset::sections),
      make_probe("promq-postgres", "connections, transactions and locks (postgres exporter)",
                 promq_preset::help_of<promq_preset::Kind::postgres>, promq_preset::describe,
                 promq_preset::collect_of<promq_preset::Kind::postgres>, promq_preset::analyse,
                 promq_preset::sections),
      make_probe("promq-alerts", "what the rules of Prometheus say now", promq_alerts::help,
                 promq_alerts::describe, promq_alerts::collect, promq_alerts::analyse,
                 promq_alerts::sections),
      make_probe("promq-gate", "fail when an expression meets a condition, for CI",
                 promq_gate::help, promq_gate::describe, promq_gate::collect, promq_gate::analyse,
                 promq_gate::sections),
  };
  return rows;
}

const Probe* find_probe(std::string_view name) {
  for (const auto& probe : registry())
    if (probe.name == name) return &probe;
  return nullptr;
}

}  // namespace triage::probes
