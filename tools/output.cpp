#include "tools/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/base/error.h"
#include "lib/probes/outcome.h"

namespace triage {
namespace {

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// The error of the system call, or 0.
int replace_content(int fd, const std::string& text) {
  // /dev/stdout and other devices cannot be truncated; a regular file must be.
  if (::ftruncate(fd, 0) != 0 && errno != EINVAL) return errno;
  if (!write_all(fd, text)) return errno;
  // Delayed allocation can report a full disk only here.
  if (::fsync(fd) != 0 && errno != EINVAL && errno != EROFS) return errno;
  return 0;
}

}  // namespace

bool write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::write(fd, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

const std::array<Outputs::FormatRow, 10> Outputs::formats{{
    {"human", ".txt", Format::human},
    {"text", "", Format::human},
    {"json", ".json", Format::json},
    {"ndjson", ".ndjson", Format::ndjson},
    {"md", ".md", Format::markdown},
    {"markdown", "", Format::markdown},
    {"html", ".html", Format::html},
    {"junit", ".junit.xml", Format::junit},
    {"junit", ".xml", Format::junit},
    {"sarif", ".sarif", Format::sarif},
}};

Outputs::Output Outputs::parse(const std::string& specification) {
  const std::size_t equals = specification.find('=');
  const std::string word = specification.substr(0, equals);
  for (const auto& row : formats) {
    if (word != row.word) continue;
    if (equals == std::string::npos) return {row.format, {}, {}};
    if (equals + 1 == specification.size())
      throw Error(ErrorCode::usage, fmt::format("-o {}: the file name is missing", specification));
    return {row.format, specification.substr(equals + 1), {}};
  }
  for (const auto& row : formats)
    if (!row.ending.empty() && ends_with(specification, row.ending))
      return {row.format, specification, {}};
  throw Error(ErrorCode::usage, fmt::format("-o {}: unknown format", specification),
              "use human, json, ndjson, md, html, junit or sarif, FORMAT=FILE, or a file ending in "
              ".json, .md, .html, .xml, .sarif or .txt");
}

Outputs::Outputs(const std::vector<std::string>& specifications) {
  for (const auto& specification : specifications) {
    Output output = parse(specification);
    if (!output.path.empty()) {
      output.file = os::Fd(::open(output.path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
      if (!output.file)
        throw Error(ErrorCode::usage, fmt::format("-o {}: {}", output.path, std::strerror(errno)),
                    "name a file in a directory that exists and is writable");
    }
    outputs_.push_back(std::move(output));
  }
}

std::string Outputs::render(Format format, const Outcome& outcome, const RenderStyle& style,
                            Severity fail_from) {
  switch (format) {
    case Format::json:
      return dump_json(outcome.document, 2) + "\n";
    case Format::ndjson:
      return dump_json(outcome.document) + "\n";
    case Format::markdown:
      return render_markdown(outcome.report, style);
    case Format::html:
      return render_html(outcome.report);
    case Format::junit:
      return render_junit(outcome.report, fail_from);
    case Format::sarif:
      return render_sarif(outcome.report);
    case Format::human:
      break;
  }
  return render_human(outcome.report, style);
}

std::optional<bool> Outputs::streamed() const {
  for (const Output& output : outputs_) {
    if (!output.path.empty()) continue;
    if (output.format == Format::human) return false;
    if (output.format == Format::ndjson) return true;
  }
  return std::nullopt;
}

void Outputs::write(const Outcome& outcome, const RenderStyle& style, Severity fail_from) {
  std::string failure;
  bool on_stdout = false;
  for (const auto& output : outputs_) {
    RenderStyle here = style;
    if (!output.path.empty()) here.color = false;
    const std::string text = render(output.format, outcome, here, fail_from);
    if (output.path.empty()) {
      on_stdout = true;
      if (!write_all(STDOUT_FILENO, text))
        failure = fmt::format("cannot write to stdout: {}", std::strerror(errno));
    } else if (const int error = replace_content(output.file.get(), text); error != 0) {
      failure = fmt::format("-o {}: {}", output.path, std::strerror(error));
    }
  }
  if (failure.empty()) return;
  if (!on_stdout) write_all(STDOUT_FILENO, render(Format::human, outcome, style, fail_from));
  throw Error(ErrorCode::budget, failure, "free space or name another file; the result is above");
}

}  // namespace triage
