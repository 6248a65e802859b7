#include "lib/backends/prometheus.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/base/json_cursor.h"

namespace triage::backends {
namespace {

std::string time_text(double seconds) {
  return fmt::format("{:.3f}", seconds);
}

/// A query that was too slow once is too slow again; other 503 pass.
bool retry_query(const net::Response& response) {
  return net::worth_retrying(response) &&
         response.body.find("\"errorType\":\"timeout\"") == std::string::npos;
}

net::Request request_of(const std::string& path, net::Pairs parameters) {
  net::Request request;
  request.path = path;
  request.parameters = std::move(parameters);
  request.post_when_long = true;
  request.retry = retry_query;
  return request;
}

net::Pairs range_parameters(const std::string& query, double from_s, double to_s, double step_s) {
  return {{"query", query},
          {"start", time_text(from_s)},
          {"end", time_text(to_s)},
          {"step", fmt::format("{}", step_s)}};
}

/// The parts of a range that each stay below the server's limit of points.
std::vector<std::pair<double, double>> parts_of(double from_s, double to_s, double step_s) {
  std::vector<std::pair<double, double>> parts;
  const double most = step_s * static_cast<double>(Prometheus::most_points - 1);
  for (double start = from_s; start <= to_s; start += most + step_s)
    parts.emplace_back(start, std::min(to_s, start + most));
  return parts;
}

void append(TimeSeries& to, TimeSeries& from) {
  to.at_s.insert(to.at_s.end(), from.at_s.begin(), from.at_s.end());
  to.values.insert(to.values.end(), from.values.begin(), from.values.end());
  to.histogram_at_s.insert(to.histogram_at_s.end(), from.histogram_at_s.begin(),
                           from.histogram_at_s.end());
  to.histograms.insert(to.histograms.end(), std::make_move_iterator(from.histograms.begin()),
                       std::make_move_iterator(from.histograms.end()));
}

QueryAnswer join(std::vector<QueryAnswer> parts) {
  QueryAnswer whole = std::move(parts.front());
  std::map<Labels, std::size_t> places;
  for (std::size_t i = 0; i < whole.series.size(); ++i) places[whole.series[i].labels] = i;
  for (std::size_t part = 1; part < parts.size(); ++part) {
    for (auto& series : parts[part].series) {
      const auto [place, fresh] = places.emplace(series.labels, whole.series.size());
      if (fresh)
        whole.series.push_back(std::move(series));
      else
        append(whole.series[place->second], series);
    }
    for (auto& warning : parts[part].warnings)
      if (std::find(whole.warnings.begin(), whole.warnings.end(), warning) == whole.warnings.end())
        whole.warnings.push_back(std::move(warning));
  }
  return whole;
}

Labels labels_at(JsonCursor& cursor) {
  Labels labels;
  cursor.object([&](std::string_view label) {
    std::string name(label);
    labels[std::move(name)] = cursor.text();
  });
  return labels;
}

Alert alert_at(JsonCursor& cursor) {
  Alert alert;
  cursor.object([&](std::string_view key) {
    if (key == "labels") {
      alert.labels = labels_at(cursor);
    } else if (key == "annotations") {
      Labels notes = labels_at(cursor);
      alert.summary = notes.contains("summary") ? notes["summary"] : notes["description"];
    } else if (key == "state") {
      alert.state = cursor.text();
    } else if (key == "activeAt") {
      alert.active_at = cursor.text();
    } else {
      cursor.skip();
    }
  });
  return alert;
}

/// Walks {"status":...,"data":X}; `data` takes X.
template <class Data>
void each_data(const net::Response& response, JsonCursor& cursor, Data data) {
  net::require_success(response, "Prometheus");
  cursor.object([&](std::string_view key) {
    if (key == "data")
      data();
    else
      cursor.skip();
  });
  if (!cursor.whole())
    throw Error(ErrorCode::malformed, "Prometheus: " + cursor.problem(),
                "check that the address is that of a Prometheus API");
}

}  // namespace

Prometheus::Prometheus(std::string_view address, net::ClientOptions options, Session& session)
    : client_(address, std::move(options), session), clock_(session.clock()) {}

net::Response Prometheus::get(const std::string& path, net::Pairs parameters) {
  net::Response response = client_.send(request_of(path, std::move(parameters)));
  note_clock(response);
  return response;
}

void Prometheus::note_clock(const net::Response& response) {
  const auto at = net::date_s(response);
  if (at) clock_offset_s_ = std::round(*at - to_epoch_seconds(clock_.now()));
}

QueryAnswer Prometheus::instant(const std::string& query, std::optional<double> at_s) {
  net::Pairs parameters{{"query", query}};
  if (at_s) parameters.emplace_back("time", time_text(*at_s));
  return parse_query_answer(get("/api/v1/query", std::move(parameters)), query);
}

QueryAnswer Prometheus::range(const std::string& query, double from_s, double to_s, double step_s) {
  std::vector<net::Request> requests;
  for (const auto& [start, end] : parts_of(from_s, to_s, step_s))
    requests.push_back(
        request_of("/api/v1/query_range", range_parameters(query, start, end, step_s)));
  if (requests.empty())
    throw Error(ErrorCode::usage, "the window is empty: its end is before its start");
  std::vector<QueryAnswer> parts;
  for (const auto& answer : client_.send_all(requests)) {
    note_clock(answer.value());
    parts.push_back(parse_query_answer(answer.value(), query));
  }
  return join(std::move(parts));
}

std::vector<std::optional<QueryAnswer>> Prometheus::ranges(const std::vector<std::string>& queries,
                                                           double from_s, double to_s,
                                                           double step_s, std::vector<Gap>& gaps) {
  if (parts_of(from_s, to_s, step_s).size() > 1) {
    std::vector<std::optional<QueryAnswer>> split;
    for (const auto& query : queries)
      split.push_back(attempt(gaps, query, [&] { return range(query, from_s, to_s, step_s); }));
    return split;
  }
  std::vector<net::Request> requests;
  for (const auto& query : queries)
    requests.push_back(
        request_of("/api/v1/query_range", range_parameters(query, from_s, to_s, step_s)));
  const auto answers = client_.send_all(requests);
  std::vector<std::optional<QueryAnswer>> all;
  for (std::size_t i = 0; i < answers.size(); ++i)
    all.push_back(attempt(gaps, queries[i], [&] {
      note_clock(answers[i].value());
      return parse_query_answer(answers[i].value(), queries[i]);
    }));
  return all;
}

std::vector<std::string> Prometheus::metric_names(double from_s, double to_s) {
  return label_values("__name__", "", from_s, to_s);
}

std::vector<std::string> Prometheus::label_values(const std::string& label,
                                                  const std::string& selector, double from_s,
                                                  double to_s) {
  net::Pairs parameters{{"start", time_text(from_s)}, {"end", time_text(to_s)}};
  if (!selector.empty()) parameters.emplace_back("match[]", selector);
  const auto response = get("/api/v1/label/" + label + "/values", std::move(parameters));
  std::vector<std::string> names;
  JsonCursor cursor(read_from(response.body));
  each_data(response, cursor, [&] { cursor.array([&] { names.emplace_back(cursor.text()); }); });
  return names;
}

std::vector<Labels> Prometheus::series(const std::string& selector, double from_s, double to_s) {
  const auto response =
      get("/api/v1/series",
          {{"match[]", selector}, {"start", time_text(from_s)}, {"end", time_text(to_s)}});
  std::vector<Labels> all;
  JsonCursor cursor(read_from(response.body));
  each_data(response, cursor, [&] { cursor.array([&] { all.push_back(labels_at(cursor)); }); });
  return all;
}

std::vector<Alert> Prometheus::alerts() {
  const auto response = get("/api/v1/alerts", {});
  std::vector<Alert> list;
  JsonCursor cursor(read_from(response.body));
  each_data(response, cursor, [&] {
    cursor.object([&](std::string_view key) {
      if (key == "alerts")
        cursor.array([&] { list.push_back(alert_at(cursor)); });
      else
        cursor.skip();
    });
  });
  return list;
}

std::string Prometheus::repeat_line(const std::string& query, std::optional<double> from_s,
                                    double to_s, double step_s) const {
  if (!from_s)
    return client_.curl_line(
        request_of("/api/v1/query", {{"query", query}, {"time", time_text(to_s)}}));
  return client_.curl_line(
      request_of("/api/v1/query_range", range_parameters(query, *from_s, to_s, step_s)));
}

}  // namespace triage::backends
