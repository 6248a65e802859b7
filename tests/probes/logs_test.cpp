#include "lib/probes/logs.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/json_options.h"
#include "lib/probes/log_scan.h"
#include "lib/probes/log_signatures.h"
#include "lib/probes/log_source.h"
#include "lib/probes/outcome.h"
#include "lib/probes/probe.h"
#include "lib/report/render.h"

using namespace triage;
using namespace triage::probes;
namespace fs = std::filesystem;

namespace {

const WallTime now = parse_rfc3339("2026-11-24T02:10:00Z");

/// A folder of its own that goes away with its files.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "triage-logs-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

std::string read_text(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

logs::Sample sample_of(const logs::Options& options) {
  const ManualClock clock(now);
  Session session(clock);
  return logs::collect(options, session);
}

logs::Result result_of(const logs::Options& options) {
  return logs::analyse(options, sample_of(options));
}

logs::Options of_files(std::vector<std::string> files) {
  logs::Options options;
  options.file = std::move(files);
  return options;
}

Error error_of(const logs::Options& options) {
  try {
    sample_of(options);
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::internal, "no error"};
}

bool has_gap(const logs::Result& result, std::string_view what) {
  for (const auto& gap : result.envelope.gaps)
    if (gap.what == what) return true;
  return false;
}

/// Compares with a stored file; TRIAGE_UPDATE_GOLDEN=1 writes it instead.
void check_golden(const fs::path& path, const std::string& text) {
  if (std::getenv("TRIAGE_UPDATE_GOLDEN") != nullptr) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  CHECK_MESSAGE(read_text(path) == text, "differs from ", path.string());
}

void check_case(const std::string& name, const std::vector<std::string>& files) {
  const fs::path folder = fs::path(TRIAGE_SOURCE_DIR) / "tests/golden/logs" / name;
  const fs::path before = fs::current_path();
  fs::current_path(fs::path(TRIAGE_SOURCE_DIR) / "tests/data/logs");
  const ManualClock clock(now);
  Session session(clock);
  const auto call = find_probe("logs")->call();
  const Json values = {{"file", files}};
  JsonOptions options(values, "test");
  call->describe(options);
  const Json sample = call->collect(session);
  fs::current_path(before);
  check_golden(folder / "sample.json", dump_json(sample, 1) + "\n");
  Outcome outcome = call->analyse(sample, session);
  // Own CPU time is no property of the sample.
  outcome.document.erase("cost");
  outcome.report.footer.clear();
  check_golden(folder / "result.json", dump_json(outcome.document, 1) + "\n");
  check_golden(folder / "report.txt", render_human(outcome.report, {}));
}

}  // namespace

TEST_CASE("logs: an exhausted pool is found in pino lines, the report route is not blamed") {
  check_case("pino-incident", {"pino-incident.log"});
}

TEST_CASE("logs: a healthy service is ok") {
  check_case("pino-healthy", {"pino-healthy.log"});
}

TEST_CASE("logs: full slots, locks and deadlocks are found in PostgreSQL's log") {
  check_case("postgresql-incident", {"postgresql-incident.log"});
}

TEST_CASE("logs: checkpoints alone are ok") {
  check_case("postgresql-healthy", {"postgresql-healthy.log"});
}

TEST_CASE("logs: lines without times are counted, rates are unknown") {
  check_case("plain-no-times", {"plain-no-times.log"});
}

TEST_CASE("logs: the window ends at the last line, at now, or where it is told to") {
  const Folder folder;
  const auto file = folder.write("a.log",
                                 "2026-11-24T01:00:00Z ECONNREFUSED\n"
                                 "2026-11-24T01:20:00Z ECONNREFUSED\n"
                                 "2026-11-24T01:30:00Z ok\n");
  auto options = of_files({file});
  auto result = result_of(options);
  CHECK(result.anchor == "last line");
  CHECK(result.to == "2026-11-24T01:30:00.000Z");
  CHECK(result.signatures.at("net.refused").count == 1);
  CHECK(result.signatures.at("net.refused").total_count == 2);
  CHECK(result.signatures.at("net.refused").first == "2026-11-24T01:00:00.000Z");
  options.since = "15m";
  result = result_of(options);
  CHECK(result.anchor == "now");
  CHECK(result.signatures.empty());
  CHECK(result.envelope.severity == Severity::unknown);
  CHECK(has_gap(result, "window_lines_count"));
  options = of_files({file});
  options.from = "2026-11-24T00:50:00Z";
  options.to = "2026-11-24T01:10:00Z";
  result = result_of(options);
  CHECK(result.anchor == "given");
  CHECK(result.signatures.at("net.refused").count == 1);
  options.to = "2026-11-24T00:10:00Z";
  CHECK(error_of(options).code() == ErrorCode::usage);
  options.to = "yesterday";
  CHECK(error_of(options).code() == ErrorCode::usage);
}

TEST_CASE("logs: a stack trace counts at the time of its first line, and each line once") {
  const Folder folder;
  const auto result = result_of(of_files({folder.write(
      "a.log",
      "2026-11-24T01:00:00Z Error: ECONNREFUSED ECONNREFUSED\n    at ECONNREFUSED\n    at x\n")}));
  CHECK(result.signatures.at("net.refused").count == 2);
  CHECK(result.parsed_ratio == 1.0);
  CHECK(result.levels.error_count == 1);
}

TEST_CASE("logs: examples and messages show no secret and no control character") {
  const Folder folder;
  const auto result =
      result_of(of_files({folder.write("a.log",
                                       "2026-11-24T01:00:00Z ERROR \x1b[31m ECONNREFUSED "
                                       "postgres://app:hunter2@db password=x1\n")}));
  const std::string all = dump_json(to_json(result));
  CHECK(all.find("hunter2") == std::string::npos);
  CHECK(all.find("x1") == std::string::npos);
  CHECK(all.find("\\u001b") == std::string::npos);
  CHECK(result.signatures.at("net.refused").example.find("app:***@db") != std::string::npos);
}

TEST_CASE("logs: a missing, forbidden, compressed or wrong file says what to do") {
  const Folder folder;
  CHECK(error_of(of_files({folder.path() + "/none.log"})).code() == ErrorCode::not_found);
  CHECK(error_of(of_files({folder.path()})).code() == ErrorCode::usage);
  CHECK(error_of(of_files({"/dev/zero"})).code() == ErrorCode::usage);
  CHECK(error_of(of_files({})).code() == ErrorCode::usage);
  const auto compressed = error_of(of_files({folder.write("a.gz", "\x1F\x8B\x08 x")}));
  CHECK(compressed.code() == ErrorCode::malformed);
  CHECK(compressed.remedy().find("gzip -t") != std::string::npos);
  const auto closed = folder.write("closed.log", "x\n");
  ::chmod(closed.c_str(), 0);
  if (::geteuid() != 0) {
    CHECK(error_of(of_files({closed})).code() == ErrorCode::refused);
    CHECK(!error_of(of_files({closed})).remedy().empty());
  }
}

TEST_CASE("logs: one unreadable file among several is a gap") {
  const Folder folder;
  const auto good = folder.write("a.log", "2026-11-24T01:00:00Z ok\n");
  const auto result = result_of(of_files({folder.path() + "/none.log", good}));
  CHECK(result.lines_count == 1);
  CHECK(has_gap(result, "files." + folder.path() + "/none.log"));
  CHECK(result.envelope.severity == Severity::ok);
}

TEST_CASE("logs: an empty, a binary and a zero-filled file give unknown or a gap, never ok") {
  const Folder folder;
  CHECK(result_of(of_files({folder.write("e.log", "")})).envelope.severity == Severity::unknown);
  const auto zeros = result_of(of_files({folder.write("z.log", std::string(100000, '\0'))}));
  CHECK(zeros.envelope.severity == Severity::unknown);
  CHECK(!zeros.envelope.gaps.empty());
  std::string binary;
  for (int i = 0; i < 70000; ++i) binary += static_cast<char>(i * 7919 >> 3);
  CHECK(has_gap(result_of(of_files({folder.write("b.log", binary)})), "from"));
}

TEST_CASE("logs: a line beyond the limit is cut, those behind it are read") {
  const Folder folder;
  const std::string huge(3 * logs::LogSource::longest_line + 17, 'x');
  const auto file =
      folder.write("a.log", "2026-11-24T01:00:00Z " + huge + "\n2026-11-24T01:00:01Z ECONNREFUSED");
  const auto result = result_of(of_files({file}));
  CHECK(result.lines_count == 2);
  CHECK(result.signatures.at("net.refused").count == 1);
  CHECK(has_gap(result, "files." + file));
}

TEST_CASE("logs: lines that cross the blocks of the reader are whole") {
  const Folder folder;
  std::string text;
  for (int i = 0; text.size() < 3 * logs::LogSource::longest_line; ++i)
    text += "2026-11-24T01:00:00Z connect ECONNREFUSED " +
            std::string(static_cast<std::size_t>(i % 977), '.') + "\r\n";
  const auto lines = std::count(text.begin(), text.end(), '\n');
  const auto result = result_of(of_files({folder.write("a.log", text)}));
  CHECK(result.lines_count == lines);
  CHECK(result.bytes == static_cast<std::int64_t>(text.size()));
  CHECK(result.signatures.at("net.refused").count == lines);
}

TEST_CASE("logs: a pipe is read like a file") {
  const Folder folder;
  const std::string pipe = folder.path() + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const int keep = ::open(pipe.c_str(), O_RDWR);
  REQUIRE(keep >= 0);
  const std::string text = "2026-11-24T01:00:00Z ECONNREFUSED\n";
  REQUIRE(::write(keep, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  const int reader = ::open(pipe.c_str(), O_RDONLY);
  ::close(keep);
  const auto result = result_of(of_files({"/dev/fd/" + std::to_string(reader)}));
  ::close(reader);
  CHECK(result.signatures.at("net.refused").count == 1);
}

TEST_CASE("logs: own signatures are added, a wrong line names its place") {
  const Folder folder;
  const auto file = folder.write("a.log", "2026-11-24T01:00:00Z Kein Platz: frei\n");
  auto options = of_files({file});
  options.signatures = folder.write(
      "ours.txt", "# ours\n\npool.acquire_timeout: Kein Platz: frei\nours.x: Platz\r\n");
  const auto result = result_of(options);
  CHECK(result.signatures.at("pool.acquire_timeout").count == 1);
  CHECK(result.signatures.at("ours.x").meaning.find("ours.txt") != std::string::npos);
  options.signatures = folder.write("bad.txt", "a: bcd\nno colon\n");
  CHECK(std::string(error_of(options).what()).find("bad.txt:2") != std::string::npos);
  CHECK(error_of(options).code() == ErrorCode::usage);
  options.signatures = folder.path() + "/none.txt";
  CHECK(error_of(options).code() == ErrorCode::not_found);
}

TEST_CASE("logs: every built-in text belongs to one id and has a meaning") {
  const auto table = logs::builtin_signatures();
  CHECK(table.size() <= 64);
  const auto matcher = logs::matcher_of(table);
  for (std::size_t row = 0; row < table.size(); ++row) {
    CHECK(!table[row].meaning.empty());
    for (const auto& text : table[row].texts)
      CHECK_MESSAGE(matcher.groups_in(text) == std::uint64_t{1} << row, text);
  }
}

TEST_CASE("logs: percentiles are within two percent") {
  logs::DurationHistogram histogram;
  CHECK(!histogram.quantile(0.5));
  for (int i = 1; i <= 1000; ++i) histogram.add(i);
  CHECK(*histogram.quantile(0.5) == doctest::Approx(500).epsilon(0.02));
  CHECK(*histogram.quantile(0.99) == doctest::Approx(990).epsilon(0.02));
  histogram.add(1e300);
  histogram.add(0);
}

TEST_CASE("logs: a record gives the same bytes as the run") {
  const Folder folder;
  const auto options = of_files({folder.write("a.log", "2026-11-24T01:00:00Z ECONNREFUSED\n")});
  const auto sample = sample_of(options);
  const auto again = from_json<logs::Sample>(to_json(sample), "sample");
  CHECK(to_json(logs::analyse(options, again)) == to_json(logs::analyse(options, sample)));
}

TEST_CASE("logs: a packed log gives what the plain one gives, a cut one what is before the cut") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 2000; ++i)
    text += "2026-11-24T01:00:00Z ERROR: connect ECONNREFUSED 10.0.0." + std::to_string(i) + "\n";
  const auto plain = folder.write("a.log", text);
  REQUIRE(std::system(("gzip -k " + plain).c_str()) == 0);
  const auto packed = result_of(of_files({plain + ".gz"}));
  CHECK(packed.lines_count == 2000);
  CHECK(packed.signatures.at("net.refused").count == 2000);
  const std::string bytes = read_text(plain + ".gz");
  const auto cut = result_of(of_files({folder.write("cut.gz", bytes.substr(0, bytes.size() / 2))}));
  CHECK(cut.lines_count < 2000);
  CHECK(has_gap(cut, "files." + folder.path() + "/cut.gz"));
  std::string quiet;
  for (int i = 0; i < 2000; ++i)
    quiet += "2026-11-24T01:00:00Z all is well " + std::to_string(i) + "\n";
  const auto calm = folder.write("calm.log", quiet);
  REQUIRE(std::system(("gzip " + calm).c_str()) == 0);
  const std::string half = read_text(calm + ".gz");
  CHECK(result_of(of_files({folder.write("half.gz", half.substr(0, half.size() / 2))}))
            .envelope.severity == Severity::unknown);
}

TEST_CASE("logs: stacks are grouped by their first own frame, with a trace to look at") {
  const Folder folder;
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const auto path = folder.write(
      "a.log",
      std::string("2026-11-24T01:00:00Z Error: no\n    at q (/s/node_modules/pg/x.js:1:2)\n"
                  "    at load (/s/load.js:3:4)\n    at main (/s/main.js:5:6)\n"
                  "2026-11-24T01:00:01Z fine\n    at other (/s/other.js:1:1)\n") +
          R"x({"level":50,"time":"2026-11-24T01:00:02Z","trace_id":")x" + trace +
          R"x(","err":{"message":"no","stack":"Error: no\n    at load (/s/load.js:3:4)"}})x" +
          "\n");
  const auto result = result_of(of_files({path}));
  REQUIRE(result.stacks.size() == 1);
  CHECK(result.stacks[0].meaning == "load (/s/load.js:3:4)");
  CHECK(result.stacks[0].count == 2);
  const bool found =
      std::any_of(result.errors.begin(), result.errors.end(),
                  [&](const auto& error) { return error.trace_ids == std::vector{trace}; });
  CHECK(found);
}
