#include "tools/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/option_list.h"
#include "lib/report/text_layout.h"
#include "tools/help_texts.h"

namespace triage {
namespace {

constexpr std::size_t help_width = 80;

std::vector<OptionRow> rows_of(Command& command) {
  OptionList list;
  command.describe(list);
  return list.rows();
}

std::vector<OptionRow> common_rows() {
  CommonOptions options;
  OptionList list;
  describe(options, list);
  return list.rows();
}

std::string flag_of(const OptionRow& row) {
  std::string flag = row.info.letter != 0 ? fmt::format("-{}, ", row.info.letter) : std::string();
  flag += "--" + row.info.name;
  if (row.kind != OptionRow::Kind::flag)
    flag += " " + (row.info.placeholder.empty() ? std::string("VALUE") : row.info.placeholder);
  return flag;
}

std::string meaning_of(const OptionRow& row) {
  std::string text = row.info.help;
  if (!row.info.choices.empty()) text += fmt::format(": {}", fmt::join(row.info.choices, ", "));
  if (!row.default_text.empty()) text += fmt::format(" (default {})", row.default_text);
  return text;
}

/// "  left        right, wrapped and hanging"; a long left part gets a line of its own.
std::string two_columns(const std::string& left, const std::string& right, std::size_t at) {
  std::string out = "  " + left;
  const bool fits = display_width(left) + 4 <= at;
  out += fits ? std::string(at - 2 - display_width(left), ' ') : "\n" + std::string(at, ' ');
  const auto lines = wrap(right, help_width - at);
  for (std::size_t i = 0; i < lines.size(); ++i)
    out += (i == 0 ? "" : std::string(at, ' ')) + lines[i] + "\n";
  return out;
}

std::string option_lines(const std::vector<OptionRow>& rows) {
  std::string out;
  for (const auto& row : rows) out += two_columns(flag_of(row), meaning_of(row), 28);
  return out;
}

std::string paragraphs(const std::string& text) {
  std::string out;
  for (const auto& line : wrap(text, help_width)) out += line + "\n";
  return out;
}

/// A command in lines that a shell takes as one: broken at blanks outside of quotes.
std::string command_lines(const std::string& command) {
  constexpr std::size_t room = help_width - 4;
  std::string out;
  std::string line = "  ";
  std::string word;
  const auto place = [&] {
    if (line.size() > 2 && line.size() + 1 + word.size() > room) {
      out += line + " \\\n";
      line = "      " + word;
    } else {
      line += (line.find_first_not_of(' ') == std::string::npos ? "" : " ") + word;
    }
    word.clear();
  };
  bool quoted = false;
  for (const char c : command) {
    if (c == '\'') quoted = !quoted;
    if (c == ' ' && !quoted)
      place();
    else
      word += c;
  }
  place();
  return out + line + "\n";
}

std::string example_lines(const Help& help) {
  std::string out = "Examples:\n";
  for (const auto& example : help.examples) {
    out += command_lines(example.command);
    for (const auto& line : wrap(example.what, help_width - 6)) out += "      " + line + "\n";
  }
  return out;
}

std::string exit_code_lines() {
  std::string out = "Exit codes:\n";
  for (const auto& line : exit_lines)
    out += two_columns(std::to_string(line.code), std::string(line.meaning), 6);
  return out + two_columns("128+n", "ended by signal n; the partial result was written", 10);
}

std::string usage_of(Command& command) {
  std::string usage = "triage " + typed_name(command.name());
  for (const auto& row : rows_of(command))
    if (row.info.positional)
      usage += fmt::format(" [{}{}]", row.info.placeholder,
                           row.kind == OptionRow::Kind::list ? "..." : "");
  return usage + " [options]";
}

/// Text for roff: a leading dot or quote would be a request, a backslash an escape.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  if (!out.empty() && (out[0] == '.' || out[0] == '\'')) out.insert(0, "\\&");
  return out;
}

std::string roff_options(const std::vector<OptionRow>& rows) {
  std::string out;
  for (const auto& row : rows)
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(flag_of(row)), roff(meaning_of(row)));
  return out;
}

std::string roff_examples(const Help& help) {
  std::string out = ".SH EXAMPLES\n";
  for (const auto& example : help.examples)
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(example.command), roff(example.what));
  return out;
}

std::string roff_exit_codes() {
  std::string out = ".SH EXIT STATUS\n";
  for (const auto& line : exit_lines)
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", line.code, roff(line.meaning));
  return out + ".TP\n\\fB128+n\\fR\nended by signal n; the partial result was written\n";
}

