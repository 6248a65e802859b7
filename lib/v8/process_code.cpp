#include "lib/v8/process_code.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/os/unwind_table.h"

namespace triage::v8 {
namespace {

std::optional<std::int32_t> exported_int(const os::ElfFile& file, const std::string& name) {
  const auto symbol = file.find_exported(name);
  return symbol ? file.value<std::int32_t>(symbol->address) : std::nullopt;
}

bool has_v8(const os::ProcessImage::Module* module) {
  return module != nullptr && module->file &&
         module->file->find_exported("v8dbg_class_JSFunction__shared__SharedFunctionInfo");
}

/// The program, or the libnode.so that a distribution's program loads.
const os::ProcessImage::Module* find_v8(const os::ProcessImage& image) {
  for (const std::string_view part : {"", "libnode.so", "libv8"}) {
    const auto* module = image.module(part);
    if (has_v8(module)) return module;
  }
  return nullptr;
}

[[noreturn]] void no_v8(const os::ProcessImage& image) {
  // says so when the file is none that we can read (32-bit, no permission)
  const os::ElfFile program(fmt::format("/proc/{}/exe", image.pid()));
  const auto* module = image.module("");
  throw Error(ErrorCode::not_found,
              fmt::format("process {} ({}) is no Node.js that can be read: it exports none of V8's "
                          "v8dbg_ constants",
                          image.pid(), module != nullptr ? module->path : "unknown program"),
              "name a Node.js 18 to 24 process; list them with: pgrep -a node");
}

}  // namespace

ProcessCode::ProcessCode(os::ProcessImage& image, const os::MemorySource& memory) : image_(image) {
  module_ = find_v8(image);
  if (module_ == nullptr) no_v8(image);
  const os::ElfFile& file = *module_->file;
  V8Version version;
  version.major = exported_int(file, "_ZN2v88internal7Version6major_E").value_or(0);
  version.minor = exported_int(file, "_ZN2v88internal7Version6minor_E").value_or(0);
  version.build = exported_int(file, "_ZN2v88internal7Version6build_E").value_or(0);
  layout_ = read_layout(version, [&](std::string_view name) {
    return exported_int(file, fmt::format("v8dbg_{}", name));
  });
  if (const auto sizes = file.find("_ZN2v88internal11interpreter9Bytecodes14kBytecodeSizesE")) {
    const auto bytes = file.content(sizes->address, sizes->size);
    for (const auto byte : bytes) bytecode_sizes_.push_back(std::to_integer<std::uint8_t>(byte));
  }
  find_builtins(memory);
}

/// What a function returns that only loads one variable or constant: "mov rax, [rip+x]",
/// "mov eax, [rip+x]", "lea rax, [rip+x]", "mov eax, x", after an optional "push rbp; mov rbp,
/// rsp".
std::optional<std::uint64_t> ProcessCode::returned_by(std::string_view accessor,
                                                      const os::MemorySource& memory) const {
  const auto symbol = module_->file->find_exported(accessor);
  if (!symbol) return std::nullopt;
  const auto code = module_->file->content(symbol->address, 32);
  const auto at = [&](std::size_t i) {
    return i < code.size() ? std::to_integer<unsigned>(code[i]) : 0U;
  };
  std::size_t i = 0;
  if (at(i) == 0xf3 && at(i + 1) == 0x0f) i += 4;  // endbr64
  if (at(i) == 0x55) i += 4;
  const bool wide = at(i) == 0x48;
  if (wide) ++i;
  const auto operand = module_->file->value<std::int32_t>(symbol->address + i + 2);
  if (!operand) return std::nullopt;
  const std::uint64_t target =
      module_->bias + symbol->address + i + 6 + static_cast<std::uint64_t>(std::int64_t{*operand});
  if (at(i) == 0xb8) {
    const auto value = module_->file->value<std::uint32_t>(symbol->address + i + 1);
    return value ? std::optional<std::uint64_t>(*value) : std::nullopt;
  }
  if (at(i) == 0x8d && at(i + 1) == 0x05) return target;
  if (at(i) != 0x8b || at(i + 1) != 0x05) return std::nullopt;
  if (wide) return memory.value<std::uint64_t>(target);
  const auto value = memory.value<std::uint32_t>(target);
  return value ? std::optional<std::uint64_t>(*value) : std::nullopt;
}

void ProcessCode::find_builtins(const os::MemorySource& memory) {
  const os::ElfFile& file = *module_->file;
  if (const auto size = file.find("v8_Default_embedded_blob_code_size_")) {
    auto start = file.find("v8_Default_embedded_blob_code_data_");
    if (!start) start = file.find("v8_Default_embedded_blob_code_");
    if (start) {
      blob_start_ = start->address;
      blob_size_ = file.value<std::uint32_t>(size->address).value_or(0);
      return;
    }
  }
  const auto start = returned_by("_ZN2v88internal7Isolate23CurrentEmbeddedBlobCodeEv", memory);
  const auto size = returned_by("_ZN2v88internal7Isolate27CurrentEmbeddedBlobCodeSizeEv", memory);
  if (start && size && *size < (64U << 20U)) {
    const auto place = image_.place(*start);
    if (place && place->file == &file) {
      blob_start_ = place->address;
      blob_size_ = *size;
    }
  }
}

CodeArea ProcessCode::area(std::uint64_t address) const {
  const os::Mapping* mapping = image_.find(address);
  if (mapping == nullptr || !mapping->executable) return CodeArea::none;
  if (mapping->inode == 0)
    return mapping->path.empty() || mapping->path.starts_with("[anon") ? CodeArea::generated
                                                                       : CodeArea::native;
  if (blob_size_ == 0) return CodeArea::native;
  const auto place = image_.place(address);
  const bool builtin = place && place->file == module_->file.get() &&
                       place->address >= blob_start_ && place->address - blob_start_ < blob_size_;
  return builtin ? CodeArea::builtin : CodeArea::native;
}

std::uint64_t ProcessCode::mapping_start(std::uint64_t address) const {
  const os::Mapping* mapping = image_.find(address);
  return mapping != nullptr ? mapping->start : address;
}

std::string ProcessCode::symbol(std::uint64_t address) const {
  const auto found = image_.symbol_at(address);
  return found ? os::demangle(found->name, true) : std::string();
}

std::string ProcessCode::library(std::uint64_t address) const {
  const os::Mapping* mapping = image_.find(address);
  return mapping != nullptr ? mapping->path : std::string();
}

bool ProcessCode::unwind(bool is_return_address, const os::MemorySource& memory,
                         os::Registers& registers) const {
  const auto place = image_.place(registers.pc() - (is_return_address ? 1 : 0));
  return place &&
         os::unwind_by_table(*place->file, place->bias, is_return_address, memory, registers);
}

}  // namespace triage::v8
