#include "lib/report/render.h"

#include <doctest/doctest.h>

#include <sstream>

#include <nlohmann/json.hpp>

#include "lib/report/text_layout.h"

namespace {

triage::Report sample_report() {
  triage::Report report;
  report.title = "triage pool  orders  2026-11-24T02:04:31.000Z";
  report.severity = triage::Severity::crit;
  report.headline = "34 of 97 backends run one statement for up to 29 min";
  report.lead = {"GET /reports/monthly -> one statement -> 97/100 slots"};
  triage::Table table{{{"application", false, true}, {"connections", true, false}},
                      {{"service-a", "91"}, {"a | pipe \x1b[31m", "6"}}};
  triage::Items items{triage::Items::Marker::number,
                      {{"take the route out of traffic", {"risk low"}, "SELECT 1;\nSELECT 2;"}}};
  report.sections.push_back({"SLOTS", "3 reserved", {table, items}, false});
  report.sections.push_back({"SOURCES", "", {triage::Paragraph{"only with -v"}}, true});
  report.footer = {"touched: nothing"};
  return report;
}

}  // namespace

TEST_CASE("human: no line is wider than the terminal, and the verdict is the first block") {
  triage::Report report = sample_report();
  report.headline += std::string(30, 'x') + " " + std::string(40, 'y');
  const std::string text = triage::render_human(report, {80, false, 0});
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) CHECK(triage::display_width(line) <= 80);
  CHECK(text.find("CRIT  34 of 97") < text.find("SLOTS"));
}

TEST_CASE("human: control characters of outside text do not reach the terminal") {
  CHECK(triage::render_human(sample_report(), {80, false, 0}).find('\x1b') == std::string::npos);
  CHECK(triage::render_human(sample_report(), {80, true, 0}).find("\x1b[1;31mCRIT") !=
        std::string::npos);
}

TEST_CASE("human: quiet keeps title, verdict and lead; verbose adds the sources") {
  const std::string quiet = triage::render_human(sample_report(), {80, false, -1});
  CHECK(quiet.find("CRIT") != std::string::npos);
  CHECK(quiet.find("SLOTS") == std::string::npos);
  CHECK(triage::render_human(sample_report(), {80, false, 0}).find("only with -v") ==
        std::string::npos);
  CHECK(triage::render_human(sample_report(), {80, false, 1}).find("only with -v") !=
        std::string::npos);
}

TEST_CASE("human: a narrow column never pushes the next one out of line") {
  triage::Report report;
  report.headline = "x";
  triage::Table table{
      {{"file", false, true}, {"what", false, true}},
      {{"tests/db-timeout/report-query-hog.triage", std::string(30, 'a') + " b c d"},
       {"short", std::string(20, 'w') + " " + std::string(18, 'v')}}};
  report.sections.push_back({"T", "", {table}, false});
  std::istringstream lines(triage::render_human(report, {80, false, 0}));
  for (std::string line; std::getline(lines, line);) {
    if (const auto at = line.find("aaaa"); at != std::string::npos) CHECK(at == 44);
    if (const auto at = line.find("wwww"); at != std::string::npos) CHECK(at == 44);
    CHECK(triage::display_width(line) <= 80);
  }
}

TEST_CASE(
    "human: a path that is too long for its column is broken behind a slash, whole words not") {
  triage::Report report;
  report.headline = "x";
  const std::string path =
      "/srv/releases/2026-11-24T020431/orders-service/node_modules/@scope/a.js";
  triage::Table table{{{"from", false, true}, {"to", false, true}, {"growth", true, false}},
                      {{path, path, "300 KiB"}, {std::string(30, 'w'), "x", "1 B"}}};
  report.sections.push_back({"T", "", {table}, false});
  const std::string text = triage::render_human(report, {80, false, 0});
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) CHECK(triage::display_width(line) <= 80);
  CHECK(text.find("/srv/releases/") != std::string::npos);
  CHECK(text.find(std::string(30, 'w')) != std::string::npos);
}

