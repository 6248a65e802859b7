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

Outputs::Output Outputs::parse(const std::string& specification) {
  const std::size_t equals = specification.find('=');
  std::string word = specification.substr(0, equals);
  Output output;
  if (equals != std::string::npos) output.path = specification.substr(equals + 1);
  if (word == "human" || word == "text")
    output.format = Format::human;
  else if (word == "json")
    output.format = Format::json;
  else if (word == "md" || word == "markdown")
    output.format = Format::markdown;
  else {
    output.path = specification;
    if (ends_with(word, ".json"))
      output.format = Format::json;
    else if (ends_with(word, ".md"))
      output.format = Format::markdown;
    else if (!ends_with(word, ".txt"))
      throw Error(ErrorCode::usage, fmt::format("-o {}: unknown format", specification),
                  "use human, json or md, FORMAT=FILE, or a file ending in .json, .md or .txt");
  }
  if (equals != std::string::npos && output.path.empty())
    throw Error(ErrorCode::usage, fmt::format("-o {}: the file name is missing", specification));
  return output;
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

std::string Outputs::render(Format format, const Outcome& outcome, const RenderStyle& style) {
  if (format == Format::json) return dump_json(outcome.document, 2) + "\n";
  if (format == Format::markdown) return render_markdown(outcome.report, style);
  return render_human(outcome.report, style);
}

void Outputs::write(const Outcome& outcome, const RenderStyle& style) {
  std::string failure;
  bool on_stdout = false;
  for (const auto& output : outputs_) {
    RenderStyle here = style;
    if (!output.path.empty()) here.color = false;
    const std::string text = render(output.format, outcome, here);
    if (output.path.empty()) {
      on_stdout = true;
      if (!write_all(STDOUT_FILENO, text))
        failure = fmt::format("cannot write to stdout: {}", std::strerror(errno));
    } else if (const int error = replace_content(output.file.get(), text); error != 0) {
      failure = fmt::format("-o {}: {}", output.path, std::strerror(error));
    }
  }
  if (failure.empty()) return;
  if (!on_stdout) write_all(STDOUT_FILENO, render(Format::human, outcome, style));
  throw Error(ErrorCode::budget, failure, "free space or name another file; the result is above");
}

}  // namespace triage
