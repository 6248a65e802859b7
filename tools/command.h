#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "tools/common_options.h"

namespace triage {

struct Outcome;
class Recording;
class Settings;

/// One subcommand as the command line sees it: a probe of the registry, or one of the few that look
/// at nothing (config, schema, completion, man) or at everything (run).
class Command {
 public:
  Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  virtual ~Command() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::string summary() const = 0;
  [[nodiscard]] virtual Help help() const = 0;
  virtual void describe(OptionVisitor& visitor) = 0;
  /// False for commands that print text of their own (schema, completion, man).
  [[nodiscard]] virtual bool gives_outcome() const { return true; }
  /// True for a view that is redrawn until Ctrl-C when stdout is a terminal.
  [[nodiscard]] virtual bool live() const { return false; }
  virtual Outcome run(Session& session, const Settings& settings, Recording& recording) = 0;
  /// For commands without an outcome: what goes to stdout.
  virtual std::string text(const CommonOptions& /*common*/, const Settings& /*settings*/) {
    return {};
  }
};

/// All subcommands in the order of `triage --help`.
std::vector<std::unique_ptr<Command>> make_commands();

}  // namespace triage
