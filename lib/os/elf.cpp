#include "lib/os/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/base/error.h"

namespace triage::os {
namespace {

template <class Value>
std::optional<Value> load(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(Value)) return std::nullopt;
  Value value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string_view text_at(std::span<const std::byte> names, std::uint64_t offset) {
  if (offset >= names.size()) return {};
  const char* begin = reinterpret_cast<const char*>(names.data()) + offset;
  return {begin, ::strnlen(begin, names.size() - offset)};
}

/// The hash of DT_GNU_HASH.
std::uint32_t gnu_hash(std::string_view name) {
  std::uint32_t hash = 5381;
  for (const char c : name) hash = hash * 33 + static_cast<unsigned char>(c);
  return hash;
}

bool is_code_or_data(const Elf64_Sym& symbol) {
  const auto type = ELF64_ST_TYPE(symbol.st_info);
  return symbol.st_shndx != SHN_UNDEF && symbol.st_value != 0 &&
         (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE || type == STT_GNU_IFUNC);
}

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info = {};
  if (!fd || ::fstat(fd.get(), &info) != 0)
    throw Error(errno == EACCES || errno == EPERM ? ErrorCode::refused : ErrorCode::not_found,
                fmt::format("{}: {}", path, std::strerror(errno)),
                errno == EACCES || errno == EPERM ? "run the same command with sudo" : "");
  size_ = static_cast<std::size_t>(info.st_size);
  void* data =
      ::mmap(nullptr, std::max<std::size_t>(size_, 1), PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED)  // NOLINT(performance-no-int-to-ptr): the macro of mmap(2)
    throw Error(ErrorCode::malformed, fmt::format("{}: {}", path, std::strerror(errno)));
  data_ = static_cast<const std::byte*>(data);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), std::max<std::size_t>(size_, 1));
}

ElfFile::ElfFile(const std::string& path) : file_(path) {
  const auto header = load<Elf64_Ehdr>(file_.bytes(), 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
    throw Error(ErrorCode::malformed, fmt::format("{} is not an ELF file", path));
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
    throw Error(ErrorCode::malformed, fmt::format("{} is not a 64-bit little-endian file", path));
  read_segments();
  read_sections();
}

std::span<const std::byte> ElfFile::part(std::uint64_t offset, std::uint64_t size) const {
  const auto bytes = file_.bytes();
  if (offset > bytes.size() || bytes.size() - offset < size) return {};
  return bytes.subspan(offset, size);
}

void ElfFile::read_segments() {
  const auto header = load<Elf64_Ehdr>(file_.bytes(), 0);
  for (std::size_t i = 0; header && i < header->e_phnum; ++i) {
    const auto entry = load<Elf64_Phdr>(file_.bytes(), header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!entry) return;
    if (entry->p_type == PT_LOAD)
      segments_.push_back({entry->p_offset, entry->p_vaddr, entry->p_filesz, entry->p_memsz,
                           (entry->p_flags & PF_X) != 0});
    if (entry->p_type == PT_GNU_EH_FRAME) exception_table_ = entry->p_vaddr;
    if (entry->p_type == PT_TLS) {
      const std::uint64_t align = std::clamp<std::uint64_t>(entry->p_align, 1, 1U << 20U);
      thread_local_size_ = (entry->p_memsz + align - 1) / align * align;
    }
  }
}

void ElfFile::read_sections() {
  const auto header = load<Elf64_Ehdr>(file_.bytes(), 0);
  const auto section = [&](std::size_t index) {
    return load<Elf64_Shdr>(file_.bytes(), header->e_shoff + index * sizeof(Elf64_Shdr));
  };
  for (std::size_t i = 0; header && i < header->e_shnum; ++i) {
    const auto entry = section(i);
    if (!entry) return;
    if (entry->sh_type == SHT_GNU_HASH) hash_ = part(entry->sh_offset, entry->sh_size);
    if (entry->sh_type != SHT_DYNSYM && entry->sh_type != SHT_SYMTAB) continue;
    const auto names = section(entry->sh_link);
    if (!names) continue;
    const Table table{part(entry->sh_offset, entry->sh_size),
                      part(names->sh_offset, names->sh_size)};
    (entry->sh_type == SHT_DYNSYM ? exported_ : symbol_table_) = table;
  }
}

std::optional<ElfSymbol> ElfFile::symbol(const Table& table, std::size_t index) const {
  const auto entry = load<Elf64_Sym>(table.symbols, index * sizeof(Elf64_Sym));
  if (!entry || entry->st_shndx == SHN_UNDEF) return std::nullopt;
  return ElfSymbol{text_at(table.names, entry->st_name), entry->st_value, entry->st_size};
}

std::optional<ElfSymbol> ElfFile::scan(const Table& table, std::string_view name) const {
  const std::size_t count = table.symbols.size() / sizeof(Elf64_Sym);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t at = 0;
    std::memcpy(&at, table.symbols.data() + i * sizeof(Elf64_Sym), sizeof at);
    if (at + name.size() >= table.names.size()) continue;
    const auto* text = reinterpret_cast<const char*>(table.names.data()) + at;
    if (text[name.size()] != 0 || std::memcmp(text, name.data(), name.size()) != 0) continue;
    if (auto found = symbol(table, i)) return found;
  }
  return std::nullopt;
}

