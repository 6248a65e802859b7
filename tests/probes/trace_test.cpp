#include "lib/probes/trace.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/json.h"

namespace {

using namespace triage;
namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The body of a recorded answer of Jaeger, as a file.
class TraceFile {
 public:
  explicit TraceFile(const std::string& text) {
    std::string name = fs::temp_directory_path() / "triage-trace-XXXXXX";
    const int fd = ::mkstemp(name.data());
    ::close(fd);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << text;
  }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  ~TraceFile() { fs::remove(path_); }
  [[nodiscard]] std::string path() const { return path_; }

 private:
  fs::path path_;
};

std::string recorded(const std::string& name) {
  const std::string file = std::string(TRIAGE_SOURCE_DIR "/tests/data/jaeger/") + name + ".json";
  return parse_json(text_of(file), file)["response"]["body_text"];
}

probes::trace::Result run(const std::string& text, probes::trace::Options options = {}) {
  const TraceFile file(text);
  options.input.files = {file.path()};
  const ManualClock clock;
  Session session(clock);
  return probes::trace::analyse(options, probes::trace::collect(options, session));
}

bool has(const Envelope& envelope, const std::string& id) {
  return std::any_of(envelope.findings.begin(), envelope.findings.end(),
                     [&](const Finding& finding) { return finding.id == id; });
}

}  // namespace

TEST_CASE("trace: requests against a crashed service fail at the caller that cannot reach it") {
  const auto result = run(recorded("015-traces-leak-crash"));
  CHECK(result.traces_count == 10);
  CHECK(result.failed_traces_count == 10);
  REQUIRE(!result.failures.empty());
  CHECK(result.failures[0].service == "api-gateway");
  CHECK(result.failures[0].error.find("ECONNREFUSED 127.0.0.1:9302") != std::string::npos);
  CHECK(has(result.envelope, "failures_begin"));
}

TEST_CASE("trace: time before a handler belongs to the callee, and one trace names no culprit") {
  const auto result = run(recorded("022-trace-by-id-slow"));
  REQUIRE(!result.operations.empty());
  CHECK(result.operations[0].service == "order-processor");
  CHECK(result.operations[0].operation == "(before) POST /orders");
  REQUIRE(!result.waits.empty());
  CHECK(!result.waits[0].before_silent_ratio);
  CHECK(has(result.envelope, "waits_before_handler"));
  CHECK(result.tree.size() == 12);
  CHECK(result.tree[0].depth == 0);
}

TEST_CASE("trace: one fast trace has nothing wrong") {
  const auto result = run(recorded("021-trace-by-id"));
  CHECK(result.envelope.severity == Severity::ok);
}

TEST_CASE("trace: no traces are unknown, not healthy") {
  const auto result = run(R"({"data":[],"total":0,"errors":null})");
  CHECK(result.envelope.severity == Severity::unknown);
}

TEST_CASE("trace: what is no trace at all is refused, and so is a recorded error") {
  for (const char* text : {"<html>login</html>", "{\"a\":1}", "garbage"}) {
    try {
      run(text);
      FAIL("accepted: " << text);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::malformed);
      CHECK(!error.remedy().empty());
    }
  }
  CHECK_THROWS_AS(run(recorded("029-trace-unknown-404")), Error);
}

TEST_CASE("trace: a file that was cut gives what was whole and says so") {
  const std::string body = recorded("028-traces-by-traceID-params");
  const auto result = run(body.substr(0, body.size() - 4000));
  CHECK(result.traces_count == 1);
  CHECK(result.recording.without_root_count == 0);
  REQUIRE(!result.gaps.empty());
  CHECK(result.gaps[0].why.find("not read to its end") != std::string::npos);
}

TEST_CASE("trace: the ids of log lines choose the traces") {
  probes::trace::Options options;
  options.input.trace_ids = {"CBFC6E75F0672E6BDB33A7C1953AD77C"};
  const auto result = run(recorded("028-traces-by-traceID-params"), options);
  CHECK(result.traces_count == 1);
}

TEST_CASE("trace: the table of spans has one row a span and quotes what needs it") {
  const TraceFile csv("");
  probes::trace::Options options;
  options.csv = csv.path();
  run(recorded("021-trace-by-id"), options);
  const std::string text = text_of(csv.path());
  CHECK(std::count(text.begin(), text.end(), '\n') == 13);
  CHECK(text.find("\"insert into orders(sku, qty, created) values ($1,$2,now()) returning id\"") !=
        std::string::npos);
}

TEST_CASE("trace: the flame graph has the critical path's time, in each form") {
  const TraceFile folded("");
  probes::trace::Options options;
  options.flame = folded.path();
  const auto result = run(recorded("021-trace-by-id"), options);
  std::istringstream lines(text_of(folded.path()));
  double microseconds = 0;
  for (std::string line; std::getline(lines, line);)
    microseconds += std::stod(line.substr(line.rfind(' ')));
  CHECK(microseconds / 1000 == doctest::Approx(result.entries[0].max_ms).epsilon(0.01));

  options.flame = folded.path() + ".json";
  run(recorded("021-trace-by-id"), options);
  const Json document = parse_json(text_of(options.flame), "speedscope");
  CHECK(document["profiles"][0]["samples"].size() == document["profiles"][0]["weights"].size());
  fs::remove(options.flame);
  options.flame = folded.path() + ".svg";
  run(recorded("021-trace-by-id"), options);
  CHECK(text_of(options.flame).find("api-gateway POST /checkout") != std::string::npos);
  fs::remove(options.flame);
}

TEST_CASE("trace: a recorded sample gives the same result again") {
  const TraceFile file(recorded("022-trace-by-id-slow"));
  probes::trace::Options options;
  options.input.files = {file.path()};
  const ManualClock clock;
  Session session(clock);
  const auto sample = probes::trace::collect(options, session);
  const auto again = from_json<probes::trace::Sample>(to_json(sample), "sample");
  CHECK(to_json(again) == to_json(sample));
}
