#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lib/base/option_list.h"
#include "lib/probes/outcome.h"
#include "tools/help.h"
#include "tools/text_commands.h"

namespace triage {
namespace {

struct Words {
  std::string name;
  std::string summary;
  std::vector<OptionRow> rows;
};

std::vector<Words> words_of_all() {
  std::vector<Words> all;
  for (const auto& command : make_commands()) {
    OptionList list;
    command->describe(list);
    CommonOptions common;
    describe(common, list);
    all.push_back({command->name(), command->summary(), list.rows()});
  }
  return all;
}

/// A command of two words, "heap show", has the name "heap-show": what stands first, and behind it.
std::pair<std::string, std::string> split(const std::string& name) {
  const std::size_t at = name.find('-');
  return {name.substr(0, at), at == std::string::npos ? "" : name.substr(at + 1)};
}

/// First word -> second words, in order; a command of one word has none.
std::map<std::string, std::vector<std::string>> second_words(const std::vector<Words>& all) {
  std::map<std::string, std::vector<std::string>> seconds;
  for (const auto& words : all) {
    const auto [first, second] = split(words.name);
    auto& list = seconds[first];
    if (!second.empty()) list.push_back(second);
  }
  return seconds;
}

std::string bash(const std::vector<Words>& all) {
  std::string names;
  std::string cases;
  std::string firsts;
  std::string seconds;
  for (const auto& [first, list] : second_words(all)) {
    firsts += first + " ";
    if (!list.empty())
      seconds += fmt::format("    {}) words='{}';;\n", first, fmt::join(list, " "));
  }
  for (const auto& words : all) {
    names += words.name + " ";
    std::string flags;
    std::string values;
    for (const auto& row : words.rows) {
      flags += "--" + row.info.name + " ";
      if (!row.info.choices.empty())
        values +=
            fmt::format("        --{}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return;;\n",
                        row.info.name, fmt::join(row.info.choices, " "));
    }
    cases += fmt::format(
        "    {})\n      case $prev in\n{}        --target) COMPREPLY=($(compgen -W \"$(pgrep -x "
        "node)\""
        " -- \"$cur\")); return;;\n      esac\n      [[ $cur == -* ]] && COMPREPLY=($(compgen -W "
        "'{}--help' -- \"$cur\"));;\n",
        words.name, values, flags);
  }
  return fmt::format(
      "# bash completion of triage\n_triage() {{\n  local cur=${{COMP_WORDS[COMP_CWORD]}} "
      "prev=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} words=\n  COMPREPLY=()\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    COMPREPLY=($(compgen -W '{}--help --version' -- \"$cur\"))\n    return\n  fi\n"
      "  case $command in\n{}  esac\n"
      "  [[ ' {}' == *\" $command-${{COMP_WORDS[2]}} \"* ]] && ((COMP_CWORD > 2)) &&\n"
      "    command+=-${{COMP_WORDS[2]}}\n"
      "  case $command in\n{}  esac\n"
      "  ((COMP_CWORD == 2)) && [[ $cur != -* ]] &&\n"
      "    COMPREPLY+=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "}}\ncomplete -o default -F _triage triage\n",
      firsts, seconds, names, cases);
}

std::string zsh(const std::vector<Words>& all) {
  std::string commands;
  std::string seconds;
  std::string cases;
  std::string names;
  for (const auto& [first, list] : second_words(all)) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Words& words) { return words.name == first; });
    commands += found == all.end() ? fmt::format("    '{}'\n", first)
                                   : fmt::format("    '{}:{}'\n", first, found->summary);
    if (!list.empty())
      seconds += fmt::format("    {}) compadd -- {};;\n", first, fmt::join(list, " "));
  }
  for (const auto& words : all) {
    names += words.name + " ";
    std::string flags;
    for (const auto& row : words.rows) flags += fmt::format(" --{}", row.info.name);
    cases += fmt::format("    {}) compadd -- {} --help; _files;;\n", words.name, flags);
  }
  return fmt::format(
      "#compdef triage\n_triage() {{\n  local command=$words[2]\n  local -a commands=(\n{}  )\n"
      "  if ((CURRENT == 2)); then\n    _describe command commands\n    return\n  fi\n"
      "  if ((CURRENT == 3)); then\n  case $command in\n{}  esac\n  fi\n"
      "  [[ ' {}' == *\" $command-$words[3] \"* ]] && command+=-$words[3]\n"
      "  case $command in\n{}  esac\n}}\n_triage \"$@\"\n",
      commands, seconds, names, cases);
}

