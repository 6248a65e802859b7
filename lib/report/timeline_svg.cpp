#include <fmt/format.h>

#include <algorithm>

#include "lib/base/clock.h"
#include "lib/report/svg.h"

namespace triage {

std::string timeline_svg(const Timeline& timeline) {
  const auto& moments = timeline.moments;
  if (moments.size() < 2) return {};
  constexpr double width = 900;
  constexpr double margin = 40;
  constexpr double row = 16;  // dots that would touch stand above each other
  constexpr double dot = 6;
  const auto by_time = [](const auto& a, const auto& b) { return a.at_s < b.at_s; };
  const double first = std::min_element(moments.begin(), moments.end(), by_time)->at_s;
  const double last = std::max_element(moments.begin(), moments.end(), by_time)->at_s;
  const double span = std::max(last - first, 1e-3);
  std::vector<double> ends;  // of each row: where its last dot ends
  std::string dots;
  for (const auto& moment : moments) {
    const double x = margin + (width - 2 * margin) * (moment.at_s - first) / span;
    std::size_t level = 0;
    while (level < ends.size() && ends[level] > x - dot) ++level;
    if (level == ends.size()) ends.push_back(0);
    ends[level] = x + dot;
    dots += fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="{}"><title>{} {}</title></circle>)",
                        x, -row * (static_cast<double>(level) + 0.7), dot - 1,
                        escape_markup(moment.time), escape_markup(moment.text));
  }
  const double height = row * (static_cast<double>(ends.size()) + 0.5);
  std::string out = fmt::format(R"(<svg class="timeline" viewBox="0 {:.0f} {} {:.0f}" role="img">)"
                                R"(<line x1="{}" x2="{}" y1="0" y2="0"/>{})",
                                -height, width, height + 20, margin, width - margin, dots);
  for (const double x : {0.0, 0.5, 1.0})
    out += fmt::format(R"(<text x="{:.0f}" y="14" text-anchor="middle">{}</text>)",
                       margin + (width - 2 * margin) * x,
                       to_time_of_day(from_epoch_seconds(first + x * span)));
  return out + "</svg>\n";
}

}  // namespace triage
