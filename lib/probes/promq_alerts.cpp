#include "lib/probes/promq_alerts.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace triage::probes::promq_alerts {
namespace {

std::string take(backends::Labels& labels, const char* name) {
  const auto found = labels.find(name);
  return found == labels.end() ? std::string() : found->second;
}

}  // namespace

Help help() {
  return {
      "Lists the alerts that Prometheus' own rules hold now. No alert is "
      "no proof of health: "
      "only what a rule looks at can fire.",
      {{"triage promq alerts", "all of them"},
       {"triage promq alerts --match orders", "those with 'orders' in a label"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"match", "only alerts with this text in a label", "TEXT", {}, true, false, 0},
                options.match);
  describe(options.source, visitor);
}

Sample collect(const Options& options, Session& session) {
  auto prometheus = promq::open(options.source, session);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = prometheus.address();
  for (auto& alert : prometheus.alerts())
    sample.alerts.push_back({take(alert.labels, "alertname"), alert.state,
                             take(alert.labels, "severity"), alert.active_at, alert.summary,
                             alert.labels});
  return sample;
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  for (const auto& alert : sample.alerts) {
    const bool wanted =
        options.match.empty() ||
        std::any_of(alert.labels.begin(), alert.labels.end(), [&](const auto& label) {
          return label.second.find(options.match) != std::string::npos;
        });
    if (wanted) result.alerts.push_back(alert);
  }
  std::stable_sort(
      result.alerts.begin(), result.alerts.end(), [](const AlertRow& a, const AlertRow& b) {
        return std::tuple(a.state != "firing", a.since) < std::tuple(b.state != "firing", b.since);
      });
  for (const auto& alert : result.alerts) {
    const bool firing = alert.state == "firing";
    ++(firing ? result.firing_count : result.pending_count);
    if (!firing) continue;
    const bool grave = alert.severity == "critical" || alert.severity == "page";
    result.envelope.find("alert_firing", grave ? Severity::crit : Severity::warn,
                         fmt::format("{} fires since {}{}{}", alert.name, alert.since,
                                     alert.summary.empty() ? "" : ": ", alert.summary));
  }
  result.envelope.provenance.push_back({{""},
                                        sample.target + "/api/v1/alerts",
                                        sample.at,
                                        fmt::format("curl -sS '{}/api/v1/alerts'", sample.target)});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  if (result.alerts.empty())
    return {{"ALERTS", "", {Paragraph{"none; only what a rule looks at can fire"}}, false}};
  Table table{{{"state", false, false},
               {"alert", false, false},
               {"severity", false, false},
               {"since", false, false},
               {"what", false, true}},
              {}};
  for (const auto& alert : result.alerts)
    table.rows.push_back(
        {alert.state, alert.name, alert.severity, alert.since.substr(0, 19),
         alert.summary.empty() ? backends::series_name(alert.labels) : alert.summary});
  return {{"ALERTS",
           fmt::format("{} firing, {} pending", result.firing_count, result.pending_count),
           {std::move(table)},
           false}};
}

}  // namespace triage::probes::promq_alerts