std::optional<ElfSymbol> ElfFile::find_exported(std::string_view name) const {
  // header {buckets, first symbol, bloom words, shift}, bloom filter, buckets, chains
  const auto buckets = load<std::uint32_t>(hash_, 0);
  const auto first = load<std::uint32_t>(hash_, 4);
  const auto bloom = load<std::uint32_t>(hash_, 8);
  if (!buckets || !first || !bloom || *buckets == 0) return scan(exported_, name);
  const std::uint64_t bucket_table = 16 + std::uint64_t{*bloom} * 8;
  const std::uint64_t chain_table = bucket_table + std::uint64_t{*buckets} * 4;
  const std::uint32_t hash = gnu_hash(name);
  const auto start = load<std::uint32_t>(hash_, bucket_table + std::uint64_t{hash % *buckets} * 4);
  if (!start || *start < *first) return std::nullopt;
  for (std::uint64_t index = *start;; ++index) {
    const auto entry = load<std::uint32_t>(hash_, chain_table + (index - *first) * 4);
    if (!entry) return std::nullopt;
    if ((*entry | 1U) == (hash | 1U)) {
      auto found = symbol(exported_, index);
      if (found && found->name == name) return found;
    }
    if ((*entry & 1U) != 0) return std::nullopt;
  }
}

std::optional<ElfSymbol> ElfFile::find(std::string_view name) const {
  if (name.empty()) return std::nullopt;  // section symbols have no name: the first would match
  if (auto found = find_exported(name)) return found;
  return scan(symbol_table_, name);
}

void ElfFile::index_addresses() const {
  indexed_ = true;
  const auto add = [&](const Table& table, bool exported) {
    const std::size_t count = table.symbols.size() / sizeof(Elf64_Sym);
    by_address_.reserve(by_address_.size() + count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto entry = load<Elf64_Sym>(table.symbols, i * sizeof(Elf64_Sym));
      if (entry && is_code_or_data(*entry))
        by_address_.push_back({entry->st_value, entry->st_size, entry->st_name, exported});
    }
  };
  // .symtab repeats what .dynsym has
  if (has_symbol_table())
    add(symbol_table_, false);
  else
    add(exported_, true);
  // of several names for one place the one with a size, then the first in the file
  std::stable_sort(by_address_.begin(), by_address_.end(), [](const Range& a, const Range& b) {
    return a.address != b.address ? a.address < b.address : (a.size > 0) < (b.size > 0);
  });
}

std::optional<ElfSymbol> ElfFile::at(std::uint64_t address) const {
  if (!indexed_) index_addresses();
  auto found = std::upper_bound(
      by_address_.begin(), by_address_.end(), address,
      [](std::uint64_t value, const Range& range) { return value < range.address; });
  // a symbol without size or a small one inside a larger one: look a few places back
  for (int i = 0; i < 8 && found != by_address_.begin(); ++i) {
    --found;
    if (address - found->address < found->size || (i == 0 && found->size == 0)) {
      const Table& table = found->exported ? exported_ : symbol_table_;
      return ElfSymbol{text_at(table.names, found->name), found->address, found->size};
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ElfFile::address_of_offset(std::uint64_t offset) const {
  for (const auto& segment : segments_)
    if (offset >= segment.offset && offset - segment.offset < segment.file_size)
      return segment.address + (offset - segment.offset);
  return std::nullopt;
}

std::span<const std::byte> ElfFile::content(std::uint64_t address, std::size_t size) const {
  for (const auto& segment : segments_) {
    if (address < segment.address || address - segment.address >= segment.file_size) continue;
    const std::uint64_t offset = address - segment.address;
    return part(segment.offset + offset, std::min<std::uint64_t>(size, segment.file_size - offset));
  }
  return {};
}

}  // namespace triage::os
