#pragma once

#include <functional>
#include <string>

namespace triage {

/// One line of a result that is given while the run goes on (`triage logs --follow`).
struct StreamedLine {
  std::string text;  ///< for people
  std::string json;  ///< the same as one JSON object
};

/// Where such lines go. The program sets it once, before the run; without one they are only counted
/// in the result.
using LineSink = std::function<void(const StreamedLine&)>;
void set_line_sink(LineSink sink);
void stream_line(const StreamedLine& line);

}  // namespace triage
