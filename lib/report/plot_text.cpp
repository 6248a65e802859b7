#include "lib/report/plot_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "lib/report/plot_scale.h"
#include "lib/report/text_layout.h"

namespace triage {
namespace {

constexpr std::size_t rows = 8;

/// A grid of dots, two by four in each character (Unicode block "Braille Patterns").
class Canvas {
 public:
  explicit Canvas(std::size_t columns) : columns_(columns), cells_(columns * rows) {}

  [[nodiscard]] std::size_t width() const { return columns_ * 2; }
  static constexpr std::size_t height() { return rows * 4; }

  /// x from the left, y from the bottom, in dots.
  void set(std::size_t x, std::size_t y) {
    // Bits of the dots from the top of the left and of the right column.
    static constexpr std::array<std::array<unsigned char, 4>, 2> bits{
        {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}};
    const std::size_t from_top = height() - 1 - y;
    cells_[(from_top / 4) * columns_ + x / 2] |= bits.at(x % 2).at(from_top % 4);
  }

  [[nodiscard]] std::string row(std::size_t index) const {
    std::string text;
    for (std::size_t c = 0; c < columns_; ++c) {
      const unsigned cell = cells_[index * columns_ + c];
      text += '\xE2';
      text += static_cast<char>(0xA0U + (cell >> 6U));
      text += static_cast<char>(0x80U + (cell & 0x3FU));
    }
    return text;
  }

 private:
  std::size_t columns_;
  std::vector<unsigned char> cells_;
};

std::size_t dot(double share, std::size_t count) {
  const auto last = static_cast<double>(count - 1);
  return static_cast<std::size_t>(std::clamp(share * last + 0.5, 0.0, last));
}

void draw_line(Canvas& canvas, const PlotScale& scale, double x0, double y0, double x1, double y1) {
  const auto from = dot(scale.x(x0), canvas.width());
  const auto to = std::max(from, dot(scale.x(x1), canvas.width()));
  const auto first = static_cast<double>(dot(scale.y(y0), Canvas::height()));
  const auto last = static_cast<double>(dot(scale.y(y1), Canvas::height()));
  const auto steps = std::max<double>({static_cast<double>(to - from), std::abs(last - first), 1});
  for (double i = 0; i <= steps; ++i) {
    const double share = i / steps;
    canvas.set(from + static_cast<std::size_t>(share * static_cast<double>(to - from) + 0.5),
               static_cast<std::size_t>(first + share * (last - first) + 0.5));
  }
}

void draw_series(Canvas& canvas, const PlotScale& scale, const Plot::Series& series) {
  bool connected = false;
  std::size_t before = 0;
  for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i])) {
      connected = false;
      continue;
    }
    if (!connected) before = i;
    draw_line(canvas, scale, series.x[before], series.y[before], series.x[i], series.y[i]);
    before = i;
    connected = true;
  }
}

void draw_level(Canvas& canvas, const PlotScale& scale, double level) {
  if (level < scale.y_low || level > scale.y_high) return;
  for (std::size_t x = 0; x < canvas.width(); x += 4)
    canvas.set(x, dot(scale.y(level), Canvas::height()));
}

std::string legend_of(const Plot& plot) {
  std::string text = plot.title;
  if (plot.series.size() > 1) {
    std::vector<std::string> names;
    for (const auto& series : plot.series) names.push_back(series.name);
    text += fmt::format(" ({})", fmt::join(names, ", "));
  }
  if (plot.baseline)
    text += fmt::format(", baseline {} dotted", format_quantity(*plot.baseline, plot.unit));
  if (plot.limit) text += fmt::format(", limit {}", format_quantity(*plot.limit, plot.unit));
  return text;
}

/// The x axis: the onset's mark, then first and last x with the onset between.
std::string x_axis(const Plot& plot, const PlotScale& scale, std::size_t left,
                   std::size_t columns) {
  const bool marked = plot.onset && *plot.onset >= scale.x_low && *plot.onset <= scale.x_high;
  const std::string low = x_label(plot, scale.x_low);
  const std::string high = x_label(plot, scale.x_high) + (plot.x_unit.empty() ? " UTC" : "");
  std::string text;
  if (marked)
    text =
        fmt::format("{}^ onset {}\n", std::string(left + dot(scale.x(*plot.onset), columns), ' '),
                    x_label(plot, *plot.onset));
  const std::size_t used = display_width(low) + display_width(high);
  return text + std::string(left, ' ') + low +
         std::string(columns > used ? columns - used : 1, ' ') + high;
}

