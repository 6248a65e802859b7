# Run by triage_embed: writes a .cpp with one byte array per file.
set(arrays "")
set(rows "")
set(index 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(APPEND arrays "const char file_${index}[] = {${bytes}'\\0'};\n")
  string(APPEND rows "    {\"${name}\", {file_${index}, sizeof file_${index} - 1}},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Generated from: ${FILES}
#include \"lib/base/embedded.h\"
namespace triage::embedded {
namespace {
${arrays}const File files[] = {
${rows}};
}  // namespace
std::span<const File> ${SYMBOL}() { return files; }
}  // namespace triage::embedded
")
