#include "tools/common_options.h"

namespace triage {
namespace {

OptionInfo option(std::string name, std::string help, std::string placeholder = {},
                  std::vector<std::string> choices = {}, char letter = 0) {
  return {std::move(name), std::move(help), std::move(placeholder), std::move(choices), false, true,
          letter};
}

}  // namespace

void describe(CommonOptions& options, OptionVisitor& visitor) {
  visitor.visit(option("output",
                       "human, json, ndjson, md, html, junit or sarif; FORMAT=FILE or FILE.html "
                       "writes a file; may be given several times",
                       "FORMAT[=FILE]", {}, 'o'),
                options.output);
  visitor.visit(option("fail-on", "the severity from which the exit code is 1", "LEVEL",
                       {"warn", "crit", "never"}),
                options.fail_on);
  visitor.visit(option("exit-zero", "findings leave with 0; errors keep their code"),
                options.exit_zero);
  visitor.visit(option("color", "colour; NO_COLOR and CLICOLOR_FORCE are honoured", "WHEN",
                       {"auto", "always", "never"}),
                options.color);
  visitor.visit(option("quiet", "title and verdict only, no progress", {}, {}, 'q'), options.quiet);
  visitor.visit(
      option("verbose", "sources, how to repeat each figure, every step on stderr", {}, {}, 'v'),
      options.verbose);
  visitor.visit(option("timeout", "wall-clock limit of the whole run", "DURATION"),
                options.timeout);
  visitor.visit(option("redact-addresses",
                       "e-mail and IP addresses become stable tokens; secrets always are"),
                options.redact_addresses);
  visitor.visit(option("record", "keep what was read, secrets masked, for --replay", "FILE"),
                options.record);
  visitor.visit(
      option("replay", "the same report from a recorded run; nothing is asked or read", "FILE"),
      options.replay);
  visitor.visit(option("watch",
                       "again and again at this interval until Ctrl-C; the screen is "
                       "redrawn on a terminal",
                       "INTERVAL"),
                options.watch);
  visitor.visit(option("profile", "profile of the configuration to use", "NAME"), options.profile);
  visitor.visit(option("config", "one more configuration file, before the others", "FILE"),
                options.config);
}

}  // namespace triage
