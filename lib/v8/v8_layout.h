#pragma once

/// Where V8 keeps what in memory: instance types, frame types and field offsets of one build. First
/// from the build itself (the v8dbg_ constants that V8 exports for debuggers,
/// tools/gen-postmortem-metadata.py), and where a build lacks a constant, from a table per V8
/// version that stands in v8_layout.cpp. x86-64, full pointers.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace triage::v8 {

struct V8Version {
  int major = 0;
  int minor = 0;
  int build = 0;
};

/// -1: the version has no such thing.
struct V8Layout {
  V8Version version;
  bool known_version = false;  ///< one that the table was checked against: 10.2, 11.3, 12.4, 13.6

  int first_nonstring_type = 0;
  int first_function_type = 0;
  int last_function_type = 0;
  int map_type = 0;
  int shared_type = 0;
  int script_type = 0;
  int code_type = 0;
  int bytecode_array_type = 0;
  int scope_info_type = 0;
  int byte_array_type = 0;
  int trusted_byte_array_type = 0;
  int fixed_array_type = 0;
  int regexp_type = 0;
  int shared_wrapper_type = 0;
  int uncompiled_data_first_type = 0;

  int frame_entry = 0;
  int frame_construct_entry = 0;
  int frame_exit = 0;
  int frame_builtin_exit = 0;
  int frame_regexp = 0;
  int frame_wasm = 0;
  int frame_construct = 0;

  int map_instance_type = 0;
  int string_length = 0;
  int string_chars = 0;
  int cons_first = 0;
  int cons_second = 0;
  int sliced_parent = 0;
  int sliced_offset = 0;
  int thin_actual = 0;
  int external_data = 0;
  int function_shared = 0;
  int shared_name = 0;
  int shared_script = 0;
  int script_source = 0;
  int script_name = 0;
  int script_line_ends = 0;
  int bytecode_data = 0;
  int bytecode_positions = 0;
  int code_start = 0;        ///< a pointer, or with `code_inline` the instructions themselves
  bool code_inline = false;  ///< V8 10: instructions follow the header of the Code object
  int code_flags = 0;
  int code_size = 0;
  int code_deoptimization = 0;  ///< of baseline code: the bytecode array
  int code_positions = 0;       ///< of baseline code: the table of bytecode offsets
  int code_kind_mask = 0;
  int code_kind_baseline = 0;
  int deoptimization_literals = 0;   ///< index
  int deoptimization_inlinings = 0;  ///< index
  int scope_flags_raw = 0;           ///< 1: a raw 32-bit word, 0: a Smi
  int scope_first_local = 0;         ///< byte offset of the first local name
  int regexp_source = 0;             ///< in the JSRegExp, or in its data with `regexp_data`
  int regexp_data = 0;  ///< offset of the data object; -1: the source is in the JSRegExp

  std::vector<std::string> from_table;  ///< members that came from the table, for -v
};

/// Value of an exported 4-byte constant of the build ("v8dbg_type_Code__CODE_TYPE").
using ConstantLookup = std::function<std::optional<std::int32_t>(std::string_view)>;

/// Throws Error{malformed} when the build exports no v8dbg_ constants at all.
V8Layout read_layout(V8Version version, const ConstantLookup& lookup);
/// The table alone, for tests of the readers.
V8Layout layout_of_version(V8Version version);

}  // namespace triage::v8
