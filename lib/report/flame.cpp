#include "lib/report/flame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/units.h"
#include "lib/report/svg.h"

namespace triage {
namespace {

constexpr std::size_t none = FlameNode::none;

std::vector<std::size_t> stack_of(const std::vector<FlameNode>& nodes, std::size_t at) {
  std::vector<std::size_t> stack;
  for (; at != none; at = nodes[at].parent) stack.push_back(at);
  std::reverse(stack.begin(), stack.end());
  return stack;
}

/// Of each node with everything below it.
std::vector<double> whole_ms(const std::vector<FlameNode>& nodes) {
  std::vector<double> all(nodes.size(), 0);
  for (std::size_t i = nodes.size(); i-- > 0;) {
    all[i] += nodes[i].own_ms;
    if (nodes[i].parent != none) all[nodes[i].parent] += all[i];
  }
  return all;
}

double total_ms(const FlameGraph& graph) {
  double total = 0;
  for (const auto& node : graph.nodes) total += node.own_ms;
  return total;
}

std::string label_of(const FlameNode& node) {
  if (node.file.empty()) return node.name;
  return node.line > 0 ? fmt::format("{} {}:{}", node.name, node.file, node.line)
                       : node.name + " " + node.file;
}

/// One colour for each service or file.
int hue_of(const FlameNode& node) {
  const std::string key = node.file.empty() ? node.name.substr(0, node.name.find(' ')) : node.file;
  unsigned sum = 0;
  for (const char c : key) sum = (sum * 31 + static_cast<unsigned char>(c)) % 360;
  return static_cast<int>(sum);
}

/// Cut at a whole character of UTF-8.
std::string beginning(const std::string& text, std::size_t size) {
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80)
    --size;
  return text.substr(0, size);
}

/// A message of Protocol Buffers: fields as (number << 3 | wire type), then the value.
class Message {
 public:
  void number(unsigned field, std::uint64_t value) {
    if (value == 0) return;  // the default
    varint(field << 3U);
    varint(value);
  }
  void bytes(unsigned field, const std::string& value) {
    varint(field << 3U | 2U);
    varint(value.size());
    text_ += value;
  }
  void packed(unsigned field, const std::vector<std::uint64_t>& values) {
    Message inner;
    for (const auto value : values) inner.varint(value);
    bytes(field, inner.text_);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7U) text_ += static_cast<char>(value | 128U);
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

/// Texts of a pprof profile, each once; the first is the empty one.
class TextTable {
 public:
  std::uint64_t add(const std::string& text) {
    const auto [found, fresh] = index_.try_emplace(text, texts_.size());
    if (fresh) texts_.push_back(text);
    return found->second;
  }
  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_{""};
  std::map<std::string, std::uint64_t> index_{{"", 0}};
};

}  // namespace

std::string flame_folded(const FlameGraph& graph) {
  std::string out;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto microseconds = static_cast<std::int64_t>(graph.nodes[i].own_ms * 1000);
    if (microseconds == 0) continue;
    bool first = true;
    for (const std::size_t node : stack_of(graph.nodes, i)) {
      std::string name = label_of(graph.nodes[node]);
      std::replace(name.begin(), name.end(), ';', ',');
      out += (first ? "" : ";") + name;
      first = false;
    }
    out += fmt::format(" {}\n", microseconds);
  }
  return out;
}

std::string flame_speedscope(const FlameGraph& graph) {
  Json frames = Json::array();
  Json samples = Json::array();
  Json weights = Json::array();
  double total = 0;
  for (const auto& node : graph.nodes) {
    Json frame = {{"name", node.name}};
    if (!node.file.empty()) frame["file"] = node.file;
    if (node.line > 0) frame["line"] = node.line;
    if (node.column > 0) frame["col"] = node.column;
    frames.push_back(std::move(frame));
  }
  const auto add = [&](std::size_t node, double weight) {
    samples.push_back(stack_of(graph.nodes, node));
    weights.push_back(weight);
    total += weight;
  };
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.nodes[i].own_ms > 0) add(i, graph.nodes[i].own_ms);
  Json profile = {{"type", "sampled"}, {"name", graph.name}, {"unit", "milliseconds"},
                  {"startValue", 0},   {"endValue", total},  {"samples", samples},
                  {"weights", weights}};
  return dump_json({{"$schema", "https://www.speedscope.app/file-format-schema.json"},
                    {"exporter", "triage"},
                    {"shared", {{"frames", frames}}},
                    {"profiles", Json::array({profile})}});
}

std::string flame_cpuprofile(const FlameGraph& graph) {
  // id 1 is the root; node i has id i + 2
  Json nodes = Json::array();
  std::vector<Json> children(graph.nodes.size() + 1, Json::array());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::size_t parent = graph.nodes[i].parent;
    children[parent == none ? 0 : parent + 1].push_back(i + 2);
  }
  const auto frame = [](const FlameNode& node) {
    return Json{{"functionName", node.name},
                {"scriptId", "0"},
                {"url", node.file},
                {"lineNumber", node.line - 1},
                {"columnNumber", node.column - 1}};
  };
  FlameNode root;
  root.name = "(root)";
  nodes.push_back(
      {{"id", 1}, {"callFrame", frame(root)}, {"hitCount", 0}, {"children", children[0]}});
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    nodes.push_back({{"id", i + 2},
                     {"callFrame", frame(graph.nodes[i])},
                     {"hitCount", graph.nodes[i].own_count},
                     {"children", children[i + 1]}});
  Json samples = Json::array();
  Json deltas = Json::array();
  std::int64_t end = 0;
  for (const auto& sample : graph.samples) {
    samples.push_back(sample.node + 2);
    const auto delta = static_cast<std::int64_t>(sample.since_before_ms * 1000);
    deltas.push_back(delta);
    end += delta;
  }
  return dump_json({{"nodes", nodes},
                    {"startTime", 0},
                    {"endTime", end},
                    {"samples", samples},
                    {"timeDeltas", deltas}});
}