std::string fish(const std::vector<Words>& all) {
  std::string out = "# fish completion of triage\n";
  for (const auto& [first, list] : second_words(all)) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Words& words) { return words.name == first; });
    out += fmt::format("complete -c triage -n __fish_use_subcommand -f -a {} -d \"{}\"\n", first,
                       found == all.end() ? "" : found->summary);
  }
  for (const auto& words : all) {
    const auto [first, second] = split(words.name);
    std::string when = "__fish_seen_subcommand_from " + first;
    if (!second.empty()) {
      out += fmt::format("complete -c triage -n '{}' -f -a {} -d \"{}\"\n", when, second,
                         words.summary);
      when += "; and __fish_seen_subcommand_from " + second;
    }
    for (const auto& row : words.rows)
      out += fmt::format("complete -c triage -n '{}' -l {}{}{}\n", when, row.info.name,
                         row.kind == OptionRow::Kind::flag ? "" : " -r",
                         row.info.choices.empty()
                             ? ""
                             : fmt::format(" -f -a '{}'", fmt::join(row.info.choices, " ")));
  }
  return out;
}

class CompletionCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "completion"; }
  [[nodiscard]] std::string summary() const override {
    return "completion script for bash, zsh or fish";
  }
  [[nodiscard]] Help help() const override {
    return {"Prints a script that the shell sources. Packages install it; by hand:",
            {{"source <(triage completion bash)", "in ~/.bashrc"},
             {"triage completion fish > ~/.config/fish/completions/triage.fish", "for fish"}}};
  }
  void describe(OptionVisitor& visitor) override {
    visitor.visit({"shell", "the shell", "SHELL", {"bash", "zsh", "fish"}, true, false, 0}, shell_);
  }
  [[nodiscard]] bool gives_outcome() const override { return false; }
  Outcome run(Session& /*session*/, const Settings& /*settings*/,
              Recording& /*recording*/) override {
    return {};
  }

  std::string text(const CommonOptions& /*common*/, const Settings& /*settings*/) override {
    const auto all = words_of_all();
    if (shell_ == "zsh") return zsh(all);
    return shell_ == "fish" ? fish(all) : bash(all);
  }

 private:
  std::string shell_ = "bash";
};

class ManCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "man"; }
  [[nodiscard]] std::string summary() const override { return "manual page as roff"; }
  [[nodiscard]] Help help() const override {
    return {
        "Prints the manual page of a command, or of triage itself, in roff. The pages are made "
        "from the same texts as --help.",
        {{"triage man pool | man -l -", "read triage-pool(1) without installing it"}}};
  }
  void describe(OptionVisitor& visitor) override {
    visitor.visit({"command", "the command; none for triage itself", "COMMAND", {}, true, false, 0},
                  command_);
  }
  [[nodiscard]] bool gives_outcome() const override { return false; }
  Outcome run(Session& /*session*/, const Settings& /*settings*/,
              Recording& /*recording*/) override {
    return {};
  }

  std::string text(const CommonOptions& /*common*/, const Settings& /*settings*/) override {
    const auto commands = make_commands();
    if (command_.empty()) return overview_man_page(commands);
    for (const auto& command : commands)
      if (command->name() == command_) return command_man_page(*command);
    throw Error(ErrorCode::usage, fmt::format("there is no command '{}'", command_),
                "see: triage --help");
  }

 private:
  std::string command_;
};

}  // namespace

std::unique_ptr<Command> make_completion_command() {
  return std::make_unique<CompletionCommand>();
}

std::unique_ptr<Command> make_man_command() {
  return std::make_unique<ManCommand>();
}

}  // namespace triage