TEST_CASE("markdown: outside text cannot become markup") {
  const std::string text = triage::render_markdown(sample_report(), {80, false, 0});
  CHECK(text.find("a \\| pipe") != std::string::npos);
  CHECK(text.find("SELECT 1;\n   SELECT 2;") != std::string::npos);
}

TEST_CASE("html: one page, nothing from outside, and outside text cannot become markup") {
  triage::Report report = sample_report();
  report.headline += " <script>alert(1)</script>";
  const std::string page = triage::render_html(report);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("src=") == std::string::npos);
  CHECK(page.find("href=") == std::string::npos);
  CHECK(page.find("a | pipe ?[31m") != std::string::npos);
  CHECK(page.find("<header class=\"crit\">") != std::string::npos);
  CHECK(page.find("only with -v") > page.find("<details>"));
}

TEST_CASE("html: pictures are open on the page, and words behind -v are folded") {
  triage::Report report = sample_report();
  triage::Timeline timeline{{{1795485871, "02:04:31", "the pool is full <now>", "logs"},
                             {1795485931, "02:05:31", "this run", ""}}};
  triage::FlameGraph flame{"stalls by stack", {{}}, {}};
  flame.nodes[0].name = "scan";
  flame.nodes[0].own_ms = 40;
  report.sections.push_back({"BEHIND THE EVIDENCE", "", {timeline, flame}, true});
  const std::string page = triage::render_html(report);
  CHECK(page.find("<details open><summary>BEHIND THE EVIDENCE") != std::string::npos);
  CHECK(page.find("<circle") != std::string::npos);
  CHECK(page.find("the pool is full &lt;now&gt;") != std::string::npos);
  CHECK(page.find("scan 40 ms (100 %)") != std::string::npos);
  // a terminal has the timeline as a table, and no flame graph
  const std::string text = triage::render_human(report, {80, false, 1});
  CHECK(text.find("02:04:31  the pool is full <now>  logs") != std::string::npos);
  CHECK(text.find("stalls by stack") == std::string::npos);
}

TEST_CASE("junit: findings fail from the given severity on, unknown is skipped") {
  triage::Report report = sample_report();
  report.findings = {{"slots_full", "crit", "97 of 97 <slots>", {}},
                     {"old_idle", "warn", "3 idle", {}},
                     {"deadlocks", "unknown", "no permission", {}}};
  const std::string strict = triage::render_junit(report, triage::Severity::warn);
  CHECK(strict.find("tests=\"3\" failures=\"2\" skipped=\"1\"") != std::string::npos);
  CHECK(strict.find("97 of 97 &lt;slots&gt;") != std::string::npos);
  const std::string lax = triage::render_junit(report, triage::Severity::crit);
  CHECK(lax.find("failures=\"1\"") != std::string::npos);
  const std::string never = triage::render_junit(report, triage::Severity::unknown);
  CHECK(never.find("failures=\"0\"") != std::string::npos);
  report.findings.clear();
  CHECK(triage::render_junit(report, triage::Severity::crit).find("name=\"verdict\"") !=
        std::string::npos);
}

TEST_CASE("sarif: a finding with a place in code carries file, line and column") {
  triage::Report report = sample_report();
  report.findings = {{"sync_call", "crit", "readFileSync blocks", {{"src/a.js", 12, 5}}},
                     {"other", "info", "no place", {}}};
  const auto document = nlohmann::json::parse(triage::render_sarif(report));
  const auto& results = document["runs"][0]["results"];
  REQUIRE(results.size() == 2);
  CHECK(results[0]["level"] == "error");
  const auto& place = results[0]["locations"][0]["physicalLocation"];
  CHECK(place["artifactLocation"]["uri"] == "src/a.js");
  CHECK(place["region"]["startLine"] == 12);
  CHECK(place["region"]["startColumn"] == 5);
  CHECK_FALSE(results[1].contains("locations"));
}

TEST_CASE("layout: wrapping keeps every word") {
  const auto lines = triage::wrap("one two three four", 9);
  CHECK(lines == std::vector<std::string>{"one two", "three", "four"});
}
