#include "lib/probes/trace_flame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <tuple>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/units.h"
#include "lib/report/svg.h"
#include "lib/traces/row_text.h"

namespace triage::probes::trace {
namespace {

constexpr std::size_t top_level = static_cast<std::size_t>(-1);

/// A way from the root, over all traces.
struct Node {
  std::size_t parent = top_level;
  std::string name;
  double own_ms = 0;
  double all_ms = 0;
  int depth = 0;
};

/// Parents stand before their children.
std::vector<Node> merge(const traces::Forest& forest, const traces::CriticalPaths& paths) {
  const traces::SpanTable& spans = forest.spans();
  std::map<std::tuple<std::size_t, traces::TextIndex, traces::TextIndex>, std::size_t> index;
  std::vector<Node> nodes;
  std::vector<std::size_t> node_of(paths.steps.size());
  for (std::size_t i = 0; i < paths.steps.size(); ++i) {
    const auto& step = paths.steps[i];
    const std::size_t parent =
        step.parent_step == traces::none ? top_level : node_of[step.parent_step];
    const auto [found, added] = index.emplace(
        std::tuple(parent, spans.service(step.span), spans.operation[step.span]), nodes.size());
    if (added)
      nodes.push_back({parent,
                       traces::text_of(spans, spans.service(step.span)) + " " +
                           traces::text_of(spans, spans.operation[step.span]),
                       0, 0, parent == top_level ? 0 : nodes[parent].depth + 1});
    node_of[i] = found->second;
    nodes[found->second].own_ms += traces::to_ms(step.own_ns);
  }
  for (std::size_t i = nodes.size(); i-- > 0;) {
    nodes[i].all_ms += nodes[i].own_ms;
    if (nodes[i].parent != top_level) nodes[nodes[i].parent].all_ms += nodes[i].all_ms;
  }
  return nodes;
}

std::vector<std::size_t> stack_of(const std::vector<Node>& nodes, std::size_t at) {
  std::vector<std::size_t> stack;
  for (; at != top_level; at = nodes[at].parent) stack.push_back(at);
  std::reverse(stack.begin(), stack.end());
  return stack;
}

std::string folded(const std::vector<Node>& nodes) {
  std::string out;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto microseconds = static_cast<std::int64_t>(nodes[i].own_ms * 1000);
    if (microseconds == 0) continue;
    bool first = true;
    for (const std::size_t node : stack_of(nodes, i)) {
      std::string name = nodes[node].name;
      std::replace(name.begin(), name.end(), ';', ',');
      out += (first ? "" : ";") + name;
      first = false;
    }
    out += fmt::format(" {}\n", microseconds);
  }
  return out;
}

std::string speedscope(const std::vector<Node>& nodes) {
  Json frames = Json::array();
  Json samples = Json::array();
  Json weights = Json::array();
  double total = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    frames.push_back({{"name", nodes[i].name}});
    if (nodes[i].own_ms <= 0) continue;
    samples.push_back(stack_of(nodes, i));
    weights.push_back(nodes[i].own_ms);
    total += nodes[i].own_ms;
  }
  Json profile = {{"type", "sampled"}, {"name", "critical paths"}, {"unit", "milliseconds"},
                  {"startValue", 0},   {"endValue", total},        {"samples", samples},
                  {"weights", weights}};
  return dump_json({{"$schema", "https://www.speedscope.app/file-format-schema.json"},
                    {"exporter", "triage"},
                    {"shared", {{"frames", frames}}},
                    {"profiles", Json::array({profile})}});
}

/// One colour for each service.
int hue_of(const std::string& name) {
  int sum = 0;
  for (const char c : name.substr(0, name.find(' '))) sum = (sum * 31 + c) % 360;
  return std::abs(sum);
}

/// Cut at a whole character of UTF-8.
std::string beginning(const std::string& text, std::size_t size) {
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80)
    --size;
  return text.substr(0, size);
}

/// Roots on top; what is narrower than a third of a pixel is left out.
std::string svg(const std::vector<Node>& nodes) {
  constexpr double width = 1200;
  constexpr double row = 18;
  double total = 0;
  int deepest = 0;
  for (const auto& node : nodes) {
    if (node.parent == top_level) total += node.all_ms;
    deepest = std::max(deepest, node.depth);
  }
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"11\">\n",
      width, row * (deepest + 1));
  std::vector<double> left(nodes.size() + 1, 0);  // where the next child begins; the last: roots
  for (std::size_t i = 0; i < nodes.size() && total > 0; ++i) {
    const Node& node = nodes[i];
    double& next = left[node.parent == top_level ? nodes.size() : node.parent];
    const double x = next;
    const double w = node.all_ms / total * width;
    next += w;
    left[i] = x;
    if (w < 0.3) continue;
    const double y = row * node.depth;
    const auto letters = static_cast<std::size_t>(w / 6.5);
    const std::string label = letters < 3 ? "" : beginning(node.name, letters);
    out += fmt::format(
        "<g><title>{} {} ({})</title><rect x=\"{:.2f}\" y=\"{:.0f}\" width=\"{:.2f}\" "
        "height=\"{:.0f}\" fill=\"hsl({},70%,75%)\" stroke=\"white\"/><text x=\"{:.2f}\" "
        "y=\"{:.0f}\">{}</text></g>\n",
        escape_markup(node.name), format_duration(node.all_ms / 1000),
        format_ratio(node.all_ms / total), x, y, w, row - 1, hue_of(node.name), x + 2, y + 13,
        escape_markup(label));
  }
  return out + "</svg>\n";
}

}  // namespace

void write_flame(const std::string& path, const traces::Forest& forest,
                 const traces::CriticalPaths& paths) {
  const auto nodes = merge(forest, paths);
  std::ofstream file(path, std::ios::binary);
  file << (path.ends_with(".svg")    ? svg(nodes)
           : path.ends_with(".json") ? speedscope(nodes)
                                     : folded(nodes));
  file.flush();
  if (!file)
    throw Error(ErrorCode::usage,
                fmt::format("{} cannot be written: {}", path, std::strerror(errno)),
                "check the path, its permissions and the space left");
}

}  // namespace triage::probes::trace
