#pragma once

#include <memory>
#include <string>

#include "lib/os/process_image.h"
#include "lib/v8/stack_walker.h"
#include "lib/v8/v8_layout.h"

namespace triage::v8 {

/// The code of a running Node.js process: which file holds V8, where V8's embedded builtins lie,
/// and what V8Layout and bytecode lengths its build has.
class ProcessCode final : public CodeMap {
 public:
  /// Throws Error{not_found} when the process runs no V8 that exports v8dbg_ constants,
  /// Error{refused} without the right to read it.
  ProcessCode(os::ProcessImage& image, const os::MemorySource& memory);

  [[nodiscard]] CodeArea area(std::uint64_t address) const override;
  [[nodiscard]] std::uint64_t mapping_start(std::uint64_t address) const override;
  [[nodiscard]] std::string symbol(std::uint64_t address) const override;
  [[nodiscard]] std::string library(std::uint64_t address) const override;
  bool unwind(bool is_return_address, const os::MemorySource& memory,
              os::Registers& registers) const override;

  [[nodiscard]] const V8Layout& layout() const { return layout_; }
  [[nodiscard]] const BytecodeSizes& bytecode_sizes() const { return bytecode_sizes_; }
  /// The file that holds V8: the program, or libnode.so of a distribution.
  [[nodiscard]] const os::ProcessImage::Module& module() const { return *module_; }
  /// Whether native functions have names.
  [[nodiscard]] bool has_symbols() const { return module_->file->has_symbol_table(); }
  [[nodiscard]] bool builtins_known() const { return blob_size_ != 0; }

 private:
  void find_builtins(const os::MemorySource& memory);
  std::optional<std::uint64_t> returned_by(std::string_view accessor,
                                           const os::MemorySource& memory) const;

  os::ProcessImage& image_;
  const os::ProcessImage::Module* module_ = nullptr;
  V8Layout layout_;
  BytecodeSizes bytecode_sizes_;
  std::uint64_t blob_start_ = 0;  ///< address in the file
  std::uint64_t blob_size_ = 0;
};

}  // namespace triage::v8
