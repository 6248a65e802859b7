#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

#include "lib/backends/jaeger.h"
#include "lib/base/json.h"
#include "lib/base/units.h"
#include "lib/probes/promq_rank.h"

namespace triage::probes::promq_rank {
namespace {

using promq::Curve;
using promq::Window;

std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf()))
    throw Error(ErrorCode::not_found, fmt::format("cannot read {}", path), "check the path");
  return text.str();
}

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

/// One cell from the front of `line`; quotes as in RFC 4180.
std::string take_cell(std::string_view& line) {
  std::string cell;
  bool quoted = false;
  std::size_t i = 0;
  for (; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"')
        cell += line[++i];
      else
        quoted = !quoted;
    } else if (c == ',' && !quoted) {
      break;
    } else {
      cell += c;
    }
  }
  line.remove_prefix(std::min(i + 1, line.size()));
  return cell;
}

std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  const bool more = !line.empty() && line.back() == ',';
  while (!line.empty()) cells.push_back(take_cell(line));
  if (more) cells.emplace_back();
  return cells;
}

std::optional<double> cell_value(const std::string& cell, std::string_view where,
                                 std::size_t line) {
  if (cell.empty()) return std::nullopt;
  double value = 0;
  const auto parsed = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (parsed.ec == std::errc() && parsed.ptr == cell.data() + cell.size())
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
  std::string word = cell;
  for (char& c : word) c = static_cast<char>(c | 0x20);
  if (word == "+inf" || word == "null") return std::nullopt;
  throw Error(ErrorCode::malformed,
              fmt::format("{}, line {}: '{}' is no number", where, line, cell),
              "the table holds a header line, then numbers");
}

bool is_time(const std::string& name) {
  return name == "time" || name == "timestamp" || name == "unix_timestamp" || name == "at_s";
}

/// The calls of a JSON list, under either pair of names.
std::vector<Call> calls_of(const Json& list) {
  std::vector<Call> calls;
  for (const auto& edge : list)
    for (const auto& [caller, callee] : {std::pair("caller", "callee"), {"parent", "child"}})
      if (edge.is_object() && edge.contains(caller) && edge.contains(callee) &&
          edge[caller].is_string() && edge[callee].is_string())
        calls.push_back({edge[caller].get<std::string>(), edge[callee].get<std::string>()});
  return calls;
}

/// The curves of `now` behind those of `healthy`; a series that is only in one has a gap there.
std::vector<Curve> join_tables(std::vector<Curve> healthy, const std::vector<Curve>& now) {
  const std::size_t before = healthy.empty() ? 0 : healthy.front().values.size();
  const std::size_t after = now.empty() ? 0 : now.front().values.size();
  for (auto& curve : healthy) curve.values.resize(before + after);
  for (const auto& curve : now) {
    auto place = std::find_if(healthy.begin(), healthy.end(),
                              [&](const Curve& other) { return other.name == curve.name; });
    if (place == healthy.end()) {
      healthy.push_back(curve);
      place = std::prev(healthy.end());
      place->values.assign(before + after, std::nullopt);
    }
    // The times of the two tables need not follow each other: those of the second count.
    place->from_s = curve.from_s - curve.step_s * static_cast<double>(before);
    place->step_s = curve.step_s;
    std::copy(curve.values.begin(), curve.values.end(),
              place->values.begin() + static_cast<std::ptrdiff_t>(before));
  }
  return healthy;
}

std::optional<std::int64_t> start_of(const Options& options, const Sample& sample) {
  if (options.start.empty()) return std::nullopt;
  if (options.start.rfind("row:", 0) == 0) {
    std::int64_t row = 0;
    const char* end = options.start.data() + options.start.size();
    const auto parsed = std::from_chars(options.start.data() + 4, end, row);
    if (parsed.ec == std::errc() && parsed.ptr == end && row >= 0)
      return sample.healthy_count + row;
  }
  double at = 0;
  try {
    at = to_epoch_seconds(parse_rfc3339(options.start));
  } catch (const Error&) {
    throw Error(ErrorCode::usage, fmt::format("--start: '{}' is no time", options.start),
                "write it as 2026-11-24T06:58:00Z, or row:N for a row of --csv");
  }
  if (sample.curves.empty()) return std::nullopt;
  const Curve& curve = sample.curves.front();
  const double index = std::round((at - curve.from_s) / std::max(1e-9, curve.step_s));
  if (index < 1 || index >= static_cast<double>(curve.values.size()))
    throw Error(ErrorCode::usage, "--start lies outside the window", "check --since or --from");
  return static_cast<std::int64_t>(index);
}

