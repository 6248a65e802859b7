#include <fmt/format.h>

#include "lib/base/json.h"
#include "lib/diagnose/run.h"
#include "lib/probes/outcome.h"
#include "lib/probes/probe.h"
#include "tools/run_command.h"
#include "tools/runbook_tests.h"
#include "tools/settings.h"
#include "tools/text_commands.h"

namespace triage {
namespace {

Json config_schema() {
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "triage config"},
          {"type", "object"},
          {"properties",
           {{"schema", {{"const", "triage/config/1"}}},
            {"at", {{"type", "string"}}},
            {"settings", schema_of<std::vector<Setting>>()}}},
          {"required", {"schema", "at", "settings"}}};
}

/// `triage schema [command]`: JSON Schema of what -o json prints.
class SchemaCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "schema"; }
  [[nodiscard]] std::string summary() const override {
    return "JSON Schema of a command's -o json";
  }
  [[nodiscard]] Help help() const override {
    return {
        "Every document names its schema in its first key, triage/<command>/<major>. Within a "
        "major version keys are only added. A key is always present; unknown is null and has "
        "an entry in gaps.",
        {{"triage schema pool", "the schema of triage pool -o json"},
         {"triage schema", "the commands that have one"}}};
  }
  void describe(OptionVisitor& visitor) override {
    visitor.visit({"command", "the command whose schema is printed", "COMMAND", {}, true, false, 0},
                  command_);
  }
  [[nodiscard]] bool gives_outcome() const override { return false; }
  Outcome run(Session& /*session*/, const Settings& /*settings*/,
              Recording& /*recording*/) override {
    return {};
  }

  std::string text(const CommonOptions& /*common*/, const Settings& /*settings*/) override {
    if (command_ == "config") return dump_json(config_schema(), 2) + "\n";
    if (command_ == "run") return dump_json(diagnose::run_schema(), 2) + "\n";
    if (command_ == "runbook-tests") return dump_json(runbook_tests_schema(), 2) + "\n";
    if (command_ == "show") return dump_json(show_schema(), 2) + "\n";
    if (command_ == "diff") return dump_json(diff_schema(), 2) + "\n";
    if (command_ == "runbooks") return dump_json(runbooks_schema(), 2) + "\n";
    if (const auto* probe = probes::find_probe(command_))
      return dump_json(probe->schema(), 2) + "\n";
    std::string names = "run\nrunbooks\nrunbook-tests\nshow\nconfig\n";
    for (const auto& probe : probes::registry()) names += std::string(probe.name) + "\n";
    if (command_.empty()) return names;
    throw Error(ErrorCode::usage, fmt::format("there is no schema for '{}'", command_),
                "list them with: triage schema");
  }

 private:
  std::string command_;
};

}  // namespace

std::unique_ptr<Command> make_schema_command() {
  return std::make_unique<SchemaCommand>();
}

}  // namespace triage
