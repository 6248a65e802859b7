#pragma once

/// Stacks of which many are alike, merged into one tree, and the formats in which profilers
/// exchange them. Widths are what the weights add up to, in milliseconds.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace triage {

/// A function on a way from the root.
struct FlameNode {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t parent = none;  ///< index; parents stand before their children
  std::string name;
  std::string file;            ///< script or library; empty when there is none
  std::int64_t line = 0;       ///< where the function begins, from 1; 0 when not known
  std::int64_t column = 0;     ///< same
  double own_ms = 0;           ///< without its children
  std::int64_t own_count = 0;  ///< samples
};

/// A sample of a profile in order of time.
struct FlameSample {
  std::int64_t node = 0;
  double since_before_ms = 0;  ///< since the sample before it; of the first: since the start
};

struct FlameGraph {
  std::string name;  ///< "critical paths", "main thread"
  std::vector<FlameNode> nodes;
  std::vector<FlameSample> samples;  ///< empty where the order is not known
};

/// "a;b;c 12", one way a line, in microseconds: flamegraph.pl, inferno.
std::string flame_folded(const FlameGraph& graph);
/// speedscope.app/file-format-schema.json
std::string flame_speedscope(const FlameGraph& graph);
/// .cpuprofile of Chrome DevTools (Profiler.Profile of the DevTools protocol).
std::string flame_cpuprofile(const FlameGraph& graph);
/// profile.proto of pprof, not packed: github.com/google/pprof/blob/main/proto/profile.proto
std::string flame_pprof(const FlameGraph& graph);
/// Roots on top; what is narrower than a third of a pixel is left out.
std::string flame_svg(const FlameGraph& graph);
/// One self-contained page: the SVG, and the functions with most time of their own.
std::string flame_html(const FlameGraph& graph);

/// Writes the format of the name's ending: .svg .html .json (speedscope) .cpuprofile .pb .pprof;
/// any other is folded. Throws Error{usage} when the file cannot be written.
void write_flame_file(const std::string& path, const FlameGraph& graph);

}  // namespace triage
