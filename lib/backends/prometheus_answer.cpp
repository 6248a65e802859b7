#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "lib/backends/prometheus.h"
#include "lib/base/json_cursor.h"

namespace triage::backends {
namespace {

struct Status {
  std::string status;
  std::string error_type;
  std::string error;
};

[[noreturn]] void malformed(const std::string& what) {
  throw Error(ErrorCode::malformed, "metrics answer: " + what,
              "check that the address is that of a Prometheus or Loki API");
}

/// "0.0124", "5.11e-07", "NaN", "+Inf", "-Inf"
double number_of(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf" || text == "Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    malformed(fmt::format("'{}' is no sample value", text.substr(0, 40)));
  return value;
}

double number_at(JsonCursor& cursor) {
  return cursor.peek() == JsonCursor::Kind::number ? cursor.number() : number_of(cursor.text());
}

/// {"count":"19","sum":"0.06","buckets":[[0,"0.1","0.2","1"],...]}
NativeHistogram histogram_at(JsonCursor& cursor) {
  NativeHistogram histogram;
  cursor.object([&](std::string_view key) {
    if (key == "count") {
      histogram.count = number_at(cursor);
    } else if (key == "sum") {
      histogram.sum = number_at(cursor);
    } else if (key == "buckets") {
      cursor.array([&] {
        std::array<double, 4> parts{};
        std::size_t index = 0;
        cursor.array([&] {
          const double part = number_at(cursor);
          if (index < parts.size()) parts.at(index) = part;
          ++index;
        });
        if (cursor.whole() && index != parts.size()) malformed("a bucket has not four parts");
        histogram.buckets.push_back({parts[1], parts[2], parts[3]});
      });
    } else {
      cursor.skip();
    }
  });
  return histogram;
}

/// [1795503466.825,"0.0124"]
void sample_at(JsonCursor& cursor, TimeSeries& series, bool native) {
  int index = 0;
  double at = 0;
  cursor.array([&] {
    if (index == 0) {
      at = cursor.number();
    } else if (index == 1 && native) {
      series.histogram_at_s.push_back(at);
      series.histograms.push_back(histogram_at(cursor));
    } else if (index == 1) {
      series.at_s.push_back(at);
      series.values.push_back(number_at(cursor));
    } else {
      cursor.skip();
    }
    ++index;
  });
  if (cursor.whole() && index < 2) malformed("a sample has no value");
}

/// Objects are series; otherwise it is the one sample of a scalar or a string.
void result_at(JsonCursor& cursor, QueryAnswer& answer) {
  double at = 0;
  cursor.array([&] {
    if (cursor.peek() == JsonCursor::Kind::object) {
      answer.series.push_back(read_series(cursor));
    } else if (cursor.peek() == JsonCursor::Kind::number) {
      at = cursor.number();
    } else {
      answer.text = cursor.text();
    }
  });
  if (answer.type != "scalar") return;
  answer.series.push_back({{}, {at}, {number_of(answer.text)}, {}, {}});
  answer.text.clear();
}

void data_at(JsonCursor& cursor, QueryAnswer& answer) {
  cursor.object([&](std::string_view key) {
    if (key == "resultType")
      answer.type = cursor.text();
    else if (key == "result")
      result_at(cursor, answer);
    else
      cursor.skip();
  });
}

/// "1:34: parse error: ..." -> a mark below the query, when it is one line.
std::string mark_of(std::string_view error, std::string_view query) {
  const auto place = error.find("1:");
  const auto parse = error.find(": parse error");
  if (place == std::string_view::npos || parse == std::string_view::npos || parse < place ||
      query.find('\n') != std::string_view::npos)
    return {};
  std::size_t column = 0;
  std::from_chars(error.data() + place + 2, error.data() + error.size(), column);
  return column == 0 || column > query.size() + 1
             ? std::string()
             : fmt::format(" at column {}: ...{}", column,
                           query.substr(column > 20 ? column - 20 : 0, 40));
}

[[noreturn]] void refuse(const Status& status, std::string_view query) {
  const std::string text = "Prometheus: " + status.error;
  if (status.error_type == "timeout")
    throw Error(ErrorCode::budget, text, "shorten the window or narrow the selectors");
  if (status.error_type == "bad_data" && status.error.find("11,000 points") != std::string::npos)
    throw Error(ErrorCode::budget, text, "take a larger --step or a shorter window");
  if (status.error_type == "bad_data")
    throw Error(ErrorCode::usage, text + mark_of(status.error, query), "correct the query");
  if (status.error_type == "execution")
    throw Error(status.error.find("too many samples") != std::string::npos ? ErrorCode::budget
                                                                           : ErrorCode::usage,
                text, "correct the query, or narrow its selectors");
  throw Error(ErrorCode::unreachable, text, "see the server's own log");
}

}  // namespace

TimeSeries read_series(JsonCursor& cursor) {
  TimeSeries series;
  cursor.object([&](std::string_view key) {
    if (key == "metric") {
      cursor.object([&](std::string_view label) {
        std::string name(label);
        series.labels[std::move(name)] = cursor.text();
      });
    } else if (key == "value" || key == "histogram") {
      sample_at(cursor, series, key == "histogram");
    } else if (key == "values" || key == "histograms") {
      const bool native = key == "histograms";
      cursor.array([&] { sample_at(cursor, series, native); });
    } else {
      cursor.skip();
    }
  });
  return series;
}

double NativeHistogram::resolution() const {
  double widest = 0;
  for (const auto& bucket : buckets)
    if (bucket.low > 0 && std::isfinite(bucket.high))
      widest = std::max(widest, bucket.high / bucket.low);
  return widest;
}

std::string series_name(const Labels& labels) {
  std::string name;
  std::string inner;
  for (const auto& [label, value] : labels) {
    if (label == "__name__") {
      name = value;
    } else {
      if (!inner.empty()) inner += ',';
      inner += fmt::format("{}=\"{}\"", label, value);
    }
  }
  return inner.empty() && !name.empty() ? name : fmt::format("{}{{{}}}", name, inner);
}

QueryAnswer parse_query_answer(const net::Response& response, std::string_view query) {
  QueryAnswer answer;
  Status status;
  JsonCursor cursor(read_from(response.body));
  if (cursor.peek() != JsonCursor::Kind::object) {
    net::require_success(response, "Prometheus");
    malformed("the answer is no JSON object");
  }
  cursor.object([&](std::string_view key) {
    if (key == "status") {
      status.status = cursor.text();
    } else if (key == "errorType") {
      status.error_type = cursor.text();
    } else if (key == "error") {
      status.error = cursor.text();
    } else if (key == "warnings" || key == "infos") {
      cursor.array([&] { answer.warnings.emplace_back(cursor.text()); });
    } else if (key == "data") {
      data_at(cursor, answer);
    } else {
      cursor.skip();
    }
  });
  if (!cursor.whole()) malformed("the answer is cut or broken: " + cursor.problem());
  if (status.status == "error") refuse(status, query);
  net::require_success(response, "Prometheus");
  if (status.status != "success") malformed("the answer has no status");
  return answer;
}

}  // namespace triage::backends