void collect_tables(const Options& options, Session& session, Sample& sample) {
  sample.target = options.csv;
  sample.repeat = "cat " + options.csv;
  std::vector<Curve> healthy;
  if (!options.before.empty()) {
    healthy = parse_table(read_text(options.before), options.before);
    sample.healthy_count =
        healthy.empty() ? 0 : static_cast<std::int64_t>(healthy.front().values.size());
    session.touch({"file", options.before, 1, 0});
  }
  sample.curves = join_tables(std::move(healthy), parse_table(read_text(options.csv), options.csv));
  session.touch({"file", options.csv, 1, 0});
}

/// Counters as rates, buckets left out; everything else as it is.
std::vector<std::string> queries_of(const std::vector<std::string>& names,
                                    const std::string& selector, double step_s) {
  std::vector<std::string> queries;
  const auto ends = [](const std::string& name, std::string_view end) {
    return name.size() > end.size() && name.ends_with(end);
  };
  for (const auto& name : names) {
    if (ends(name, "_bucket") || ends(name, "_created") || ends(name, "_info") ||
        name.rfind("ALERTS", 0) == 0 || name.rfind("scrape_", 0) == 0)
      continue;
    const bool counter = ends(name, "_total") || ends(name, "_count") || ends(name, "_sum");
    queries.push_back(counter ? fmt::format("rate({}{}[{}s])", name, selector,
                                            static_cast<int>(std::max(60.0, 2 * step_s)))
                              : name + selector);
  }
  return queries;
}

void add_series(const backends::QueryAnswer& answer, const std::string& query,
                const Options& options, const Window& window, Sample& sample) {
  for (const auto& series : answer.series) {
    if (sample.curves.size() >= static_cast<std::size_t>(options.most_series)) {
      ++sample.left_off_count;
      continue;
    }
    Curve curve = promq::curve_of(series, window);
    if (curve.name.empty() || curve.name.front() == '{') curve.name = query + " " + curve.name;
    sample.curves.push_back(std::move(curve));
  }
  sample.warnings.insert(sample.warnings.end(), answer.warnings.begin(), answer.warnings.end());
}

void collect_nodes(const Options& options, backends::Prometheus& prometheus, const Window& window,
                   Sample& sample) {
  const auto metric = options.symptom.substr(0, options.symptom.find(':'));
  for (const auto& [prefix, query] :
       {std::pair(metric, options.level), std::pair(std::string("requests"), options.requests)}) {
    if (query.empty()) continue;
    const auto answer = prometheus.range(query, window.from_s, window.to_s, window.step_s);
    for (const auto& series : answer.series) {
      const auto label = series.labels.find(options.node_label);
      if (label == series.labels.end()) continue;
      Curve curve = promq::curve_of(series, window);
      curve.name = prefix + ":" + label->second;
      sample.curves.push_back(std::move(curve));
    }
  }
  sample.repeat = prometheus.repeat_line(options.level, window.from_s, window.to_s, window.step_s);
}

void collect_server(const Options& options, Session& session, Sample& sample) {
  const Window window = promq::window_of(options.source, session.clock());
  backends::Prometheus prometheus = promq::open(options.source, session);
  sample.target = prometheus.address();
  if (!options.level.empty()) {
    collect_nodes(options, prometheus, window, sample);
  } else {
    const auto queries = options.queries.empty()
                             ? queries_of(prometheus.metric_names(window.from_s, window.to_s),
                                          options.selector, window.step_s)
                             : options.queries;
    const auto answers =
        prometheus.ranges(queries, window.from_s, window.to_s, window.step_s, sample.gaps);
    // One that fails is a gap; when all do there is nothing to say but why.
    if (!answers.empty() && std::none_of(answers.begin(), answers.end(),
                                         [](const auto& answer) { return answer.has_value(); })) {
      const Gap& gap = sample.gaps.front();
      throw Error(error_code_of(gap.code), gap.why, gap.remedy);
    }
    for (std::size_t i = 0; i < answers.size(); ++i)
      if (answers[i]) add_series(*answers[i], queries[i], options, window, sample);
    if (!queries.empty())
      sample.repeat =
          prometheus.repeat_line(queries.front(), window.from_s, window.to_s, window.step_s);
  }
  sample.clock_offset_s = prometheus.clock_offset_s();
}

