#include "tools/command_line.h"

#include <fmt/format.h>

#include <algorithm>

#include <CLI/CLI.hpp>

#include "lib/base/error.h"
#include "lib/base/units.h"

namespace triage {
namespace {

/// Registers options with CLI11; their values land in the visited members when CLI11 parses.
class CommandLineVisitor final : public OptionVisitor {
 public:
  explicit CommandLineVisitor(CLI::App& app) : app_(app) {}

  void visit(const OptionInfo& info, std::string& value) override {
    CLI::Option* option = add(info, app_.add_option(names(info), value));
    if (!info.choices.empty()) option->check(CLI::IsMember(info.choices));
  }
  void visit(const OptionInfo& info, std::vector<std::string>& values) override {
    CLI::Option* option = app_.add_option(names(info), values);
    // A flag takes one value at a time (-o a -o b); bare words may be many.
    option->expected(info.positional ? -1 : 1)->allow_extra_args(info.positional);
    if (!info.positional) option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    add(info, option);
  }
  void visit(const OptionInfo& info, bool& value) override {
    add(info, app_.add_flag(names(info), value));
  }
  void visit(const OptionInfo& info, std::int64_t& value) override {
    add(info, app_.add_option(names(info), value));
  }
  void visit(const OptionInfo& info, double& value) override {
    add(info, app_.add_option(names(info), value));
  }
  void visit(const OptionInfo& info, std::chrono::milliseconds& value) override {
    add(info, app_.add_option_function<std::string>(
                  names(info), [&value, name = info.name](const std::string& text) {
                    value = parse_duration(text, "--" + name);
                  }));
  }

  [[nodiscard]] std::set<std::string> given() const {
    std::set<std::string> names;
    for (const auto& [name, option] : options_)
      if (option->count() > 0) names.insert(name);
    return names;
  }

 private:
  static std::string names(const OptionInfo& info) {
    std::string names = "--" + info.name;
    if (info.letter != 0) names += fmt::format(",-{}", info.letter);
    if (info.positional) names += "," + info.name;
    return names;
  }
  CLI::Option* add(const OptionInfo& info, CLI::Option* option) {
    options_.emplace_back(info.name, option);
    return option;
  }

  CLI::App& app_;
  std::vector<std::pair<std::string, CLI::Option*>> options_;
};

Error usage_error(const std::string& text, const std::string& command) {
  return {ErrorCode::usage, text,
          fmt::format("see: triage {}--help", command.empty() ? "" : command + " ")};
}

Command* find_command(const std::vector<std::unique_ptr<Command>>& commands,
                      const std::string& name) {
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const auto& command) { return command->name() == name; });
  return found == commands.end() ? nullptr : found->get();
}

/// Names the commands of a family: "heap" alone, or with a second word that is none of them.
Error unknown_command(const std::vector<std::unique_ptr<Command>>& commands,
                      const std::string& name) {
  std::vector<std::string> family;
  for (const auto& command : commands)
    if (command->name().starts_with(name + "-"))
      family.push_back(name + " " + command->name().substr(name.size() + 1));
  if (family.empty()) return usage_error(fmt::format("there is no command '{}'", name), "");
  return {ErrorCode::usage, fmt::format("'{}' needs a second word", name),
          fmt::format("one of: {}", fmt::join(family, ", "))};
}

}  // namespace

Invocation parse_command_line(const std::vector<std::string>& arguments,
                              const std::vector<std::unique_ptr<Command>>& commands) {
  Invocation invocation;
  if (arguments.empty()) throw usage_error("no command given", "");
  const std::string& first = arguments.front();
  if (first == "--help" || first == "-h" || first == "help") {
    invocation.kind = Invocation::Kind::help;
    if (first == "help" && arguments.size() > 1)
      invocation.command = find_command(commands, arguments[1]);
    return invocation;
  }
  if (first == "--version" || first == "-V") {
    invocation.kind = Invocation::Kind::version;
    return invocation;
  }
  // "heap show" is the command heap-show; "lag top" is not lag with a target of that name
  const std::string pair = arguments.size() > 1 ? first + "-" + arguments[1] : std::string();
  std::size_t words = 2;
  invocation.command = pair.empty() ? nullptr : find_command(commands, pair);
  if (invocation.command == nullptr) {
    invocation.command = find_command(commands, first);
    words = 1;
  }
  if (invocation.command == nullptr) throw unknown_command(commands, first);

  // Only the chosen command is registered: CLI11 costs a few microseconds per option.
  CLI::App app("triage", "triage " + first);
  app.set_help_flag();
  bool help = false;
  app.add_flag("-h,--help", help);
  CommandLineVisitor visitor(app);
  invocation.command->describe(visitor);
  describe(invocation.common, visitor);
  std::vector<std::string> rest(arguments.rbegin(),
                                arguments.rend() - static_cast<std::ptrdiff_t>(words));
  const bool asks_help = std::any_of(rest.begin(), rest.end(), [](const std::string& word) {
    return word == "--help" || word == "-h";
  });
  if (asks_help) {
    invocation.kind = Invocation::Kind::help;
    return invocation;
  }
  try {
    app.parse(rest);
  } catch (const CLI::Error& error) {
    throw usage_error(fmt::format("{}: {}", first, error.what()), first);
  }
  invocation.given = visitor.given();
  return invocation;
}

}  // namespace triage
