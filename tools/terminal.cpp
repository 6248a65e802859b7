#include "tools/terminal.h"

#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "lib/report/text_layout.h"
#include "tools/output.h"

namespace triage {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool wants_color(const std::string& when) {
  if (when == "always") return true;
  if (when == "never" || !variable("NO_COLOR").empty()) return false;
  if (const auto force = variable("CLICOLOR_FORCE"); !force.empty() && force != "0") return true;
  return variable("TERM") != "dumb" && ::isatty(STDOUT_FILENO) == 1;
}

int terminal_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return std::clamp<int>(size.ws_col, 40, 100);
  return 80;
}

}  // namespace

RenderStyle style_for_stdout(const CommonOptions& options) {
  int verbosity = options.verbose ? 1 : 0;
  if (options.quiet) verbosity = -1;
  return {terminal_width(), wants_color(options.color), verbosity};
}

void begin_frame() {
  if (::isatty(STDOUT_FILENO) == 1 && variable("TERM") != "dumb")
    write_all(STDOUT_FILENO, "\x1b[H\x1b[2J");
}

void wait_for(std::chrono::milliseconds interval) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(interval);
  const timespec time{
      seconds.count(),
      std::chrono::duration_cast<std::chrono::nanoseconds>(interval - seconds).count()};
  ::nanosleep(&time, nullptr);
}

ProgressLine::ProgressLine(const CommonOptions& options)
    : replace_(!options.quiet && ::isatty(STDERR_FILENO) == 1 && variable("TERM") != "dumb"),
      plain_(!options.quiet && !replace_ && options.verbose) {}

ProgressLine::~ProgressLine() {
  clear();
}

void ProgressLine::show(const std::string& text) {
  if (replace_) write_all(STDERR_FILENO, "\r\x1b[K" + printable(text).substr(0, 78));
  if (plain_) write_all(STDERR_FILENO, "triage: " + printable(text) + "\n");
  shown_ = true;
}

void ProgressLine::clear() {
  if (replace_ && shown_) write_all(STDERR_FILENO, "\r\x1b[K");
  shown_ = false;
}

}  // namespace triage