/// The calls that Jaeger counted in the window. The options of Prometheus's login are not for it.
std::vector<Call> ask_jaeger(const Options& options, Session& session, Sample& sample) {
  const Window window = promq::window_of(options.source, session.clock());
  net::HttpClient client(options.jaeger, net::client_options({}, "Jaeger"), session);
  backends::Jaeger jaeger(client, sample.gaps);
  std::vector<Call> calls;
  const auto length = std::chrono::duration<double>(window.to_s - window.from_s);
  for (const auto& one : jaeger.dependencies(from_epoch_seconds(window.to_s),
                                             std::chrono::duration_cast<Duration>(length)))
    calls.push_back({one.caller, one.callee});
  return calls;
}

}  // namespace

std::vector<Call> parse_graph(std::string_view text, std::string_view where) {
  const auto first = text.find_first_not_of(" \t\r\n");
  std::vector<Call> calls;
  if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) {
    const Json document = parse_json(text, where);
    const char* key =
        document.is_object() && document.contains("dependencies") ? "dependencies" : "data";
    if (document.is_array()) calls = calls_of(document);
    if (document.is_object() && document.contains(key)) calls = calls_of(document[key]);
  } else {
    while (!text.empty()) {
      const auto cells = cells_of(take_line(text));
      if (cells.size() >= 2 && !(cells[0] == "caller" && cells[1] == "callee"))
        calls.push_back({cells[0], cells[1]});
    }
  }
  if (calls.empty())
    throw Error(ErrorCode::malformed, fmt::format("{} names no calls", where),
                "CSV lines 'caller,callee', or the output of: triage trace deps -o json");
  return calls;
}

std::vector<Curve> parse_table(std::string_view text, std::string_view where) {
  std::string_view rest = text;
  const auto names = cells_of(take_line(rest));
  if (names.empty())
    throw Error(ErrorCode::malformed, fmt::format("{} is empty", where), "give a table");
  const bool timed = is_time(names.front());
  std::vector<Curve> curves(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) curves[i].name = names[i];
  std::vector<double> times;
  for (std::size_t line = 2; !rest.empty(); ++line) {
    const auto cells = cells_of(take_line(rest));
    if (cells.empty()) continue;
    if (cells.size() != names.size())
      throw Error(ErrorCode::malformed,
                  fmt::format("{}, line {}: {} cells, the header has {}", where, line, cells.size(),
                              names.size()),
                  "each line holds one value or nothing per column");
    for (std::size_t i = 0; i < cells.size(); ++i)
      curves[i].values.push_back(cell_value(cells[i], where, line));
  }
  double from = 0;
  double step = 1;
  if (timed && !curves.front().values.empty()) {
    const auto& at = curves.front().values;
    from = at.front().value_or(0);
    if (at.size() > 1 && at.back())
      step = std::max(1e-3, (*at.back() - from) / static_cast<double>(at.size() - 1));
  }
  if (timed) curves.erase(curves.begin());
  for (auto& curve : curves) {
    curve.from_s = from;
    curve.step_s = step;
  }
  return curves;
}

Sample collect(const Options& options, Session& session) {
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  if (options.csv.empty())
    collect_server(options, session, sample);
  else
    collect_tables(options, session, sample);
  sample.start = start_of(options, sample);
  if (!options.graph.empty()) {
    sample.graph = parse_graph(read_text(options.graph), options.graph);
    session.touch({"file", options.graph, 1, 0});
  } else if (!options.jaeger.empty()) {
    const auto calls =
        attempt(sample.gaps, "graph", [&] { return ask_jaeger(options, session, sample); });
    if (calls) sample.graph = *calls;
  }
  return sample;
}

}  // namespace triage::probes::promq_rank
