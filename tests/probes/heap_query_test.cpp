#include "lib/probes/heap_query.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "lib/base/error.h"
#include "lib/v8/heap_snapshot_parser.h"
#include "lib/v8/heap_strip.h"

using namespace triage;                      // NOLINT(google-build-using-namespace): one unit
using namespace triage::probes::heap_query;  // NOLINT(google-build-using-namespace)

namespace {

const std::string small = TRIAGE_SOURCE_DIR "/tests/data/heap/small.heapsnapshot";

Sample query(const Options& options) {
  const ManualClock clock(from_epoch_seconds(1795485871));
  Session session(clock);
  return collect(options, session);
}

std::string text_of(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// A file name that is free, removed at the end.
struct FreeName {
  std::string path = (std::filesystem::temp_directory_path() /
                      ("triage-strip-" + std::to_string(::getpid()) + ".heapsnapshot"))
                         .string();
  FreeName() { std::filesystem::remove(path); }
  FreeName(const FreeName&) = delete;
  FreeName& operator=(const FreeName&) = delete;
  ~FreeName() { std::filesystem::remove(path); }
};

}  // namespace

TEST_CASE("heap_query: objects by class, id, size and text") {
  Options options{small, "Map", {}, {}, {}, {}, 20};
  CHECK(query(options).matches_count == 1);
  CHECK(query(options).objects[0].id == "7");
  CHECK(query(options).objects[0].retained_bytes >= 56 + 4096);
  CHECK(query(options).objects[0].distance_count == 2);
  options = {small, {}, "@13", {}, {}, {}, 20};
  CHECK(query(options).objects[0].class_name == "(string)");
  options = {small, {}, {}, "4KB", {}, {}, 20};
  for (const auto& row : query(options).objects) CHECK(row.retained_bytes >= 4096);
  options = {small, {}, {}, {}, "caf", {}, 20};
  CHECK(query(options).matches_count == 1);
}

TEST_CASE("heap_query: a wrong id or size is wrong use") {
  CHECK_THROWS_AS(query({small, {}, "x7", {}, {}, {}, 20}), Error);
  CHECK_THROWS_AS(query({small, {}, {}, "huge", {}, {}, 20}), Error);
}

TEST_CASE("heap_query: a stripped copy has no text of the program and the same graph") {
  const FreeName copy;
  const Sample sample = query({small, {}, {}, {}, {}, copy.path, 20});
  CHECK(sample.strings_replaced_count > 0);
  const std::string before = text_of(small);
  const std::string after = text_of(copy.path);
  CHECK(after.find("caf") == std::string::npos);
  CHECK(after.find("Map") != std::string::npos);
  // all before the strings is the same, byte by byte
  const auto head = before.find("\"strings\"");
  CHECK(after.substr(0, head) == before.substr(0, head));
  std::uint64_t size = 0;
  const auto one = v8::read_heap_snapshot(small, size);
  const auto other = v8::read_heap_snapshot(copy.path, size);
  CHECK(other.node_count() == one.node_count());
  CHECK(other.string_count() == one.string_count());
  // an existing file is not written over
  CHECK_THROWS_AS(query({small, {}, {}, {}, {}, copy.path, 20}), Error);
}

TEST_CASE("heap_strip: only what a programmer writes looks like a word") {
  CHECK(v8::looks_like_word("lastName"));
  CHECK(v8::looks_like_word("#rows"));
  CHECK_FALSE(v8::looks_like_word("user-17"));
  CHECK_FALSE(v8::looks_like_word("4711"));
  CHECK_FALSE(v8::looks_like_word("a@example.org"));
}
