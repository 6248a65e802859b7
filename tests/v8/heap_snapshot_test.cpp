#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "lib/base/error.h"
#include "lib/v8/heap_classes.h"
#include "lib/v8/heap_graph.h"
#include "lib/v8/heap_paths.h"
#include "lib/v8/heap_snapshot_parser.h"

using namespace triage;      // NOLINT(google-build-using-namespace): one unit, many names
using namespace triage::v8;  // NOLINT(google-build-using-namespace)

namespace {

std::string small() {
  std::ifstream stream(TRIAGE_SOURCE_DIR "/tests/data/heap/small.heapsnapshot");
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

HeapSnapshot parse(std::string_view text, std::size_t piece = 1U << 20U) {
  HeapSnapshotParser parser(text.size());
  for (std::size_t at = 0; at < text.size(); at += piece) parser.feed(text.substr(at, piece));
  return parser.finish();
}

std::string error_of(std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::malformed);
    return error.what();
  }
  return "no error";
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = small();
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("heap_snapshot: columns, names and places are those of the file") {
  HeapSnapshot snapshot = parse(small());
  REQUIRE(snapshot.node_count() == 7);
  REQUIRE(snapshot.edge_count() == 8);
  CHECK(snapshot.node_kind[3] == NodeKind::object);
  CHECK(snapshot.string(snapshot.node_name[3]) == "Map");
  CHECK(snapshot.string(1) == "global / \"x\"");
  CHECK(snapshot.string(6) == "caf\u00e9 \U0001F600 \uFFFD \n");
  CHECK(snapshot.node_id[4] == 9);
  CHECK(snapshot.node_size[4] == 4096);
  CHECK(snapshot.first_edge[4] == 7);
  CHECK(snapshot.edge_to[2] == 3);
  CHECK(snapshot.edge_label(2) == "cache");
  CHECK(snapshot.edge_label(7) == "[3]");
  REQUIRE(snapshot.locations.of(3) != nullptr);
  CHECK(snapshot.locations.of(3)->line == 4);
  CHECK(snapshot.locations.of(2) == nullptr);
}

TEST_CASE("heap_snapshot: pieces of any size give the same") {
  const std::string text = small();
  const HeapSnapshot whole = parse(text);
  for (std::size_t piece = 1; piece < 120; ++piece) {
    const HeapSnapshot pieces = parse(text, piece);
    for (StringIndex i = 0; i < whole.string_count(); ++i)
      CHECK(pieces.raw_string(i) == whole.raw_string(i));
    for (std::size_t i = 0; i < whole.edge_count(); ++i)
      CHECK(pieces.edge_to[i] == whole.edge_to[i]);
  }
}

TEST_CASE("heap_snapshot: other white space and unknown keys are read as well") {
  std::string text = small();
  for (auto at = text.find(','); at != std::string::npos; at = text.find(',', at + 4))
    if (text[at - 1] != '\\' && text[at + 1] != '"') text.replace(at, 1, " ,\n ");
  text.insert(1, R"("before": {"a": [1, "}]", {"b": null}]}, "word": true, )");
  CHECK(parse(text).node_count() == 7);
}

TEST_CASE("heap_snapshot: a file cut at any byte is an error that says what is whole") {
  const std::string text = small();
  for (std::size_t size = 0; size + 2 < text.size(); ++size)
    CHECK(says(error_of(std::string_view(text).substr(0, size)), "not a heap snapshot"));
  CHECK(says(error_of(""), "the file is empty"));
  CHECK(says(error_of(std::string_view(text).substr(0, text.find("\"strings\""))),
             "nodes whole, edges whole, strings 0"));
}

