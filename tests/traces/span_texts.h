#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "lib/traces/forest.h"
#include "lib/traces/span_reader.h"

/// What the tests of this folder share: from text to spans.
namespace test {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::string hex(int number) {
  return fmt::format("{:x}", number);
}

inline triage::traces::SpanTable read_spans(std::string_view text) {
  triage::JsonCursor cursor(triage::read_from(text));
  triage::traces::SpanTableBuilder builder;
  triage::traces::SpanReader(cursor, builder).read();
  return builder.take();
}

inline triage::traces::Forest read_forest(std::string_view text) {
  return triage::traces::Forest(read_spans(text));
}

}  // namespace test
