#include "lib/v8/position_table.h"

#include <doctest/doctest.h>

#include <vector>

#include "lib/v8/script_table.h"
#include "lib/v8/script_url.h"

using namespace triage::v8;

namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::vector<std::int32_t> line_ends_of(std::string_view text) {
  SourceScanner scanner;
  scanner.feed({std::as_bytes(std::span(text)), false});
  return scanner.line_ends();
}

}  // namespace

TEST_CASE("position_table: the last entry at or before the offset is taken") {
  // code +1 (statement), position value +22 -> offset 0, script offset 10; then +5, +20
  const auto table = bytes_of({2, 44, 10, 40});
  CHECK(position_at(table, 0)->script_offset == 10);
  CHECK(position_at(table, 4)->script_offset == 10);
  CHECK(position_at(table, 5)->script_offset == 20);
  CHECK_FALSE(position_at({}, 3));
  CHECK_FALSE(position_at(table, -1));
}

TEST_CASE("position_table: a cut table gives what is whole") {
  const auto table = bytes_of({2, 44, 0x80, 0x80});
  CHECK(position_at(table, 100)->script_offset == 10);
}

TEST_CASE("position_table: the prologue of baseline code belongs to no bytecode") {
  // bytecodes of length 2 each; machine code: prologue 10, then 4 and 6 bytes
  const BytecodeSizes sizes(3 * 10, 2);
  const auto bytecodes = bytes_of({5, 0, 6, 0});
  const auto table = bytes_of({10, 4, 6});
  CHECK(bytecode_of_baseline(table, bytecodes, sizes, 12) == 0);
  CHECK(bytecode_of_baseline(table, bytecodes, sizes, 14) == 0);
  CHECK(bytecode_of_baseline(table, bytecodes, sizes, 15) == 2);
  CHECK_FALSE(bytecode_of_baseline(table, bytecodes, sizes, 100));
}

TEST_CASE("script_table: line ends are those of JavaScript, and CRLF counts once") {
  CHECK(line_ends_of("a\nb\r\nc\rd") == std::vector<std::int32_t>{1, 4, 6});
  CHECK(line_ends_of("").empty());
}

TEST_CASE("script_table: the last source map comment wins, also behind code") {
  SourceScanner scanner;
  const std::string_view text =
      "//# sourceMappingURL=old.map\nx/2; // no map\n})();//# sourceMappingURL=app.js.map";
  scanner.feed({std::as_bytes(std::span(text)), false});
  CHECK(scanner.source_map_url() == "app.js.map");
}

TEST_CASE("script_url: packages of npm, pnpm, scopes, Node's own and own code") {
  CHECK(package_of_url("/app/node_modules/pg/lib/client.js") == "pg");
  CHECK(package_of_url("file:///app/node_modules/.pnpm/a@1/node_modules/@s/b/x.mjs") == "@s/b");
  CHECK(package_of_url("node:internal/timers") == "node");
  CHECK(package_of_url("/app/server.js").empty());
  CHECK(path_of_url("file:///app/a%20b.mjs") == "/app/a b.mjs");
}
