#include "lib/probes/trace_flame.h"

#include <map>
#include <tuple>
#include <vector>

#include "lib/report/flame.h"
#include "lib/traces/row_text.h"

namespace triage::probes::trace {

void write_flame(const std::string& path, const traces::Forest& forest,
                 const traces::CriticalPaths& paths) {
  const traces::SpanTable& spans = forest.spans();
  std::map<std::tuple<std::size_t, traces::TextIndex, traces::TextIndex>, std::size_t> index;
  FlameGraph graph{"critical paths", {}, {}};
  std::vector<std::size_t> node_of(paths.steps.size());
  for (std::size_t i = 0; i < paths.steps.size(); ++i) {
    const auto& step = paths.steps[i];
    const std::size_t parent =
        step.parent_step == traces::none ? FlameNode::none : node_of[step.parent_step];
    const auto [found, added] =
        index.emplace(std::tuple(parent, spans.service(step.span), spans.operation[step.span]),
                      graph.nodes.size());
    if (added) {
      FlameNode node;
      node.parent = parent;
      node.name = traces::text_of(spans, spans.service(step.span)) + " " +
                  traces::text_of(spans, spans.operation[step.span]);
      graph.nodes.push_back(std::move(node));
    }
    node_of[i] = found->second;
    graph.nodes[found->second].own_ms += traces::to_ms(step.own_ns);
  }
  write_flame_file(path, graph);
}

}  // namespace triage::probes::trace
