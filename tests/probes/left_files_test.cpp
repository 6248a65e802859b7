#include "lib/probes/left_files.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "lib/base/clock.h"
#include "tests/support/command.h"

using namespace triage;
using namespace std::string_literals;
using probes::LeftFile;
using probes::LeftFiles;

namespace {

/// A made process 4127 whose working directory is `home`; it started long before the files.
class Tree {
 public:
  explicit Tree(const std::string& command) {
    const std::string base = directory_.path() + "/proc/4127";
    std::filesystem::create_directories(base);
    std::filesystem::create_directories(directory_.path() + "/home/dumps");
    std::filesystem::create_directory_symlink(directory_.path() + "/home", base + "/cwd");
    std::filesystem::create_directory_symlink("/", base + "/root");
    std::string stat = "4127 (node) S 1";
    for (int field = 5; field < 22; ++field) stat += " 0";
    directory_.write("proc/uptime", "10000.00 9000.00\n");
    directory_.write("proc/4127/stat", stat + " 0 0 0\n");
    directory_.write("proc/4127/status", "Name:\tnode\nNSpid:\t4127\t17\n");
    directory_.write("proc/4127/cmdline", command);
    directory_.write("proc/4127/environ", "");
  }
  void file(const std::string& name, const std::string& text) const {
    directory_.write("home/" + name, text);
  }
  [[nodiscard]] std::string home() const { return directory_.path() + "/home"; }
  [[nodiscard]] LeftFiles left() const {
    const os::Procfs procfs(directory_.path() + "/proc");
    return {procfs, procfs.process(4127), SystemClock()};
  }

 private:
  testing::TemporaryDirectory directory_;
};

const LeftFile* find(const std::vector<LeftFile>& files, const std::string& name) {
  for (const auto& file : files)
    if (file.file.ends_with("/" + name)) return &file;
  return nullptr;
}

}  // namespace

TEST_CASE("left files: whole, empty and cut ones are told apart, and whose they are") {
  const Tree tree("node\0--heapsnapshot-near-heap-limit=2\0--diagnostic-dir=dumps\0a.js\0"s);
  tree.file("Heap.20261124.020431.17.0.001.heapsnapshot", R"({"a":["x"]})");
  tree.file("Heap.20261124.020431.16.0.001.heapsnapshot", "{\"a\":[\"x\"]}\n");
  tree.file("dumps/Heap.20261124.020432.17.0.002.heapsnapshot", R"({"nodes":[1,2)");
  tree.file("Heap.20261124.020433.17.0.003.heapsnapshot", "");
  tree.file("Heap.20261124.020433.17.0.004.heapprofile", R"({"head":{}})");
  tree.file("mine.heapsnapshot", R"({"a":["x"]})");
  tree.file("notes.txt", "x");
  const LeftFiles left = tree.left();
  CHECK(left.flags() == std::vector<std::string>{"--heapsnapshot-near-heap-limit=2"});
  const auto files = left.list();
  CHECK(files.size() == 6);
  const auto check = [&](const std::string& name, const std::string& state, bool of_target) {
    INFO(name);
    const LeftFile* file = find(files, name);
    REQUIRE(file != nullptr);
    CHECK(file->state == state);
    CHECK(file->of_target == of_target);
  };
  check("home/Heap.20261124.020431.17.0.001.heapsnapshot", "whole", true);
  check("home/Heap.20261124.020431.16.0.001.heapsnapshot", "whole", false);
  check("home/dumps/Heap.20261124.020432.17.0.002.heapsnapshot", "unfinished", true);
  check("home/Heap.20261124.020433.17.0.003.heapsnapshot", "empty", true);
  check("home/Heap.20261124.020433.17.0.004.heapprofile", "whole", true);
  check("home/mine.heapsnapshot", "whole", true);
}

TEST_CASE("left files: they can be read when the process is gone") {
  const Tree tree("node\0--heap-prof\0--heap-prof-dir=dumps\0--heap-prof-name=last\0a.js\0"s);
  tree.file("dumps/last", R"({"head":{}})");
  const LeftFiles left = tree.left();
  std::filesystem::rename(tree.home(), tree.home() + "-moved");
  const auto files = left.list();
  REQUIRE(files.size() == 1);
  CHECK(files[0].file == tree.home() + "/dumps/last");
  CHECK(std::filesystem::file_size(left.readable(files[0])) == 11);
  CHECK(left.flags() == std::vector<std::string>{"--heap-prof"});
}

TEST_CASE("left files: a link to elsewhere is no file of Node.js") {
  const Tree tree("node\0a.js\0"s);
  std::filesystem::create_symlink("/etc/passwd",
                                  tree.home() + "/Heap.20261124.020431.17.0.001.heapsnapshot");
  CHECK(tree.left().list().empty());
  CHECK(tree.left().flags().empty());
}
