#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "lib/stats/robust.h"
#include "lib/traces/patterns.h"
#include "lib/traces/row_text.h"

namespace triage::traces {
namespace {

constexpr std::size_t fewest_repeats = 5;
constexpr std::int64_t fewest_traces = 2;
/// Starts closer than this to the end of the one before are "one after the other".
constexpr std::int64_t step_ns = 5'000'000;

using Call = std::tuple<TextIndex, TextIndex, TextIndex>;  ///< service, operation, detail

struct Repetition {
  RepeatedCall row;
  std::vector<double> counts;
  std::vector<double> times_ms;
  double roots_ms = 0;
  double sum_ms = 0;
  TraceIndex last_trace = none;
};

using ParentKey = std::pair<TextIndex, TextIndex>;  ///< service, operation
using RepetitionKey = std::pair<ParentKey, Call>;

Call call_of(const SpanTable& spans, SpanIndex span) {
  return {spans.service(span), spans.operation[span], spans.detail[span]};
}

/// How long the spans last together; overlaps count once.
std::int64_t covered_ns(const SpanTable& spans, std::vector<SpanIndex>& calls) {
  std::sort(calls.begin(), calls.end(), [&](SpanIndex a, SpanIndex b) {
    return std::pair(spans.start_ns[a], a) < std::pair(spans.start_ns[b], b);
  });
  std::int64_t sum = 0;
  std::int64_t end = 0;
  for (const SpanIndex call : calls) {
    const std::int64_t from = std::max(end, spans.start_ns[call]);
    sum += std::max<std::int64_t>(spans.end_ns(call) - from, 0);
    end = std::max(end, spans.end_ns(call));
  }
  return sum;
}

/// Mostly one after the other and well: a fan-out on purpose is no N+1, attempts are retries.
bool in_sequence(const SpanTable& spans, const std::vector<SpanIndex>& sorted) {
  std::size_t overlaps = 0;
  const auto failures = std::count_if(sorted.begin(), sorted.end(),
                                      [&](SpanIndex span) { return spans.is(span, failed); });
  if (static_cast<std::size_t>(failures) * 2 >= sorted.size()) return false;
  for (std::size_t i = 1; i < sorted.size(); ++i)
    overlaps += spans.start_ns[sorted[i]] < spans.end_ns(sorted[i - 1]) ? 1 : 0;
  return overlaps * 2 < sorted.size();
}

void note(const Forest& forest, SpanIndex parent, const std::vector<SpanIndex>& calls,
          std::int64_t time_ns, Repetition& found) {
  const SpanTable& spans = forest.spans();
  const TraceIndex trace = spans.trace[parent];
  const auto count = static_cast<std::int64_t>(calls.size());
  if (count > found.row.max_count) {
    found.row.max_count = count;
    found.row.example = spans.trace_id(trace);
  }
  if (found.last_trace != trace) {
    ++found.row.traces_count;
    found.roots_ms += to_ms(spans.duration_ns[forest.main_root(trace)]);
  }
  found.last_trace = trace;
  found.counts.push_back(static_cast<double>(count));
  found.times_ms.push_back(to_ms(time_ns));
  found.sum_ms += to_ms(time_ns);
}

}  // namespace

std::vector<RepeatedCall> repeated_calls(const Forest& forest) {
  const SpanTable& spans = forest.spans();
  std::map<RepetitionKey, Repetition> found;
  std::map<ParentKey, std::pair<TraceIndex, std::int64_t>> parents;  // last trace, traces
  std::map<Call, std::vector<SpanIndex>> calls;
  for (SpanIndex parent = 0; parent < spans.size(); ++parent) {
    const auto children = forest.children(parent);
    if (!forest.usable(parent) || children.empty()) continue;
    const ParentKey key{spans.service(parent), spans.operation[parent]};
    auto& [last, traces] = parents.try_emplace(key, none, 0).first->second;
    if (last != spans.trace[parent]) ++traces;
    last = spans.trace[parent];
    if (children.size() < fewest_repeats) continue;
    calls.clear();
    for (const SpanIndex child : children)
      if (forest.usable(child)) calls[call_of(spans, child)].push_back(child);
    for (auto& [call, list] : calls) {
      if (list.size() < fewest_repeats) continue;
      const std::int64_t time_ns = covered_ns(spans, list);
      if (in_sequence(spans, list)) note(forest, parent, list, time_ns, found[{key, call}]);
    }
  }
  std::vector<RepeatedCall> rows;
  for (auto& [key, one] : found) {
    const auto& [service, operation, detail] = key.second;
    RepeatedCall& row = one.row;
    row.service = text_of(spans, service);
    row.parent = text_of(spans, key.first.second);
    row.call = text_of(spans, operation);
    row.detail = text_of(spans, detail);
    row.traces_ratio =
        static_cast<double>(row.traces_count) / static_cast<double>(parents[key.first].second);
    row.median_count = static_cast<std::int64_t>(stats::median(one.counts).value_or(0));
    row.median_ms = stats::median(one.times_ms).value_or(0);
    row.path_ratio = one.roots_ms > 0 ? std::min(one.sum_ms / one.roots_ms, 1.0) : 0;
    rows.push_back(std::move(row));
  }
  sort_rows(rows, [](const RepeatedCall& row) {
    return std::tuple(-static_cast<double>(row.traces_count) * row.median_ms, row.service, row.call,
                      row.detail);
  });
  return rows;
}

namespace {

struct Sequence {
  SequentialCalls row;
  std::vector<double> savings_ms;
  std::vector<double> ratios;
  double best = 0;
};

bool starts_with_word(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if ((text[i] | 0x20) != word[i]) return false;
  return true;
}

/// A request or a read whose result nothing else visibly needs. Statements that write, lock or hold
/// a transaction open keep their order, and so do waits for a connection.
bool may_move(const SpanTable& spans, SpanIndex span) {
  if (spans.kind[span] != SpanKind::client || spans.is(span, failed)) return false;
  const std::string_view operation = spans.texts[spans.operation[span]];
  if (operation.find("connect") != std::string_view::npos ||
      operation.find("pool") != std::string_view::npos)
    return false;
  if (spans.detail[span] == spans.peer[span]) {  // no statement: a request over the network
    constexpr std::string_view safe[] = {"get", "head", "http get"};
    return std::any_of(std::begin(safe), std::end(safe),
                       [&](std::string_view verb) { return starts_with_word(operation, verb); });
  }
  return starts_with_word(spans.texts[spans.detail[span]], "select");
}

/// The longest run of calls that follow each other closely, by time.
std::vector<SpanIndex> best_run(const SpanTable& spans, std::vector<SpanIndex>& calls) {
  std::sort(calls.begin(), calls.end(), [&](SpanIndex a, SpanIndex b) {
    return std::pair(spans.start_ns[a], a) < std::pair(spans.start_ns[b], b);
  });
  std::vector<SpanIndex> best;
  std::vector<SpanIndex> run;
  for (const SpanIndex call : calls) {
    const bool follows_on = !run.empty() && spans.start_ns[call] >= spans.end_ns(run.back()) &&
                            spans.start_ns[call] - spans.end_ns(run.back()) <= step_ns;
    if (!follows_on) run.clear();
    run.push_back(call);
    if (run.size() > best.size()) best = run;
  }
  return best;
}

void note_sequence(const Forest& forest, const std::vector<SpanIndex>& run, Sequence& sequence) {
  const SpanTable& spans = forest.spans();
  std::int64_t sum = 0;
  std::int64_t longest = 0;
  for (const SpanIndex call : run) {
    sum += spans.duration_ns[call];
    longest = std::max(longest, spans.duration_ns[call]);
  }
  const TraceIndex trace = spans.trace[run.front()];
  const double root_ms = to_ms(spans.duration_ns[forest.main_root(trace)]);
  const double saving = to_ms(sum - longest);
  ++sequence.row.traces_count;
  sequence.savings_ms.push_back(saving);
  sequence.ratios.push_back(root_ms > 0 ? std::min(saving / root_ms, 1.0) : 0);
  if (saving <= sequence.best && !sequence.row.example.empty()) return;
  sequence.best = saving;
  sequence.row.example = spans.trace_id(trace);
}

}  // namespace

std::vector<SequentialCalls> sequential_calls(const Forest& forest) {
  const SpanTable& spans = forest.spans();
  std::map<std::pair<ParentKey, std::vector<TextIndex>>, Sequence> found;
  std::vector<SpanIndex> calls;
  for (SpanIndex parent = 0; parent < spans.size(); ++parent) {
    if (!forest.usable(parent) || forest.children(parent).size() < 2) continue;
    calls.clear();
    for (const SpanIndex child : forest.children(parent))
      if (forest.usable(child) && may_move(spans, child)) calls.push_back(child);
    const auto run = best_run(spans, calls);
    std::set<Call> different;
    for (const SpanIndex call : run) different.insert(call_of(spans, call));
    // the same call again and again is a repetition, not a sequence
    if (run.size() < 2 || different.size() != run.size()) continue;
    std::vector<TextIndex> names;
    for (const SpanIndex call : run) {
      names.push_back(spans.operation[call]);
      names.push_back(spans.detail[call]);
    }
    note_sequence(forest, run,
                  found[{{spans.service(parent), spans.operation[parent]}, std::move(names)}]);
  }
  std::vector<SequentialCalls> rows;
  for (auto& [key, one] : found) {
    if (one.row.traces_count < fewest_traces) continue;
    one.row.service = text_of(spans, key.first.first);
    one.row.parent = text_of(spans, key.first.second);
    for (std::size_t i = 0; i < key.second.size(); i += 2)
      one.row.calls.push_back(text_of(spans, key.second[i]) + " " +
                              text_of(spans, key.second[i + 1]));
    one.row.saving_ms = stats::median(one.savings_ms).value_or(0);
    one.row.saving_ratio = stats::median(one.ratios).value_or(0);
    rows.push_back(std::move(one.row));
  }
  sort_rows(rows, [](const SequentialCalls& row) {
    return std::tuple(-static_cast<double>(row.traces_count) * row.saving_ms, row.service,
                      row.parent);
  });
  return rows;
}

}  // namespace triage::traces