std::string flame_pprof(const FlameGraph& graph) {
  TextTable texts;
  Message profile;
  const auto value_type = [&](const char* type, const char* unit) {
    Message message;
    message.number(1, texts.add(type));
    message.number(2, texts.add(unit));
    return message.text();
  };
  profile.bytes(1, value_type("samples", "count"));
  profile.bytes(1, value_type("time", "nanoseconds"));
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].own_ms <= 0) continue;
    std::vector<std::uint64_t> locations;
    for (const auto node : stack_of(graph.nodes, i)) locations.push_back(node + 1);
    std::reverse(locations.begin(), locations.end());  // the innermost first
    Message sample;
    sample.packed(1, locations);
    sample.packed(2, {static_cast<std::uint64_t>(graph.nodes[i].own_count),
                      static_cast<std::uint64_t>(graph.nodes[i].own_ms * 1e6)});
    profile.bytes(2, sample.text());
  }
  // one function for all nodes of the same name and place, one location for each node
  std::map<std::string, std::uint64_t> functions;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const FlameNode& node = graph.nodes[i];
    const auto [found, fresh] = functions.try_emplace(
        fmt::format("{}\n{}\n{}\n{}", node.name, node.file, node.line, node.column),
        functions.size() + 1);
    if (fresh) {
      Message function;
      function.number(1, found->second);
      function.number(2, texts.add(node.name));
      function.number(3, texts.add(node.name));
      function.number(4, texts.add(node.file));
      function.number(5, static_cast<std::uint64_t>(node.line));
      profile.bytes(5, function.text());
    }
    Message line;
    line.number(1, found->second);
    line.number(2, static_cast<std::uint64_t>(node.line));
    Message location;
    location.number(1, i + 1);
    location.bytes(4, line.text());
    profile.bytes(4, location.text());
  }
  for (const auto& text : texts.texts()) profile.bytes(6, text);
  profile.number(10, static_cast<std::uint64_t>(total_ms(graph) * 1e6));
  return profile.text();
}

std::string flame_svg(const FlameGraph& graph) {
  constexpr double width = 1200;
  constexpr double row = 18;
  const auto& nodes = graph.nodes;
  const std::vector<double> all = whole_ms(nodes);
  const double total = total_ms(graph);
  std::vector<int> depth(nodes.size(), 0);
  int deepest = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    depth[i] = nodes[i].parent == none ? 0 : depth[nodes[i].parent] + 1;
    deepest = std::max(deepest, depth[i]);
  }
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"11\">\n",
      width, row * (deepest + 1));
  std::vector<double> left(nodes.size() + 1, 0);  // where the next child begins; the last: roots
  for (std::size_t i = 0; i < nodes.size() && total > 0; ++i) {
    double& next = left[nodes[i].parent == none ? nodes.size() : nodes[i].parent];
    const double x = next;
    const double w = all[i] / total * width;
    next += w;
    left[i] = x;
    if (w < 0.3) continue;
    const double y = row * depth[i];
    const auto letters = static_cast<std::size_t>(w / 6.5);
    const std::string label = letters < 3 ? "" : beginning(nodes[i].name, letters);
    out += fmt::format(
        "<g><title>{} {} ({})</title><rect x=\"{:.2f}\" y=\"{:.0f}\" width=\"{:.2f}\" "
        "height=\"{:.0f}\" fill=\"hsl({},70%,75%)\" stroke=\"white\"/><text x=\"{:.2f}\" "
        "y=\"{:.0f}\">{}</text></g>\n",
        escape_markup(label_of(nodes[i])), format_duration(all[i] / 1000),
        format_ratio(all[i] / total), x, y, w, row - 1, hue_of(nodes[i]), x + 2, y + 13,
        escape_markup(label));
  }
  return out + "</svg>\n";
}

std::string flame_html(const FlameGraph& graph) {
  constexpr std::size_t most_rows = 30;
  std::map<std::string, double> own;
  for (const auto& node : graph.nodes)
    if (node.own_ms > 0) own[label_of(node)] += node.own_ms;
  std::vector<std::pair<std::string, double>> rows(own.begin(), own.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (rows.size() > most_rows) rows.resize(most_rows);
  const double total = total_ms(graph);
  std::string table;
  for (const auto& [label, ms] : rows)
    table += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", format_ratio(ms / total),
                         format_duration(ms / 1000), escape_markup(label));
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>"
      "<style>body{{font-family:sans-serif}}td{{padding:0 1em}}svg{{max-width:100%;"
      "height:auto}}</style></head>\n<body><h1>{0}</h1><p>{1} in all; a box is as wide as its "
      "time, callers above.</p>\n{2}<h2>Own time</h2>\n<table>{3}</table></body></html>\n",
      escape_markup(graph.name), format_duration(total / 1000), flame_svg(graph), table);
}

void write_flame_file(const std::string& path, const FlameGraph& graph) {
  std::ofstream file(path, std::ios::binary);
  file << (path.ends_with(".svg")                              ? flame_svg(graph)
           : path.ends_with(".html")                           ? flame_html(graph)
           : path.ends_with(".json")                           ? flame_speedscope(graph)
           : path.ends_with(".cpuprofile")                     ? flame_cpuprofile(graph)
           : path.ends_with(".pb") || path.ends_with(".pprof") ? flame_pprof(graph)
                                                               : flame_folded(graph));
  file.flush();
  if (!file)
    throw Error(ErrorCode::usage,
                fmt::format("{} cannot be written: {}", path, std::strerror(errno)),
                "check the path, its permissions and the space left");
}

}  // namespace triage
