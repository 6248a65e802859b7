#include <fmt/format.h>

#include <algorithm>

#include "lib/report/plot_scale.h"
#include "lib/report/svg.h"
#include "lib/report/text_layout.h"

namespace triage {
namespace {

constexpr double width = 720;
constexpr double height = 180;
constexpr double left = 76;
constexpr double right = 12;
constexpr double top = 10;
constexpr double bottom = 24;
constexpr int kinds = 6;  ///< how many colours the page's style has

double x_at(const PlotScale& scale, double x) {
  return left + scale.x(x) * (width - left - right);
}
double y_at(const PlotScale& scale, double y) {
  return height - bottom - scale.y(y) * (height - top - bottom);
}

std::string horizontal(const PlotScale& scale, double y, const char* kind,
                       const std::string& label) {
  if (y < scale.y_low || y > scale.y_high) return {};
  return fmt::format(
      R"(<line class="{}" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"><title>{}</title></line>)",
      kind, left, width - right, y_at(scale, y), y_at(scale, y), escape_markup(label));
}

std::string path_of(const PlotScale& scale, const Plot::Series& series) {
  std::string path;
  bool connected = false;
  for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    const bool there = std::isfinite(series.x[i]) && std::isfinite(series.y[i]);
    if (there)
      path += fmt::format("{}{:.1f} {:.1f}", connected ? "L" : "M", x_at(scale, series.x[i]),
                          y_at(scale, series.y[i]));
    connected = there;
  }
  return path;
}

std::string axes(const Plot& plot, const PlotScale& scale) {
  std::string out;
  for (int i = 0; i <= 3; ++i) {
    const double y = scale.y_low + (scale.y_high - scale.y_low) * i / 3;
    out +=
        fmt::format(R"(<line class="grid" x1="{0:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{2:.1f}"/>)",
                    left, width - right, y_at(scale, y));
    out += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)", left - 6,
                       y_at(scale, y) + 4, escape_markup(format_quantity(y, plot.unit)));
  }
  for (int i = 0; i <= 4; ++i) {
    const double x = scale.x_low + (scale.x_high - scale.x_low) * i / 4;
    const char* anchor = i == 4 ? "end" : "middle";
    out += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)", x_at(scale, x),
                       height - 6, anchor, escape_markup(x_label(plot, x)));
  }
  return out;
}

}  // namespace

std::string plot_svg(const Plot& plot) {
  const PlotScale scale = scale_of(plot);
  std::string out = fmt::format("<figure><figcaption>{}", escape_markup(plot.title));
  if (plot.baseline)
    out += fmt::format(", baseline {}", escape_markup(format_quantity(*plot.baseline, plot.unit)));
  if (plot.limit)
    out += fmt::format(", limit {}", escape_markup(format_quantity(*plot.limit, plot.unit)));
  if (plot.onset) out += fmt::format(", onset {}", escape_markup(x_label(plot, *plot.onset)));
  out += plot.x_unit.empty() ? " (UTC)" : "";
  if (scale.empty()) return out + ": no data</figcaption></figure>\n";
  if (plot.series.size() > 1)
    for (std::size_t i = 0; i < plot.series.size(); ++i)
      out += fmt::format(R"( <span class="key s{}">&#9632;</span> {})", i % kinds,
                         escape_markup(plot.series[i].name));
  out += fmt::format("</figcaption>\n<svg viewBox=\"0 0 {} {}\" role=\"img\">", width, height);
  out += axes(plot, scale);
  if (plot.onset && *plot.onset >= scale.x_low && *plot.onset <= scale.x_high)
    out += fmt::format(
        R"(<line class="onset" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"><title>onset {3}</title></line>)",
        x_at(scale, *plot.onset), top, height - bottom, escape_markup(x_label(plot, *plot.onset)));
  if (plot.baseline) out += horizontal(scale, *plot.baseline, "baseline", "baseline");
  if (plot.limit) out += horizontal(scale, *plot.limit, "limit", "limit");
  for (std::size_t i = 0; i < plot.series.size(); ++i)
    out += fmt::format(R"(<path class="s{}" d="{}"><title>{}</title></path>)", i % kinds,
                       path_of(scale, plot.series[i]), escape_markup(plot.series[i].name));
  return out + "</svg></figure>\n";
}

std::string escape_markup(std::string_view text) {
  std::string safe;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

}  // namespace triage
