#include "lib/os/node_process.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "lib/base/error.h"
#include "lib/os/target.h"

namespace triage::os {
namespace {

constexpr const char* list_them = "list Node.js processes with: pgrep -a node";

bool is_32_bit(pid_t pid) {
  const Fd file(::open(fmt::format("/proc/{}/exe", pid).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<unsigned char, EI_NIDENT> head{};
  return file && ::pread(file.get(), head.data(), head.size(), 0) == EI_NIDENT &&
         head[EI_CLASS] == ELFCLASS32;
}

bool has_v8(const ProcessImage& image) {
  for (const char* part : {"", "libnode"}) {
    const auto* module = image.module(part);
    if (module != nullptr && module->file && module->file->find_exported("v8dbg_SmiTag"))
      return true;
  }
  return false;
}

bool ends_with_name(const std::string& path, std::string_view name) {
  return path == name || path.ends_with(std::string("/").append(name));
}

}  // namespace

void check_node_process(const ProcessInfo& process, const ProcessImage& image) {
  if (has_v8(image)) return;
  const std::string who = describe_process(process);
  if (process.arguments.empty())
    throw Error(ErrorCode::not_found, fmt::format("{} is a kernel thread", who), list_them);
  if (is_32_bit(process.id.pid))
    throw Error(ErrorCode::not_found, fmt::format("{} is a 32-bit program", who),
                "only 64-bit Node.js can be looked into");
  const auto* program = image.module("");
  if (program == nullptr || !program->file) return;
  if (ends_with_name(program->path, "bun"))
    throw Error(ErrorCode::not_found, fmt::format("{} runs Bun, which has no V8 and no libuv", who),
                list_them);
  throw Error(ErrorCode::not_found, fmt::format("{} is not a Node.js process", who), list_them);
}

pid_t tracer_of(const Procfs& procfs, pid_t pid) {
  const std::string text = procfs.read(pid, "status");
  constexpr std::string_view key = "\nTracerPid:\t";
  const std::size_t at = text.find(key);
  pid_t tracer = 0;
  if (at != std::string::npos)
    std::from_chars(text.data() + at + key.size(), text.data() + text.size(), tracer);
  return tracer;
}

}  // namespace triage::os
