// What another user may not see, run as a user without privileges. As root the program is copied to
// a place that the user nobody can reach; otherwise the tests' own user is the one without.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "lib/base/json.h"
#include "tests/support/command.h"

using triage::Json;
using triage::testing::CommandResult;
using triage::testing::run_command;
using triage::testing::TemporaryDirectory;

namespace fs = std::filesystem;

namespace {

class Nobody {
 public:
  Nobody() {
    fs::permissions(directory_.path(), fs::perms(0755));
    program_ = directory_.path() + "/triage";
    fs::copy_file(TRIAGE_PROGRAM, program_);
    fs::permissions(program_, fs::perms(0755));
  }
  [[nodiscard]] CommandResult run(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all;
    if (::geteuid() == 0)
      all = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
    all.push_back(program_);
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_command(all, {"HOME=/nonexistent"});
  }
  [[nodiscard]] const TemporaryDirectory& directory() const { return directory_; }

 private:
  TemporaryDirectory directory_;
  std::string program_;
};

}  // namespace

TEST_CASE("permission: another user's process is counted, its listing unknown with the remedy") {
  const Nobody nobody;
  // pid 1 belongs to root
  const CommandResult result = nobody.run({"fds", "1", "-o", "json"});
  CHECK(result.exit_code == 3);
  CHECK(result.error.empty());
  const Json document = Json::parse(result.out);
  CHECK(document["severity"] == "unknown");
  for (const char* key : {"by_kind", "peers", "sockets_by_state", "listeners", "same_file"})
    CHECK(document[key].is_null());
  CHECK(document["gaps"][0]["what"] == "by_kind");
  CHECK(document["gaps"][0]["remedy"] == "run: sudo triage fds 1");
}

TEST_CASE("permission: an unreadable log is one line with the command that mends it") {
  const Nobody nobody;
  const std::string log = nobody.directory().write("service.log", "{\"level\":30}\n");
  fs::permissions(log, ::geteuid() == 0 ? fs::perms(0600) : fs::perms::none);
  const CommandResult result = nobody.run({"logs", log});
  CHECK(result.exit_code == 5);
  CHECK(result.out.empty());
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  CHECK(result.error.find("sudo setfacl") != std::string::npos);
}

TEST_CASE("permission: an unreadable runbook is wrong usage") {
  const Nobody nobody;
  const std::string file = nobody.directory().write("mine.yaml", "triage: runbook/v1\n");
  fs::permissions(file, ::geteuid() == 0 ? fs::perms(0600) : fs::perms::none);
  const CommandResult result = nobody.run({"run", file});
  CHECK(result.exit_code == 2);
  CHECK(result.error.find("Permission denied") != std::string::npos);
}
