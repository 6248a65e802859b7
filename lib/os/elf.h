#pragma once

/// A reader of ELF files for what attaching to a process needs: symbols by name and by address, the
/// place of an address in the file, exception-frame tables. It maps the file, looks names up
/// through the hash table (microseconds) and builds the table of addresses on first use. 64-bit
/// little endian only. Source: System V ABI and its x86-64 supplement, elf(5). Files of a target
/// are not trusted: each offset is checked.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/os/fd.h"

namespace triage::os {

/// A file mapped for reading.
class MappedFile {
 public:
  /// Throws Error{not_found, refused}.
  explicit MappedFile(const std::string& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

struct ElfSymbol {
  std::string_view name;  ///< as in the file, mangled; lives as long as the ElfFile
  std::uint64_t address = 0;
  std::uint64_t size = 0;  ///< bytes, 0 when the file does not say
};

struct ElfSegment {
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t file_size = 0;
  std::uint64_t memory_size = 0;
  bool executable = false;
};

class ElfFile {
 public:
  /// Throws Error{not_found} for a missing file, Error{malformed} for one that is no 64-bit
  /// little-endian ELF file.
  explicit ElfFile(const std::string& path);

  /// An exported symbol (.dynsym), through the GNU hash table.
  [[nodiscard]] std::optional<ElfSymbol> find_exported(std::string_view name) const;
  /// Exported symbols first, then .symtab; the latter is a pass over the whole table.
  [[nodiscard]] std::optional<ElfSymbol> find(std::string_view name) const;
  /// The function or object symbol that covers `address`, or the last one before it when no size
  /// is known.
  [[nodiscard]] std::optional<ElfSymbol> at(std::uint64_t address) const;
  [[nodiscard]] bool has_symbol_table() const { return !symbol_table_.symbols.empty(); }

  [[nodiscard]] const std::vector<ElfSegment>& segments() const { return segments_; }
  /// The address that a place in the file is meant for; nothing outside of the loaded segments.
  [[nodiscard]] std::optional<std::uint64_t> address_of_offset(std::uint64_t offset) const;
  /// The bytes that the file has for an address, up to `size`; empty outside of the file.
  [[nodiscard]] std::span<const std::byte> content(std::uint64_t address, std::size_t size) const;
  template <class Value>
  [[nodiscard]] std::optional<Value> value(std::uint64_t address) const {
    const auto bytes = content(address, sizeof(Value));
    if (bytes.size() < sizeof(Value)) return std::nullopt;
    Value result{};
    std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(&result, 1)).begin());
    return result;
  }
  /// Address of .eh_frame_hdr (the segment PT_GNU_EH_FRAME); nothing when there is none.
  [[nodiscard]] std::optional<std::uint64_t> exception_table() const { return exception_table_; }
  /// Size in memory of the thread-local segment, rounded up to its alignment; 0 when there is none.
  [[nodiscard]] std::uint64_t thread_local_size() const { return thread_local_size_; }

 private:
  struct Table {
    std::span<const std::byte> symbols;  ///< Elf64_Sym each
    std::span<const std::byte> names;
  };
  struct Range {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    std::uint32_t name = 0;
    bool exported = false;
  };
  void read_segments();
  void read_sections();
  [[nodiscard]] std::optional<ElfSymbol> symbol(const Table& table, std::size_t index) const;
  [[nodiscard]] std::optional<ElfSymbol> scan(const Table& table, std::string_view name) const;
  [[nodiscard]] std::span<const std::byte> part(std::uint64_t offset, std::uint64_t size) const;
  void index_addresses() const;

  MappedFile file_;
  std::vector<ElfSegment> segments_;
  std::optional<std::uint64_t> exception_table_;
  std::uint64_t thread_local_size_ = 0;
  Table exported_;
  Table symbol_table_;
  std::span<const std::byte> hash_;
  mutable std::vector<Range> by_address_;
  mutable bool indexed_ = false;
};

}  // namespace triage::os
