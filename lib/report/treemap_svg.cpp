#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "lib/base/units.h"
#include "lib/report/svg.h"
#include "lib/report/text_layout.h"

namespace triage {
namespace {

struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

using Indices = std::vector<std::size_t>;

constexpr double title_height = 14;  ///< of a tile that has others inside

/// The worst side ratio in a row of areas that lies along `side`.
double worst_ratio(double smallest, double largest, double sum, double side) {
  const double square = side * side;
  return std::max(square * largest / (sum * sum), sum * sum / (square * smallest));
}

/// Puts tiles, largest first, into `box`, row by row along its shorter side.
std::vector<Box> squarify(const std::vector<double>& areas, Box box) {
  std::vector<Box> boxes;
  std::size_t at = 0;
  while (at < areas.size()) {
    const bool upright = box.width >= box.height;
    const double side = upright ? box.height : box.width;
    double sum = areas[at];
    double worst = worst_ratio(areas[at], areas[at], sum, side);
    std::size_t end = at + 1;
    for (; end < areas.size(); ++end) {
      const double next = worst_ratio(areas[end], areas[at], sum + areas[end], side);
      if (next > worst) break;
      worst = next;
      sum += areas[end];
    }
    const double depth = side > 0 ? sum / side : 0;
    double offset = 0;
    for (; at < end; ++at) {
      const double length = depth > 0 ? areas[at] / depth : 0;
      boxes.push_back(upright ? Box{box.x, box.y + offset, depth, length}
                              : Box{box.x + offset, box.y, length, depth});
      offset += length;
    }
    (upright ? box.x : box.y) += depth;
    (upright ? box.width : box.height) -= depth;
  }
  return boxes;
}

class Drawing {
 public:
  explicit Drawing(const Treemap& map) : map_(map), children_(map.tiles.size() + 1) {
    for (std::size_t i = 0; i < map.tiles.size(); ++i) {
      const auto& tile = map.tiles[i];
      if (tile.size > 0) children_[static_cast<std::size_t>(tile.parent + 1)].push_back(i);
    }
    for (auto& list : children_)
      std::stable_sort(list.begin(), list.end(), [&](std::size_t a, std::size_t b) {
        return map.tiles[a].size > map.tiles[b].size;
      });
  }

  /// The tiles inside `parent` (index + 1; 0: the top level), filling `box` by their share of
  /// `whole`.
  void draw(std::size_t parent, Box box, double whole, int depth) {
    const Indices& list = children_[parent];
    if (list.empty() || box.width < 3 || box.height < 3 || whole <= 0) return;
    const double scale = box.width * box.height / whole;
    std::vector<double> areas;
    Indices shown;
    for (const std::size_t i : list) {
      if (map_.tiles[i].size * scale < 4) break;  // not a pixel wide: part of the parent's own area
      areas.push_back(map_.tiles[i].size * scale);
      shown.push_back(i);
    }
    const auto boxes = squarify(areas, box);
    for (std::size_t i = 0; i < shown.size(); ++i) draw_tile(shown[i], boxes[i], depth);
  }

  [[nodiscard]] double whole() const {
    double sum = 0;
    for (const std::size_t i : children_[0]) sum += map_.tiles[i].size;
    return sum;
  }
  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  void draw_tile(std::size_t index, const Box& box, int depth) {
    const auto& tile = map_.tiles[index];
    const std::string size = format_quantity(tile.size, map_.unit);
    out_ += fmt::format(
        R"(<rect class="t{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{} {} {}</title></rect>)",
        depth % 4, box.x, box.y, std::max(box.width - 1, 0.5), std::max(box.height - 1, 0.5),
        escape_markup(tile.name), escape_markup(size), escape_markup(tile.note));
    if (box.width > 40 && box.height > title_height) {
      const auto room = static_cast<std::size_t>(box.width / 7);
      std::string label = fmt::format("{} {}", printable(tile.name), size);
      if (display_width(label) > room) label = cut(tile.name, room);
      out_ += fmt::format(R"(<text x="{:.1f}" y="{:.1f}">{}</text>)", box.x + 3, box.y + 11,
                          escape_markup(label));
    }
    const double inset = 2;
    draw(index + 1,
         {box.x + inset, box.y + title_height, box.width - 2 * inset - 1,
          box.height - title_height - inset - 1},
         tile.size, depth + 1);
  }

  static std::string cut(std::string_view text, std::size_t room) {
    std::size_t end = std::min(text.size(), room);
    while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      --end;
    return std::string(text.substr(0, end));
  }

  const Treemap& map_;
  std::vector<Indices> children_;
  std::string out_;
};

}  // namespace

std::string treemap_svg(const Treemap& map) {
  constexpr double width = 720;
  constexpr double height = 400;
  Drawing drawing(map);
  const double whole = drawing.whole();
  if (whole <= 0)
    return fmt::format("<figure><figcaption>{}: no data</figcaption></figure>\n",
                       escape_markup(map.title));
  drawing.draw(0, {0, 0, width, height}, whole, 0);
  return fmt::format(
      "<figure><figcaption>{}, {} in all</figcaption>\n<svg class=\"treemap\" viewBox=\"0 0 {} "
      "{}\" role=\"img\">{}</svg></figure>\n",
      escape_markup(map.title), escape_markup(format_quantity(whole, map.unit)), width, height,
      drawing.text());
}

}  // namespace triage
