#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "lib/report/plot_text.h"
#include "lib/report/svg.h"
#include "lib/report/text_layout.h"

namespace {

triage::Plot step_plot() {
  triage::Plot plot;
  plot.title = "event-loop delay p99";
  plot.unit = "s";
  plot.baseline = 0.012;
  plot.onset = 1764036240;
  triage::Plot::Series series{"p99", {}, {}};
  for (int i = 0; i < 60; ++i) {
    series.x.push_back(1764036000 + 10.0 * i);
    series.y.push_back(i < 24 ? 0.012 : 0.4 + 0.05 * std::sin(i));
  }
  series.y[30] = std::numeric_limits<double>::quiet_NaN();
  plot.series.push_back(series);
  return plot;
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

}  // namespace

TEST_CASE("plot: the text names title, unit, baseline and onset, and fits the width") {
  const std::string text = triage::plot_text(step_plot(), 78);
  for (const char* part : {"event-loop delay p99", "baseline 12 ms", "^ onset 02:04:00", "0 s",
                           "02:00:00", "02:09:50 UTC"}) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  }
  std::istringstream lines(text);
  std::size_t rows = 0;
  for (std::string line; std::getline(lines, line); ++rows)
    CHECK(triage::display_width(line) <= 78);
  CHECK(rows == 11);
}

TEST_CASE("plot: a rise stands higher than what was before it") {
  std::istringstream lines(triage::plot_text(step_plot(), 78));
  std::string top;
  std::getline(lines, top);
  std::getline(lines, top);  // the highest row of dots
  const std::string blank = "\xE2\xA0\x80";
  const std::string dots = top.substr(top.find(blank));
  const std::string before = dots.substr(0, dots.size() / 9 * 3);
  CHECK(count(before, blank) * 3 == before.size());
  CHECK(count(dots, blank) * 3 < dots.size());
}

TEST_CASE("plot: without a value it says so instead of drawing zero") {
  triage::Plot plot{"rate", "req/s", "", {{"a", {1, 2}, {NAN, NAN}}}, {}, {}, {}};
  CHECK(triage::plot_text(plot, 80) == "rate: no data");
  CHECK(triage::plot_svg(plot).find("no data") != std::string::npos);
  CHECK(triage::plot_svg(plot).find("<path") == std::string::npos);
}

TEST_CASE("plot: a gap interrupts the line of the drawing") {
  CHECK(count(triage::plot_svg(step_plot()), "M") == 2);
}

TEST_CASE("sparkline: a spike survives that falls between two columns") {
  std::vector<double> values(100, 1.0);
  values[57] = 9;
  CHECK(count(triage::sparkline(values, 10), "█") == 1);
  CHECK(triage::sparkline({NAN, NAN}, 10).empty());
  CHECK(triage::sparkline({1, NAN, 2}, 10) == "▁ █");
}

TEST_CASE("treemap: tiles fill their part of the area, and outside names cannot be markup") {
  triage::Treemap map{"retained",
                      "bytes",
                      {{"Map <b>", 3 << 20, -1, ""},
                       {"Array", 1 << 20, -1, ""},
                       {"inner", 2 << 20, 0, "cache.js:3"}}};
  const std::string svg = triage::treemap_svg(map);
  CHECK(count(svg, "<rect") == 3);
  CHECK(svg.find("Map &lt;b&gt;") != std::string::npos);
  CHECK(svg.find("4.0 MiB in all") != std::string::npos);
  CHECK(svg.find("width=\"539.0\"") != std::string::npos);  // three quarters of 720, less the gap
  const std::string text = triage::treemap_text(map, 80);
  CHECK(text.find("###############      Map <b>") != std::string::npos);
  CHECK(text.find("##########             inner") != std::string::npos);
}

TEST_CASE("treemap: nothing but empty tiles is no data") {
  CHECK(triage::treemap_svg({"t", "bytes", {{"a", 0, -1, ""}}}).find("no data") !=
        std::string::npos);
}
