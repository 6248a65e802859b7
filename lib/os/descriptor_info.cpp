#include "lib/os/descriptor_info.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <charconv>
#include <string>

#include "lib/os/fd.h"
#include "lib/os/lines.h"

namespace triage::os {
namespace {

constexpr std::size_t longest = std::size_t{1} << 20U;

bool starts(std::string_view line, std::string_view label) {
  return line.substr(0, label.size()) == label;
}

template <class Number>
std::optional<Number> number_after(std::string_view line, std::string_view label, int base = 10) {
  std::string_view rest = line.substr(label.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  Number value = 0;
  const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
  return result.ec == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace

bool DescriptorInfo::close_on_exec() const {
  return !flags || (*flags & static_cast<std::uint32_t>(O_CLOEXEC)) != 0;
}

DescriptorInfo parse_descriptor_info(std::string_view text) {
  constexpr int octal = 8;
  DescriptorInfo info;
  each_line(text, [&](std::string_view line) {
    if (starts(line, "pos:")) info.position = number_after<std::int64_t>(line, "pos:");
    if (starts(line, "flags:")) info.flags = number_after<std::uint32_t>(line, "flags:", octal);
    if (starts(line, "inotify ")) ++info.inotify_watches;
    if (!starts(line, "tfd:")) return;
    if (const auto number = number_after<int>(line, "tfd:")) info.watched.push_back(*number);
  });
  return info;
}

std::optional<DescriptorInfo> read_descriptor_info(const Procfs& procfs, pid_t pid, int number) {
  const std::string path = fmt::format("{}/{}/fdinfo/{}", procfs.root(), pid, number);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text;
  std::string block(4096, '\0');
  bool more = true;
  while (more && text.size() < longest) {
    const ssize_t count = ::read(file.get(), block.data(), block.size());
    if (count < 0) return std::nullopt;
    more = count > 0;
    text.append(block, 0, static_cast<std::size_t>(count));
    // a short text ends here: the kernel fills what it is given
    if (text.size() == static_cast<std::size_t>(count) && text.size() < block.size() / 2)
      more = false;
  }
  DescriptorInfo info = parse_descriptor_info(text);
  info.truncated = more && text.size() >= longest;
  return info;
}

}  // namespace triage::os
