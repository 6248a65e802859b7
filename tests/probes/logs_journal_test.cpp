#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/probes/logs.h"

using namespace triage;
using namespace triage::probes;
namespace fs = std::filesystem;

namespace {

/// A journalctl of the test's own in front of PATH.
class OwnJournalctl {
 public:
  explicit OwnJournalctl(const std::string& script) : path_before_(std::getenv("PATH")) {
    std::string name = (fs::temp_directory_path() / "triage-journal-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    std::ofstream(folder_ / "journalctl") << "#!/bin/sh\n" << script;
    ::chmod((folder_ / "journalctl").c_str(), 0700);
    ::setenv("PATH", (folder_.string() + ":" + path_before_).c_str(), 1);
  }
  OwnJournalctl(const OwnJournalctl&) = delete;
  OwnJournalctl& operator=(const OwnJournalctl&) = delete;
  ~OwnJournalctl() {
    ::setenv("PATH", path_before_.c_str(), 1);
    fs::remove_all(folder_);
  }
  [[nodiscard]] std::string arguments() const {
    std::string text;
    std::getline(std::ifstream(folder_ / "arguments"), text);
    return text;
  }
  [[nodiscard]] std::string folder() const { return folder_.string(); }

 private:
  std::string path_before_;
  fs::path folder_;
};

logs::Result result_of(const std::string& unit) {
  const ManualClock clock(parse_rfc3339("2026-11-24T02:10:00Z"));
  Session session(clock);
  logs::Options options;
  options.journal = {unit};
  return logs::analyse(options, logs::collect(options, session));
}

}  // namespace

TEST_CASE("logs: the journal of a unit is asked for the window and the stretch before it") {
  const OwnJournalctl journalctl(
      "echo \"$@\" > \"$(dirname \"$0\")/arguments\"\n"
      "for i in 1 2 3; do echo '{\"__REALTIME_TIMESTAMP\":\"1795485900000000\",\"PRIORITY\":\"3\","
      "\"MESSAGE\":\"Error: timeout exceeded when trying to connect\"}'; done\n");
  const auto result = result_of("api.service");
  CHECK(result.signatures.at("pool.acquire_timeout").count == 3);
  CHECK(result.levels.error_count == 3);
  CHECK(result.anchor == "now");
  CHECK(journalctl.arguments() ==
        "--unit api.service --output json --no-pager --quiet --since @1795484400.000 --until "
        "@1795486200.000");
}

TEST_CASE("logs: a journal that cannot be read says what to do, an empty one is unknown") {
  {
    const OwnJournalctl journalctl("echo 'No permission to read' >&2; exit 1\n");
    try {
      result_of("api.service");
      FAIL_CHECK("no error");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::refused);
      CHECK(std::string(error.what()).find("No permission to read") != std::string::npos);
    }
  }
  const OwnJournalctl journalctl("exit 0\n");
  CHECK(result_of("api.service").envelope.severity == Severity::unknown);
  CHECK_THROWS_AS(result_of("--evil"), Error);
}
