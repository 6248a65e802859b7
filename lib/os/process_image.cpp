#include "lib/os/process_image.h"

#include <cxxabi.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "lib/base/error.h"
#include "lib/base/gap.h"
#include "lib/os/procfs.h"

namespace triage::os {
namespace {

/// Takes the number at the front of `text` and the separator behind it.
bool take(std::string_view& text, std::uint64_t& value, int base, char separator) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || rest == end || *rest != separator) return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()) + 1);
  return true;
}

/// "7f1c2e000000-7f1c2e021000 r-xp 00001000 fe:00 131 /usr/lib/x.so"
std::optional<Mapping> parse_line(std::string_view line) {
  Mapping mapping;
  if (!take(line, mapping.start, 16, '-') || !take(line, mapping.end, 16, ' ')) return std::nullopt;
  if (line.size() < 5 || mapping.end <= mapping.start) return std::nullopt;
  mapping.readable = line[0] == 'r';
  mapping.executable = line[2] == 'x';
  line.remove_prefix(5);
  if (!take(line, mapping.offset, 16, ' ')) return std::nullopt;
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  mapping.device = line.substr(0, blank);
  line.remove_prefix(blank + 1);
  std::from_chars(line.data(), line.data() + line.size(), mapping.inode);
  const std::size_t path = line.find_first_of("/[");
  if (path != std::string_view::npos) mapping.path = line.substr(path);
  return mapping;
}

bool is_file(const Mapping& mapping) {
  return mapping.inode != 0 && !mapping.path.empty() && mapping.path.front() == '/';
}

bool same_file(const std::string& path, const Mapping& mapping) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && info.st_ino == mapping.inode;
}

}  // namespace

std::vector<Mapping> parse_maps(std::string_view text) {
  std::vector<Mapping> mappings;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto mapping = parse_line(text.substr(0, end))) mappings.push_back(std::move(*mapping));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return mappings;
}

ProcessImage::ProcessImage(pid_t pid) : pid_(pid) {
  refresh();
}

ProcessImage::~ProcessImage() = default;

void ProcessImage::refresh() {
  mappings_ = parse_maps(Procfs().read(pid_, "maps"));
}

const Mapping* ProcessImage::find(std::uint64_t address) const {
  const auto after = std::upper_bound(
      mappings_.begin(), mappings_.end(), address,
      [](std::uint64_t value, const Mapping& mapping) { return value < mapping.start; });
  if (after == mappings_.begin()) return nullptr;
  const Mapping& mapping = *std::prev(after);
  return address < mapping.end ? &mapping : nullptr;
}

std::unique_ptr<ElfFile> ProcessImage::open(const Mapping& mapping) const {
  const std::string process = fmt::format("/proc/{}/", pid_);
  // map_files names the very file, but needs a capability; the path may be another file by now
  for (const std::string& path :
       {process + "exe", process + fmt::format("map_files/{:x}-{:x}", mapping.start, mapping.end),
        process + "root" + mapping.path}) {
    if (!same_file(path, mapping)) continue;
    std::vector<Gap> unusable;  // a file that is no ELF file, or not ours to read, has no symbols
    auto file = attempt(unusable, "symbols", [&] { return std::make_unique<ElfFile>(path); });
    if (file) return std::move(*file);
  }
  return nullptr;
}

const ProcessImage::Module* ProcessImage::module_of(const Mapping& mapping) const {
  if (!is_file(mapping)) return nullptr;
  for (const auto& module : modules_)
    if (module->inode == mapping.inode && module->device == mapping.device) return module.get();
  auto module = std::make_unique<Module>();
  module->path = mapping.path;
  module->inode = mapping.inode;
  module->device = mapping.device;
  module->file = open(mapping);
  if (module->file) {
    // the lowest mapping of the file says how far it was moved
    for (const auto& other : mappings_) {
      if (other.inode != mapping.inode || other.device != mapping.device) continue;
      if (const auto address = module->file->address_of_offset(other.offset)) {
        module->bias = other.start - *address;
        break;
      }
    }
  }
  modules_.push_back(std::move(module));
  return modules_.back().get();
}

const ProcessImage::Module* ProcessImage::module(std::string_view part) const {
  if (part.empty()) {
    const std::string program = fmt::format("/proc/{}/exe", pid_);
    struct stat info = {};
    if (::stat(program.c_str(), &info) != 0) return nullptr;
    for (const auto& mapping : mappings_)
      if (is_file(mapping) && mapping.inode == info.st_ino) return module_of(mapping);
    return nullptr;
  }
  for (const auto& mapping : mappings_) {
    const std::size_t slash = mapping.path.rfind('/');
    if (is_file(mapping) && mapping.path.find(part, slash) != std::string::npos)
      return module_of(mapping);
  }
  return nullptr;
}

std::optional<CodePlace> ProcessImage::place(std::uint64_t address) const {
  const Mapping* mapping = find(address);
  if (mapping == nullptr) return std::nullopt;
  const Module* module = module_of(*mapping);
  if (module == nullptr || !module->file) return std::nullopt;
  // by the offset in the file: V8 maps its builtins a second time, near its own code
  const auto in_file = module->file->address_of_offset(address - mapping->start + mapping->offset);
  if (!in_file) return std::nullopt;
  return CodePlace{module->file.get(), *in_file, address - *in_file, module->path};
}

std::optional<ElfSymbol> ProcessImage::symbol_at(std::uint64_t address) const {
  const auto where = place(address);
  return where ? where->file->at(where->address) : std::nullopt;
}

std::string demangle(std::string_view name, bool brief) {
  const std::string mangled(name);
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), std::free);
  if (status != 0 || !text) return mangled;
  std::string readable = text.get();
  if (!brief) return readable;
  // cut the parameters: the last "(" at depth 0 of angle brackets, but keep "(anonymous namespace)"
  int depth = 0;
  for (std::size_t i = 0; i < readable.size(); ++i) {
    if (readable[i] == '<') ++depth;
    if (readable[i] == '>' && i > 0 && readable[i - 1] != '-') --depth;
    if (readable[i] != '(' || depth > 0 || i == 0) continue;
    if (readable.compare(i, 21, "(anonymous namespace)") == 0) continue;
    if (readable.compare(i - std::min<std::size_t>(i, 8), 8, "operator") == 0) continue;
    return readable.substr(0, i);
  }
  return readable;
}

}  // namespace triage::os