TEST_CASE("heap_snapshot: numbers that lead nowhere are refused") {
  CHECK(says(error_of(with(",3,3,7,56,2", ",99,3,7,56,2")), "node 3"));
  CHECK(says(error_of(with(",3,3,7,56,2", ",3,99,7,56,2")), "name that is not there"));
  CHECK(says(error_of(with(",3,3,7,56,2", ",3,3,7,56,200")), "node 3"));
  CHECK(says(error_of(with(",3,3,7,56,2", ",3,3,7,56,1")), "fewer edges"));
  CHECK(says(error_of(with(",2,7,21", ",2,7,22")), "edge 2"));
  CHECK(says(error_of(with(",2,7,21", ",2,7,4900")), "edge 2"));
  CHECK(says(error_of(with(",2,7,21", ",2,77,21")), "name that is not there"));
  CHECK(says(error_of(with(",2,7,21", ",2,-7,21")), "no number"));
  CHECK(says(error_of(with(",2,7,21", ",2,77777777777777777777,21")), "too long"));
  CHECK(says(error_of(with("\"node_count\":7", "\"node_count\":4000000000")), "cannot be in"));
  CHECK(says(error_of(with("\"node_count\":7", "\"node_count\":6")), "more nodes"));
  CHECK(says(error_of(with("\"node_count\":7", "\"node_count\":8")), "fewer rows"));
  CHECK(says(error_of(with("\"node_count\":7", "\"node_count\":0")), "no nodes"));
  CHECK(says(error_of(with("\"node_count\":7", "\"node_count\":-7")), "no count"));
  CHECK(says(error_of(with("\"self_size\"", "\"size\"")), "lacks a column"));
  CHECK(says(error_of("[1]"), "expected '{'"));
  CHECK(says(error_of("{}"), "has no \"snapshot\" part"));
  CHECK(says(error_of("\x1f\x8b"), "expected '{'"));
  CHECK(says(error_of("{\"nodes\":[1]}"), "before \"snapshot\""));
  CHECK(says(error_of(small() + "x"), "something follows"));
}

TEST_CASE(
    "heap_graph: what an object retains includes its backing store and what only it reaches") {
  HeapSnapshot snapshot = parse(small());
  const HeapGraph graph(snapshot);
  // the elements belong to the Map alone: their bytes are its bytes
  CHECK(graph.shallow_size(3) == 56 + 4096);
  CHECK(graph.shallow_size(4) == 0);
  CHECK(graph.total_size() == 24 + 56 + 4096 + 32 + 100);
  CHECK(graph.dominator(3) == 1);
  // the weak edge from global does not keep the string: the Map does
  CHECK(graph.dominator(6) == 3);
  CHECK_FALSE(graph.is_essential(3));
}

TEST_CASE("heap_classes: instances of a class inside another instance count once") {
  HeapSnapshot snapshot = parse(small());
  const HeapGraph graph(snapshot);
  const auto classes = summarize_classes(graph);
  for (const auto& row : classes) {
    CHECK(row.retained_bytes <= graph.total_size());
    if (row.name == "Map") CHECK(row.shallow_bytes == 56 + 4096);
  }
  CHECK(class_name(snapshot, 6) == "(string)");
}

TEST_CASE("heap_paths: the way to an object names the edges") {
  HeapSnapshot snapshot = parse(small());
  const HeapGraph graph(snapshot);
  const auto steps = RetainingPaths(graph).to(5);
  REQUIRE(steps.size() == 4);
  CHECK(steps[1].edge == "cache");
  CHECK(steps[2].edge == "table");
  CHECK(steps[3].edge == "[3]");
}

TEST_CASE("heap_snapshot: of a file cut at any byte what is whole is kept") {
  const std::string text = small();
  const std::size_t nodes_end = text.find("],", text.find("\"nodes\""));
  const std::size_t edges_end = text.find("],", text.find("\"edges\""));
  for (std::size_t size = nodes_end + 1; size + 2 < text.size(); ++size) {
    HeapSnapshotParser parser(text.size());
    parser.feed(std::string_view(text).substr(0, size));
    HeapSnapshot snapshot = parser.finish_cut();
    REQUIRE(snapshot.cut.has_value());
    CHECK(snapshot.cut->bytes == size);
    CHECK(snapshot.node_count() == 7);
    CHECK(snapshot.cut->edges_whole() == (snapshot.edge_count() == 8));
    if (size > edges_end) CHECK(HeapGraph(snapshot).total_size() == 24 + 56 + 4096 + 32 + 100);
    const HeapGraph graph(snapshot);
    CHECK_FALSE(summarize_classes(graph).empty());
    for (EdgeIndex edge = 0; edge < snapshot.edge_count(); ++edge) (void)snapshot.edge_label(edge);
  }
}

TEST_CASE("heap_snapshot: a cut before the last node gives nothing") {
  const std::string text = small();
  HeapSnapshotParser parser(text.size());
  parser.feed(std::string_view(text).substr(0, text.find("\"edges\"") - 40));
  CHECK_THROWS_AS(parser.finish_cut(), Error);
}
