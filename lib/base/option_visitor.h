#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace triage {

/// What is said about one option of a subcommand, once, for the command line, runbooks, the
/// configuration, completion and the man page alike.
struct OptionInfo {
  std::string name;         ///< "slow-after": --slow-after, key slow-after, `with` key slow_after
  std::string help;         ///< one sentence without full stop
  std::string placeholder;  ///< "URI" in --db URI
  std::vector<std::string> choices;  ///< the allowed words, empty when free
  bool positional = false;           ///< may also be given without --name
  bool shared = false;               ///< one value for all subcommands in configuration ("db")
  char letter = 0;                   ///< 'o' for -o, 0 for none
};

/// A subcommand's `describe(Options&, OptionVisitor&)` calls this once per option, in the order of
/// the help; the visitor reads or fills the members. Defaults are what the members hold before.
class OptionVisitor {
 public:
  OptionVisitor() = default;
  OptionVisitor(const OptionVisitor&) = delete;
  OptionVisitor& operator=(const OptionVisitor&) = delete;
  virtual ~OptionVisitor() = default;

  virtual void visit(const OptionInfo& info, std::string& value) = 0;
  virtual void visit(const OptionInfo& info, std::vector<std::string>& values) = 0;
  virtual void visit(const OptionInfo& info, bool& value) = 0;
  virtual void visit(const OptionInfo& info, std::int64_t& value) = 0;
  virtual void visit(const OptionInfo& info, double& value) = 0;
  virtual void visit(const OptionInfo& info, std::chrono::milliseconds& value) = 0;
};

/// What `--help` and the man page say besides the options.
struct Help {
  struct Example {
    std::string command;  ///< "triage pool --db service=orders"
    std::string what;     ///< "who holds the slots"
  };
  std::string description;        ///< one or two paragraphs
  std::vector<Example> examples;  ///< shown first
};

}  // namespace triage