Help overview_texts() {
  return {
      "triage looks at a running Node.js service without a restart, asks its database and reads "
      "its logs, and says what is wrong, each number with its unit and its source. It "
      "never writes to the target; the one signal it knows is sent with --allow-inspector only.",
      {{"triage run db-timeout -t port:3000 --db service=orders --logs app.log",
        "why connections time out: ranked causes, and what to do now"},
       {"triage pool --db service=orders --target port:3000", "who holds the connection slots"},
       {"triage logs app.log --window 30m", "known error texts, new and surging"},
       {"triage fds name:server.js", "descriptors against the limits, sockets by peer"},
       {"triage fds 4127 -o report.md -o json=report.json", "the same result in several formats"}}};
}

}  // namespace

std::string typed_name(const std::string& name) {
  std::string typed = name;
  // "promq-rules-suggest" is the command "promq rules-suggest".
  const auto dash = typed.find('-');
  if (dash != std::string::npos) typed[dash] = ' ';
  return typed;
}

std::string overview_help(const std::vector<std::unique_ptr<Command>>& commands) {
  const Help texts = overview_texts();
  std::string out = "Usage: triage COMMAND [options]\n\n" + paragraphs(texts.description) + "\n" +
                    example_lines(texts) + "\nCommands:\n";
  for (const auto& command : commands)
    out += two_columns(typed_name(command->name()), command->summary(), 23);
  return out + "\n" + exit_code_lines() + "\nOptions:\n" +
         two_columns("-h, --help", "this text; after a command, that command's", 18) +
         two_columns("--version", "the version", 18);
}

std::string command_help(Command& command) {
  const Help texts = command.help();
  std::string out = fmt::format("{}: {}\n\n", typed_name(command.name()), command.summary()) +
                    example_lines(texts) + "\n" + paragraphs(texts.description) +
                    "\nUsage: " + usage_of(command) + "\n";
  const auto rows = rows_of(command);
  if (!rows.empty()) out += "\nOptions:\n" + option_lines(rows);
  return out + "\nCommon options:\n" + option_lines(common_rows()) +
         two_columns("-h, --help", "this text", 28) + "\n" + exit_code_lines();
}

std::string command_man_page(Command& command) {
  const Help texts = command.help();
  std::string out = fmt::format(".TH TRIAGE\\-{} 1\n.SH NAME\ntriage\\-{} \\- {}\n", command.name(),
                                command.name(), roff(command.summary()));
  out += fmt::format(".SH SYNOPSIS\n\\fB{}\\fR\n", roff(usage_of(command)));
  out += roff_examples(texts) + ".SH DESCRIPTION\n" + roff(texts.description) + "\n";
  out += ".SH OPTIONS\n" + roff_options(rows_of(command));
  out += ".SS Common options\n" + roff_options(common_rows());
  return out + roff_exit_codes() + ".SH SEE ALSO\n.BR triage (1)\n";
}

std::string overview_man_page(const std::vector<std::unique_ptr<Command>>& commands) {
  const Help texts = overview_texts();
  std::string out =
      ".TH TRIAGE 1\n.SH NAME\ntriage \\- root\\-cause reports for running Node.js "
      "services\n.SH SYNOPSIS\n\\fBtriage COMMAND [options]\\fR\n";
  out += roff_examples(texts) + ".SH DESCRIPTION\n" + roff(texts.description) + "\n.SH COMMANDS\n";
  for (const auto& command : commands)
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", command->name(), roff(command->summary()));
  out += ".SH OPTIONS\nEvery command has these:\n" + roff_options(common_rows());
  out +=
      ".SH FILES\n.TP\n\\fI.triage.ini\\fR\nproject settings, searched upwards from the working "
      "directory\n.TP\n\\fI~/.config/triage/config.ini\\fR\nuser settings\n.TP\n"
      "\\fI/etc/triage/config.ini\\fR\nsystem settings\n";
  out +=
      ".SH ENVIRONMENT\n.TP\n\\fBTRIAGE_*\\fR\nany option: TRIAGE_DB is \\-\\-db, "
      "TRIAGE_POOL_SLOW_AFTER is \\-\\-slow\\-after of pool\n.TP\n\\fBPG*, DATABASE_URL\\fR\n"
      "the database, as libpq reads them\n.TP\n\\fBNO_COLOR, CLICOLOR_FORCE\\fR\ncolour\n";
  return out + roff_exit_codes();
}

}  // namespace triage
