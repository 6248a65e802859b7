#include "lib/v8/v8_layout.h"

#include <array>

#include "lib/base/error.h"

namespace triage::v8 {
namespace {

/// One value: where it goes, under which names a build may export it, and what V8 10.2, 11.3, 12.4
/// and 13.6 (Node 18, 20, 22, 24) have.
struct Row {
  std::string_view name;  ///< for -v
  int V8Layout::*member;
  std::array<std::string_view, 3> constants;
  std::array<int, 4> versions;
};

using L = V8Layout;

constexpr std::array<Row, 51> rows{{
    {"first_nonstring_type",
     &L::first_nonstring_type,
     {"FirstNonstringType"},
     {128, 128, 128, 128}},
    {"first_function_type",
     &L::first_function_type,
     {"FirstJSFunctionType", "type_JSFunction__JS_FUNCTION_TYPE"},
     {2065, 2066, 2066, 2065}},
    {"last_function_type",
     &L::last_function_type,
     {"LastJSFunctionType"},
     {2079, 2080, 2082, 2081}},
    {"map_type", &L::map_type, {"type_Map__MAP_TYPE"}, {254, 259, 270, 278}},
    {"shared_type",
     &L::shared_type,
     {"type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE"},
     {257, 262, 274, 282}},
    {"script_type", &L::script_type, {"type_Script__SCRIPT_TYPE"}, {170, 167, 167, 167}},
    {"code_type", &L::code_type, {"type_Code__CODE_TYPE"}, {240, 245, 206, 187}},
    {"bytecode_array_type",
     &L::bytecode_array_type,
     {"type_BytecodeArray__BYTECODE_ARRAY_TYPE"},
     {195, 191, 205, 186}},
    {"scope_info_type",
     &L::scope_info_type,
     {"type_ScopeInfo__SCOPE_INFO_TYPE"},
     {256, 261, 272, 280}},
    {"byte_array_type",
     &L::byte_array_type,
     {"type_ByteArray__BYTE_ARRAY_TYPE"},
     {194, 190, 186, 217}},
    {"trusted_byte_array_type",
     &L::trusted_byte_array_type,
     {"type_TrustedByteArray__TRUSTED_BYTE_ARRAY_TYPE"},
     {-1, -1, 212, 196}},
    {"fixed_array_type",
     &L::fixed_array_type,
     {"type_FixedArray__FIXED_ARRAY_TYPE"},
     {179, 175, 174, 205}},
    {"regexp_type", &L::regexp_type, {"type_JSRegExp__JS_REG_EXP_TYPE"}, {2120, 2131, 2133, 2137}},
    {"shared_wrapper_type",
     &L::shared_wrapper_type,
     {"type_SharedFunctionInfoWrapper__SHARED_FUNCTION_INFO_WRAPPER_TYPE"},
     {-1, -1, -1, 195}},
    {"frame_entry", &L::frame_entry, {"frametype_EntryFrame"}, {1, 1, 1, 1}},
    {"frame_construct_entry",
     &L::frame_construct_entry,
     {"frametype_ConstructEntryFrame"},
     {2, 2, 2, 2}},
    {"frame_exit", &L::frame_exit, {"frametype_ExitFrame"}, {3, 3, 3, 3}},
    {"frame_builtin_exit",
     &L::frame_builtin_exit,
     {"frametype_BuiltinExitFrame"},
     {22, 25, 26, 27}},
    {"frame_regexp", &L::frame_regexp, {"frametype_IrregexpFrame"}, {-1, 27, 29, 31}},
    {"frame_wasm", &L::frame_wasm, {"frametype_WasmFrame"}, {4, 4, 4, 4}},
    {"frame_construct", &L::frame_construct, {"frametype_ConstructFrame"}, {20, 23, 23, 24}},
    {"map_instance_type",
     &L::map_instance_type,
     {"class_Map__instance_type__uint16_t"},
     {12, 12, 12, 12}},
    {"string_length", &L::string_length, {"class_String__length__int32_t"}, {12, 12, 12, 12}},
    {"string_chars", &L::string_chars, {"class_SeqOneByteString__chars__char"}, {16, 16, 16, 16}},
    {"cons_first", &L::cons_first, {"class_ConsString__first__String"}, {16, 16, 16, 16}},
    {"cons_second", &L::cons_second, {"class_ConsString__second__String"}, {24, 24, 24, 24}},
    {"sliced_parent", &L::sliced_parent, {"class_SlicedString__parent__String"}, {16, 16, 16, 16}},
    {"sliced_offset", &L::sliced_offset, {"class_SlicedString__offset__SMI"}, {24, 24, 24, 24}},
    {"thin_actual", &L::thin_actual, {"class_ThinString__actual__String"}, {16, 16, 16, 16}},
    {"external_data", &L::external_data, {}, {24, 24, 24, 24}},
    {"function_shared",
     &L::function_shared,
     {"class_JSFunction__shared__SharedFunctionInfo"},
     {24, 24, 32, 32}},
    {"shared_name",
     &L::shared_name,
     {"class_SharedFunctionInfo__name_or_scope_info__Object",
      "class_SharedFunctionInfo__name_or_scope_info__Tagged_Object_",
      "class_SharedFunctionInfo__name_or_scope_info__Tagged_NameOrScopeInfoT_"},
     {16, 16, 16, 24}},
    {"shared_script",
     &L::shared_script,
     {"class_SharedFunctionInfo__script_or_debug_info__HeapObject",
      "class_SharedFunctionInfo__script__Tagged_HeapObject_"},
     {32, 32, 32, 40}},
    {"script_source", &L::script_source, {"class_Script__source__Object"}, {8, 8, 8, 8}},
    {"script_name", &L::script_name, {"class_Script__name__Object"}, {16, 16, 16, 16}},
    {"script_line_ends",
     &L::script_line_ends,
     {"class_Script__line_ends__Object"},
     {56, 56, 56, 56}},
    {"bytecode_data",
     &L::bytecode_data,
     {"class_BytecodeArray__data__uintptr_t"},
     {56, 54, 64, 64}},
    {"bytecode_positions", &L::bytecode_positions, {}, {32, 32, 24, 24}},
    {"code_start",
     &L::code_start,
     {"class_Code__instruction_start__Address", "class_Code__instruction_start__uintptr_t"},
     {128, 40, 40, 40}},
    {"code_flags", &L::code_flags, {"class_Code__flags__uint32_t"}, {48, 48, 48, 52}},
    {"code_size", &L::code_size, {"class_Code__instruction_size__int"}, {40, 56, 52, 56}},
    {"code_deoptimization",
     &L::code_deoptimization,
     {"class_Code__deoptimization_data__FixedArray"},
     {16, 16, 8, 8}},
    {"code_positions",
     &L::code_positions,
     {"class_Code__source_position_table__ByteArray"},
     {24, 24, 16, 16}},
    {"code_kind_mask", &L::code_kind_mask, {"CodeKindFieldMask"}, {15, 15, 15, 15}},
    {"code_kind_baseline", &L::code_kind_baseline, {"CodeKindBaseline"}, {11, 11, 10, 10}},
    {"deoptimization_literals",
     &L::deoptimization_literals,
     {"DeoptimizationDataLiteralArrayIndex"},
     {2, 2, 2, 3}},
    {"deoptimization_inlinings",
     &L::deoptimization_inlinings,
     {"DeoptimizationDataInliningPositionsIndex"},
     {7, 7, 7, 8}},
    {"scope_flags_raw", &L::scope_flags_raw, {}, {0, 0, 0, 1}},
    {"scope_first_local", &L::scope_first_local, {}, {32, 32, 32, 48}},
    {"regexp_source",
     &L::regexp_source,
     {"class_RegExpData__source__Tagged_String_"},
     {32, 32, 32, 16}},
    {"regexp_data", &L::regexp_data, {}, {-1, -1, -1, 24}},
}};

std::size_t column_of(V8Version version) {
  if (version.major <= 10) return 0;
  if (version.major == 11) return 1;
  return version.major == 12 ? 2 : 3;
}

bool is_known(V8Version version) {
  constexpr std::array<std::pair<int, int>, 4> checked{{{10, 2}, {11, 3}, {12, 4}, {13, 6}}};
  for (const auto& [major, minor] : checked)
    if (version.major == major && version.minor == minor) return true;
  return false;
}

}  // namespace

V8Layout read_layout(V8Version version, const ConstantLookup& lookup) {
  V8Layout layout;
  layout.version = version;
  layout.known_version = is_known(version);
  layout.code_inline = version.major <= 10;
  std::size_t exported = 0;
  for (const auto& row : rows) {
    layout.*row.member = row.versions.at(column_of(version));
    bool found = false;
    for (const auto name : row.constants) {
      if (name.empty() || found) continue;
      if (const auto value = lookup(name)) {
        layout.*row.member = *value;
        found = true;
      }
    }
    if (found)
      ++exported;
    else
      layout.from_table.emplace_back(row.name);
  }
  if (exported == 0)
    throw Error(ErrorCode::malformed, "the program exports no v8dbg_ constants",
                "it is no Node.js, or a build without them");
  // older builds name the first type of functions only; the last is 14 classes of arrays further
  if (!lookup("LastJSFunctionType")) layout.last_function_type = layout.first_function_type + 14;
  return layout;
}

V8Layout layout_of_version(V8Version version) {
  V8Layout layout;
  layout.version = version;
  layout.known_version = is_known(version);
  layout.code_inline = version.major <= 10;
  for (const auto& row : rows) layout.*row.member = row.versions.at(column_of(version));
  return layout;
}

}  // namespace triage::v8
