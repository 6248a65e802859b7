#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "lib/base/option_visitor.h"

namespace triage {

/// The options that every subcommand has.
struct CommonOptions {
  std::vector<std::string> output{"human"};  ///< "json", "md=report.md", "report.json"
  std::string fail_on = "crit";
  bool exit_zero = false;
  std::string color = "auto";
  bool quiet = false;
  bool verbose = false;
  std::chrono::milliseconds timeout{60000};
  bool redact_addresses = false;
  std::string record;
  std::string replay;
  std::chrono::milliseconds watch{0};  ///< 0: once
  std::string profile;
  std::string config;
};

void describe(CommonOptions& options, OptionVisitor& visitor);

}  // namespace triage
