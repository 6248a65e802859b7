#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/json_fwd.h"
#include "lib/os/fd.h"
#include "lib/report/render.h"

namespace triage {

struct Outcome;

/// Where results go: formats and files of -o. Files are opened before anything is measured, so that
/// a bad path fails at once (Error{usage}); their old content stays until there is a result.
class Outputs {
 public:
  explicit Outputs(const std::vector<std::string>& specifications);

  /// Writes each output; result on stdout. When a file cannot be written (disk full), the others
  /// are written all the same, the human report goes to stdout if nothing else went there, and
  /// Error{budget} is thrown at the end.
  /// `fail_from`: the severity from which a check of JUnit counts as failed.
  /// Whether lines given during the run may go to stdout, and as JSON: nothing where another format
  /// goes there.
  [[nodiscard]] std::optional<bool> streamed() const;
  void write(const Outcome& outcome, const RenderStyle& style, Severity fail_from);

 private:
  enum class Format { human, json, ndjson, markdown, html, junit, sarif };
  struct FormatRow {
    std::string_view word;
    std::string_view ending;  ///< of a file name; empty: none
    Format format;
  };
  static const std::array<FormatRow, 10> formats;
  struct Output {
    Format format = Format::human;
    std::string path;  ///< empty: stdout
    os::Fd file;
  };
  static Output parse(const std::string& specification);
  static std::string render(Format format, const Outcome& outcome, const RenderStyle& style,
                            Severity fail_from);

  std::vector<Output> outputs_;
};

/// Writes all of `text`; false when the descriptor does not take it, errno says why.
bool write_all(int fd, const std::string& text);

}  // namespace triage
