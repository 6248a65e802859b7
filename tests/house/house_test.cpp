#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/probes/outcome.h"
#include "lib/probes/probe.h"

namespace {

namespace fs = std::filesystem;

/// room -> rooms that it may include, as CONTRIBUTING.md says. tools/ and tests/ may include all.
const std::map<std::string, std::set<std::string>> arrows{
    {"base", {}},
    {"os", {"base"}},
    {"stats", {"base"}},
    {"net", {"base"}},
    {"store", {"base"}},
    {"traces", {"base", "stats"}},
    {"report", {"base"}},
    {"backends", {"base", "os", "net", "traces"}},
    {"v8", {"base", "os", "net", "store"}},
    {"probes", {"base", "stats", "os", "net", "store", "traces", "v8", "backends", "report"}},
    {"diagnose", {"base", "stats", "os", "report"}},
};

/// Headers that only one folder or file may include.
const std::vector<std::pair<std::string, std::string>> monopolies{
    {"<CLI/CLI.hpp>", "tools/command_line.cpp"},
    {"<boost/program_options.hpp>", "tools/settings.cpp"},
    {"<boost/beast/websocket.hpp>", "lib/net/websocket.cpp"},
    {"<libpq-fe.h>", "lib/backends/postgres"},
    {"<yaml-cpp/yaml.h>", "lib/diagnose/yaml_mapping.h"},
    {"<jq.h>", "lib/diagnose/jq.cpp"},
    {"<curl/curl.h>", "lib/net/http"},
    {"<zstd.h>", "lib/store/"},
    {"<zlib.h>", "lib/store/"},
    {"<linux/sock_diag.h>", "lib/os/"},
    {"<sys/ptrace.h>", "lib/os/"},
    {"<linux/perf_event.h>", "lib/os/"},
};

struct Source {
  std::string path;  ///< from the top of the tree
  std::vector<std::string> lines;
};

std::vector<Source> sources() {
  const fs::path top = TRIAGE_SOURCE_DIR;
  std::vector<Source> all;
  for (const char* folder : {"lib", "tools"}) {
    for (const auto& entry : fs::recursive_directory_iterator(top / folder)) {
      const auto ending = entry.path().extension();
      if (ending != ".cpp" && ending != ".h") continue;
      Source source{fs::relative(entry.path(), top).string(), {}};
      std::ifstream stream(entry.path());
      for (std::string line; std::getline(stream, line);) source.lines.push_back(line);
      all.push_back(std::move(source));
    }
  }
  return all;
}

/// "lib/os/fd.h" -> "os"; empty for a path that is not in a room.
std::string room_of(const std::string& path) {
  const std::string prefix = "lib/";
  const std::size_t end = path.find('/', prefix.size());
  if (path.compare(0, prefix.size(), prefix) != 0 || end == std::string::npos) return {};
  return path.substr(prefix.size(), end - prefix.size());
}

/// What `#include` names, with its quotes or brackets; empty for another line.
std::string included(const std::string& line) {
  const std::string word = "#include ";
  return line.compare(0, word.size(), word) == 0 ? line.substr(word.size()) : std::string();
}

}  // namespace

TEST_CASE("house: no room includes a room that it does not name") {
  for (const auto& source : sources()) {
    const std::string room = room_of(source.path);
    if (room.empty()) continue;
    REQUIRE_MESSAGE(arrows.contains(room),
                    source.path << " lies in a room that is not in the table");
    for (const auto& line : source.lines) {
      const std::string name = included(line);
      if (name.empty() || name.front() != '"') continue;
      const std::string other = room_of(name.substr(1));
      CHECK_MESSAGE((other == room || arrows.at(room).contains(other)),
                    source.path << " includes " << name);
    }
  }
}

TEST_CASE("house: a library is included only where it belongs") {
  for (const auto& source : sources())
    for (const auto& line : source.lines)
      for (const auto& [header, owner] : monopolies)
        if (included(line) == header)
          CHECK_MESSAGE(source.path.compare(0, owner.size(), owner) == 0,
                        source.path << " includes " << header);
}

TEST_CASE("house: only tools reads the environment and writes to stdout and stderr") {
  const std::vector<std::string> calls{"getenv(",   "std::cout", "std::cerr",
                                       "printf(\"", " exit(",    "std::exit("};
  for (const auto& source : sources()) {
    if (room_of(source.path).empty()) continue;
    for (const auto& line : source.lines)
      for (const auto& call : calls)
        CHECK_MESSAGE(line.find(call) == std::string::npos, source.path << ": " << line);
  }
}

TEST_CASE("house: files have one subject and headers stay light") {
  for (const auto& source : sources()) {
    CHECK_MESSAGE(source.lines.size() <= 600, source.path << " has " << source.lines.size());
    if (source.path == "lib/base/json.h" || !source.path.ends_with(".h")) continue;
    for (const auto& line : source.lines)
      CHECK_MESSAGE(included(line) != "<nlohmann/json.hpp>", source.path);
  }
}

TEST_CASE("house: every probe has a test file of its name") {
  const fs::path tests = fs::path(TRIAGE_SOURCE_DIR) / "tests/probes";
  for (const auto& probe : triage::probes::registry()) {
    std::string name(probe.name);
    std::replace(name.begin(), name.end(), '-', '_');
    CHECK_MESSAGE(fs::exists(tests / (name + "_test.cpp")), probe.name);
  }
}
