#pragma once

#include <chrono>
#include <string>

#include "lib/report/render.h"
#include "tools/common_options.h"

namespace triage {

/// Width (80 unless the terminal is wider, at most 100), colour and verbosity for stdout. Colour:
/// --color, then NO_COLOR, CLICOLOR_FORCE, TERM=dumb, then whether stdout is a terminal.
RenderStyle style_for_stdout(const CommonOptions& options);

/// Before each round of --watch: an empty screen on a terminal, nothing elsewhere.
void begin_frame();

/// Sleeps; a signal ends it early.
void wait_for(std::chrono::milliseconds interval);

/// What a person sees while waiting: one line that is replaced on a terminal, plain lines with
/// --verbose elsewhere, nothing with --quiet. Always on stderr.
class ProgressLine {
 public:
  explicit ProgressLine(const CommonOptions& options);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();
  void show(const std::string& text);
  void clear();

 private:
  bool replace_ = false;
  bool plain_ = false;
  bool shown_ = false;
};

}  // namespace triage