struct TreeLine {
  std::size_t tile = 0;
  std::size_t depth = 0;
};

/// The largest tiles, each below its parent, larger ones first.
std::vector<TreeLine> lines_of(const Treemap& map) {
  constexpr std::size_t most_lines = 20;
  std::vector<double> sizes;
  for (const auto& tile : map.tiles) sizes.push_back(tile.size);
  std::sort(sizes.begin(), sizes.end(), std::greater<>());
  const double smallest = sizes.size() > most_lines ? sizes[most_lines - 1] : 0;
  std::vector<std::vector<std::size_t>> children(map.tiles.size() + 1);
  for (std::size_t i = 0; i < map.tiles.size(); ++i)
    children[static_cast<std::size_t>(map.tiles[i].parent + 1)].push_back(i);
  std::vector<TreeLine> lines;
  std::vector<TreeLine> waiting;
  const auto push_children = [&](std::size_t parent, std::size_t depth) {
    auto& list = children[parent];
    std::stable_sort(list.begin(), list.end(), [&](std::size_t a, std::size_t b) {
      return map.tiles[a].size < map.tiles[b].size;
    });
    for (const std::size_t i : list) waiting.push_back({i, depth});
  };
  push_children(0, 0);
  while (!waiting.empty() && lines.size() < most_lines) {
    const TreeLine line = waiting.back();
    waiting.pop_back();
    if (map.tiles[line.tile].size < smallest) continue;
    lines.push_back(line);
    push_children(line.tile + 1, line.depth + 1);
  }
  return lines;
}

}  // namespace

std::string plot_text(const Plot& plot, std::size_t width) {
  const PlotScale scale = scale_of(plot);
  if (scale.empty()) return legend_of(plot) + ": no data";
  const std::string high = format_quantity(scale.y_high, plot.unit);
  const std::string low = format_quantity(scale.y_low, plot.unit);
  const std::size_t left = std::max(display_width(high), display_width(low)) + 1;
  const std::size_t columns = width > left + 20 ? width - left : 20;
  Canvas canvas(columns);
  for (const auto& series : plot.series) draw_series(canvas, scale, series);
  if (plot.baseline) draw_level(canvas, scale, *plot.baseline);
  if (plot.limit) draw_level(canvas, scale, *plot.limit);
  std::string text;
  for (const auto& line : wrap(legend_of(plot), width)) text += line + "\n";
  for (std::size_t row = 0; row < rows; ++row) {
    std::string label;
    if (row == 0) label = high;
    if (row + 1 == rows) label = low;
    text += pad(label, left - 1, true) + " " + canvas.row(row) + "\n";
  }
  return text + x_axis(plot, scale, left, columns);
}

std::string treemap_text(const Treemap& map, std::size_t width) {
  constexpr double bar_width = 20;
  double whole = 0;
  for (const auto& tile : map.tiles) whole += tile.parent < 0 ? tile.size : 0;
  std::string text = map.title;
  for (const auto& [i, depth] : lines_of(map)) {
    const auto& tile = map.tiles[i];
    const double share = whole > 0 ? std::clamp(tile.size / whole, 0.0, 1.0) : 0;
    const std::string bar(static_cast<std::size_t>(share * bar_width + 0.5), '#');
    const std::string name = std::string(2 * std::min<std::size_t>(depth, 8), ' ') + tile.name;
    text += fmt::format("\n{} {} {}", pad(format_quantity(tile.size, map.unit), 9, true),
                        pad(bar, static_cast<std::size_t>(bar_width)),
                        name.substr(0, width > 40 ? width - 31 : 10));
  }
  return text;
}

std::string sparkline(const std::vector<double>& values, std::size_t width) {
  static constexpr std::array<std::string_view, 8> bars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low > high || width == 0) return {};
  std::string text;
  const std::size_t columns = std::min(width, values.size());
  for (std::size_t c = 0; c < columns; ++c) {
    // A column shows the largest of its values: a spike must not vanish between two columns.
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = c * values.size() / columns; i < (c + 1) * values.size() / columns; ++i)
      if (std::isfinite(values[i])) largest = std::max(largest, values[i]);
    if (!std::isfinite(largest)) {
      text += ' ';
      continue;
    }
    const double share = high > low ? (largest - low) / (high - low) : 0;
    text += bars.at(static_cast<std::size_t>(share * 7 + 0.5));
  }
  return text;
}

}  // namespace triage
