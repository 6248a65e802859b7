// Files that are cut, packed, from a browser, or whose texts go round in a circle.
#include <doctest/doctest.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "lib/base/error.h"
#include "lib/store/packed_file.h"
#include "lib/v8/heap_classes.h"
#include "lib/v8/heap_distances.h"
#include "lib/v8/heap_graph.h"
#include "lib/v8/heap_paths.h"
#include "lib/v8/heap_snapshot_parser.h"
#include "tests/support/command.h"
#include "tests/v8/snapshot_text.h"

using namespace triage;      // NOLINT(google-build-using-namespace): one unit, many names
using namespace triage::v8;  // NOLINT(google-build-using-namespace)
using testing::SnapshotText;
using testing::TemporaryDirectory;

namespace {

const std::string small_file = TRIAGE_SOURCE_DIR "/tests/data/heap/small.heapsnapshot";

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::size_t nodes_in(const std::string& path, WhenCut when_cut = WhenCut::refuse) {
  std::uint64_t size = 0;
  return read_heap_snapshot(path, size, when_cut).node_count();
}

/// Nothing for a file that is refused as malformed; any other error is the test's.
std::optional<std::size_t> nodes_or_malformed(const std::string& path, WhenCut when_cut) {
  try {
    return nodes_in(path, when_cut);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed) throw;
    return std::nullopt;
  }
}

/// Reads a file cut at every byte: what is taken has all nodes, everything else is malformed.
/// Gives how often it was taken.
std::size_t cut_everywhere(const std::string& whole, WhenCut when_cut) {
  const TemporaryDirectory directory;
  const std::string text = text_of(whole);
  REQUIRE(text.size() > 100);
  std::size_t taken = 0;
  for (std::size_t size = 0; size + 2 < text.size(); ++size) {
    const auto nodes = nodes_or_malformed(directory.write("cut", text.substr(0, size)), when_cut);
    if (!nodes) continue;
    INFO(size);
    CHECK(*nodes == 7);
    ++taken;
  }
  return taken;
}

}  // namespace

TEST_CASE(
    "heap_snapshot: a file on disk that is cut at any byte is refused, or kept as far as whole") {
  CHECK(cut_everywhere(small_file, WhenCut::refuse) == 0);
  CHECK(cut_everywhere(small_file, WhenCut::keep) > 100);
}

TEST_CASE("heap_snapshot: packed by gzip and zstd, whole and cut at any byte") {
  const TemporaryDirectory directory;
  const std::string zip = directory.path() + "/a.gz";
  const auto made =
      testing::run_command({"/bin/sh", "-c", "gzip -nc '" + small_file + "' > " + zip});
  REQUIRE(made.exit_code == 0);
  const std::string zstd = directory.path() + "/a.zst";
  {
    store::PackedFile file(zstd);
    file.write(text_of(small_file));
    file.finish();
  }
  CHECK(nodes_in(zip) == 7);
  CHECK(nodes_in(zstd) == 7);
  // without the packers' last bytes, such as a checksum, the text is whole
  for (const std::string& file : {zip, zstd}) {
    CHECK(cut_everywhere(file, WhenCut::refuse) < 20);
    (void)cut_everywhere(file, WhenCut::keep);
  }
}

TEST_CASE("heap_snapshot: what is no snapshot is said in one line, packed or not") {
  const TemporaryDirectory directory;
  for (const std::string text :
       {"not JSON at all", "[]", "null", R"({"snapshot":[]})", R"({"snapshot":{"meta":5}})",
        R"({"snapshot":{"meta":{"node_fields":{}}}})", R"({"a":{"b":[1,2,3]}})",
        "\x28\xb5\x2f\xfd garbage", "\x1f\x8b\x08 garbage", "<html></html>"}) {
    CAPTURE(text);
    try {
      (void)nodes_in(directory.write("bad", text));
      FAIL_CHECK("it was taken");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::malformed);
      CHECK(std::string(error.what()).find('\n') == std::string::npos);
    }
  }
}

TEST_CASE(
    "heap_snapshot: texts and arrays that go round in a circle end nowhere and harm nothing") {
  SnapshotText text;
  const auto node = [&](const char* type, const char* name, std::uint32_t id, std::uint64_t size) {
    return static_cast<NodeIndex>(text.node(type, name, id, size));
  };
  const auto root = node("synthetic", "", 1, 0);
  const auto a = node("concatenated string", "(concatenated string)", 3, 32);
  const auto b = node("concatenated string", "(concatenated string)", 5, 32);
  const auto slice = node("sliced string", "(sliced string)", 7, 20);
  const auto store = node("array", "(object elements)", 9, 64);
  text.edge(root, "element", "1", a);
  text.edge(a, "internal", "first", b);
  text.edge(a, "internal", "second", a);
  text.edge(b, "internal", "first", a);
  text.edge(b, "internal", "second", slice);
  text.edge(slice, "internal", "parent", slice);
  text.edge(slice, "internal", "store", store);
  text.edge(store, "element", "0", store);
  text.edge(store, "element", "1", a);
  HeapSnapshot snapshot = text.parse();
  const HeapGraph graph(snapshot);
  CHECK(graph.retained_size(a) == 32 + 32 + 20 + 64);
  CHECK(graph.dominator(store) == slice);
  CHECK_FALSE(summarize_classes(graph).empty());
  (void)find_duplicate_strings(snapshot);
  (void)find_distances(snapshot);
  CHECK(RetainingPaths(graph).to(store).size() == 4);
}

TEST_CASE("heap_snapshot: one of a browser page, as Chromium 140 writes it, is read as well") {
  // rows without line ends, locations with a column more, scopes; nodes of the DOM are native
  std::uint64_t size = 0;
  HeapSnapshot snapshot =
      read_heap_snapshot(TRIAGE_SOURCE_DIR "/tests/data/heap/browser.heapsnapshot", size);
  const HeapGraph graph(snapshot);
  CHECK(class_name(snapshot, 3) == "<div>");
  CHECK(graph.retained_size(1) == 24 + 64 + 104);
  REQUIRE(snapshot.locations.of(1) != nullptr);
  CHECK(snapshot.locations.of(1)->line == 4);
}
