#pragma once

/// The memory map of a process and the ELF files behind it: which code an address belongs to, and
/// where a symbol is. The files are those that the process runs, also when they were deleted or
/// replaced, or lie in the mount namespace of a container (/proc/<pid>/exe, map_files, root).
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/os/elf.h"
#include "lib/os/memory_source.h"

namespace triage::os {

/// One line of /proc/<pid>/maps (proc(5)).
struct Mapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;
  std::uint64_t inode = 0;
  bool readable = false;
  bool executable = false;
  std::string device;  ///< "fe:00"
  std::string path;    ///< empty for anonymous memory, "[stack]", or a path as the process sees it
};

/// Lines that are no mapping are left out.
std::vector<Mapping> parse_maps(std::string_view text);

/// A place in a file that the process runs.
struct CodePlace {
  const ElfFile* file = nullptr;
  std::uint64_t address = 0;  ///< as the file numbers it
  std::uint64_t bias = 0;     ///< address in the process minus address in the file
  std::string_view path;
};

class ProcessImage {
 public:
  /// Throws Error{not_found} when the process is gone, Error{refused} without the right to look.
  explicit ProcessImage(pid_t pid);
  ProcessImage(const ProcessImage&) = delete;
  ProcessImage& operator=(const ProcessImage&) = delete;
  ~ProcessImage();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Reads the map again: the process mapped new memory.
  void refresh();
  [[nodiscard]] const Mapping* find(std::uint64_t address) const;
  [[nodiscard]] const std::vector<Mapping>& mappings() const { return mappings_; }
  /// The file behind an address; nothing for anonymous memory and files that cannot be opened.
  [[nodiscard]] std::optional<CodePlace> place(std::uint64_t address) const;
  /// The function at an address, as the file spells it.
  [[nodiscard]] std::optional<ElfSymbol> symbol_at(std::uint64_t address) const;
  /// The file whose name contains `part` ("" is the program itself); nullptr when it is not mapped.
  struct Module;
  [[nodiscard]] const Module* module(std::string_view part) const;

  struct Module {
    std::string path;
    std::uint64_t inode = 0;
    std::string device;
    std::uint64_t bias = 0;         ///< of the first mapping
    std::unique_ptr<ElfFile> file;  ///< empty when it could not be opened or is no ELF file
  };

 private:
  const Module* module_of(const Mapping& mapping) const;
  [[nodiscard]] std::unique_ptr<ElfFile> open(const Mapping& mapping) const;

  pid_t pid_;
  std::vector<Mapping> mappings_;  ///< ascending
  mutable std::vector<std::unique_ptr<Module>> modules_;
};

/// "uv__io_poll" or the readable form of a C++ name without its parameters' types when `brief`.
std::string demangle(std::string_view name, bool brief);

}  // namespace triage::os
