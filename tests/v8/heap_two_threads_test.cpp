#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "lib/base/error.h"
#include "lib/store/input_file.h"
#include "lib/v8/heap_snapshot_parser.h"

using namespace triage;      // NOLINT(google-build-using-namespace): one unit, many names
using namespace triage::v8;  // NOLINT(google-build-using-namespace)

namespace {

constexpr std::size_t objects = 30'000;

/// A snapshot of some megabytes in V8's own layout: a list, each member with a text of its own.
std::string large() {
  const std::size_t nodes = 1 + 2 * objects;
  std::string text = fmt::format(
      R"({{"snapshot":{{"meta":{{"node_fields":["type","name","id","self_size","edge_count","trace_node_id","detachedness"],)"
      R"("node_types":[["hidden","object","string"]],"edge_fields":["type","name_or_index","to_node"],)"
      R"("edge_types":[["property","element"]],"location_fields":["object_index","script_id","line","column"]}},)"
      R"("node_count":{},"edge_count":{},"trace_function_count":0}},)"
      "\n\"nodes\":[",
      nodes, 2 * objects);
  text += "0,0,1,0,1,0,0\n";
  for (std::size_t i = 0; i < objects; ++i)
    text += fmt::format(",1,1,{},{},{},0,0\n,2,{},{},{},0,0,0\n", 4 * i + 3, 16 + i,
                        i + 1 < objects ? 2 : 1, 3 + i, 4 * i + 5, i * 1000);
  text += "],\n\"edges\":[0,2,7\n";
  for (std::size_t i = 0; i < objects; ++i) {
    text += fmt::format(",1,{},{}\n", i, 7 * (2 * i + 2));
    if (i + 1 < objects) text += fmt::format(",0,2,{}\n", 7 * (2 * i + 3));
  }
  text += "],\n\"locations\":[7,5,1,2\n,21,5,3,4\n],\n\"strings\":[\"\",\n\"Link\",\n\"next\"";
  for (std::size_t i = 0; i < objects; ++i)
    text += fmt::format(",\n\"{}\"", i % 3 == 0   ? fmt::format("\\\"text\\\\ {} \\u00e9", i)
                                     : i % 3 == 1 ? std::string(i % 50, 'x') + "\\\\"
                                                  : std::string());
  return text + "]}";
}

/// A file for the time of a test.
class File {
 public:
  explicit File(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              fmt::format("triage-two-threads-{}.heapsnapshot", ::getpid())) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::optional<HeapSnapshot> read_quickly(const std::string& text) {
  const File file(text);
  store::InputFile input(file.path());
  return read_with_two_threads(input, text.size());
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// Number of the nodes, edges and strings in which two snapshots differ.
std::size_t differences(const HeapSnapshot& a, const HeapSnapshot& b) {
  REQUIRE(a.node_count() == b.node_count());
  REQUIRE(a.edge_count() == b.edge_count());
  REQUIRE(a.string_count() == b.string_count());
  std::size_t count = 0;
  for (NodeIndex i = 0; i < a.node_count(); ++i)
    if (a.node_kind[i] != b.node_kind[i] || a.node_name[i] != b.node_name[i] ||
        a.node_id[i] != b.node_id[i] || a.node_size[i] != b.node_size[i] ||
        a.first_edge[i + 1] != b.first_edge[i + 1] ||
        a.locations.number_of(i) != b.locations.number_of(i))
      ++count;
  for (EdgeIndex i = 0; i < a.edge_count(); ++i)
    if (a.edge_kind(i) != b.edge_kind(i) || a.edge_name(i) != b.edge_name(i) ||
        a.edge_to[i] != b.edge_to[i])
      ++count;
  for (StringIndex i = 0; i < a.string_count(); ++i)
    if (a.raw_string(i) != b.raw_string(i)) ++count;
  return count;
}

HeapSnapshot parse(const std::string& text) {
  HeapSnapshotParser parser(text.size());
  parser.feed(text);
  return parser.finish();
}

std::string error_of_file(const std::string& text) {
  const File file(text);
  std::uint64_t size = 0;
  try {
    (void)read_heap_snapshot(file.path(), size);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("heap_two_threads: they read what one thread reads") {
  const std::string text = large();
  const auto quick = read_quickly(text);
  REQUIRE(quick.has_value());
  CHECK(quick->node_count() == 1 + 2 * objects);
  CHECK(quick->string(3) == "\"text\\ 0 \u00e9");
  CHECK(quick->raw_string(static_cast<StringIndex>(quick->string_count() - 1)).empty());
  CHECK(quick->strings_begin == text.find("\"strings\":[") + 11);
  CHECK(quick->strings_end == text.rfind(']'));
  CHECK(differences(*quick, parse(text)) == 0);
}

TEST_CASE("heap_two_threads: when only nodes are wanted, they are as ever and edges are none") {
  const std::string text = large();
  const File file(text);
  std::uint64_t size = 0;
  const auto nodes = read_heap_snapshot(file.path(), size, WhenCut::refuse, Parts::nodes);
  const auto all = read_heap_snapshot(file.path(), size);
  CHECK(nodes.edge_count() == 0);
  REQUIRE(nodes.node_count() == all.node_count());
  std::size_t others = 0;
  for (NodeIndex i = 0; i < all.node_count(); ++i)
    if (nodes.raw_name(i) != all.raw_name(i) || nodes.node_id[i] != all.node_id[i] ||
        nodes.first_edge[i + 1] != 0)
      ++others;
  CHECK(others == 0);
}

TEST_CASE("heap_two_threads: what is not in V8's layout is left to the parser, which reads it") {
  const std::string text = large();
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{",1,0,14\n", ", 1,0,14\n"},
                                                        {",1,0,14\n", ",1,0,14"},
                                                        {",1,1,7,17,", "\n,1,1,7,17,"},
                                                        {"\n\"Link\"", "\"Link\""},
                                                        {"\"Link\",\n", "\"Link\" ,\n"}}) {
    const std::string other = with(text, from, to);
    CHECK_FALSE(read_quickly(other).has_value());
    const File file(other);
    std::uint64_t size = 0;
    CHECK(differences(read_heap_snapshot(file.path(), size), parse(text)) == 0);
    CHECK(size == other.size());
  }
}

TEST_CASE("heap_two_threads: what is wrong is said in the parser's words") {
  const std::string text = large();
  const auto says = [&](const std::string& from, const std::string& to, const std::string& part) {
    const std::string error = error_of_file(with(text, from, to));
    INFO(error);
    CHECK(error.find(part) != std::string::npos);
  };
  says(",1,1,7,17,2,", ",1,1,7,17,1,", "fewer edges");
  says(",1,1,7,17,2,", ",9,1,7,17,2,", "node 3");
  says(",1,1,7,17,2,", ",1,99999999,7,17,2,", "name that is not there");
  says(",1,0,14\n", ",1,0,15\n", "edge 1");
  says(",1,0,14\n", ",1,0,99999999\n", "edge 1");
  says(",1,0,14\n", ",1,0,-14\n", "no number");
  says(",0,2,21\n", ",0,99999999,21\n", "name that is not there");
  says(",0,2,21\n", "", "fewer rows");
  says(",0,2,21\n", ",0,2,21\n,0,2,21\n", "more edges");
  CHECK(error_of_file(text + "x").find("something follows") != std::string::npos);
  for (std::size_t size = 0; size < text.size(); size += 100'003) {
    INFO(size);
    CHECK(error_of_file(text.substr(0, size)).find("not a heap snapshot") != std::string::npos);
  }
}
