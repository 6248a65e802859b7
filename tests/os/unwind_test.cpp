// Reading this very process: its map, its symbols, and its stack by the exception tables.
#include <doctest/doctest.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "lib/base/error.h"
#include "lib/os/process_image.h"
#include "lib/os/threads.h"
#include "lib/os/unwind_table.h"

using namespace triage;

namespace {

os::Registers registers_of(const ucontext_t& context) {
  const auto& greg = context.uc_mcontext.gregs;
  os::Registers registers;
  const std::array<int, os::Registers::count> order{
      REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
      REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  for (unsigned i = 0; i < os::Registers::count; ++i)
    registers.set(i, static_cast<std::uint64_t>(greg[order.at(i)]));
  return registers;
}

/// Names of the functions from here to main, by the tables alone.
__attribute__((noinline)) std::vector<std::string> own_stack() {
  ucontext_t context = {};
  ::getcontext(&context);
  os::Registers registers = registers_of(context);
  const os::ProcessImage image(::getpid());
  const os::ProcessMemory memory(::getpid());
  std::vector<std::string> names;
  for (int depth = 0; depth < 100; ++depth) {
    const auto place = image.place(registers.pc());
    if (!place) break;
    const auto symbol = place->file->at(place->address);
    names.push_back(symbol ? os::demangle(symbol->name, true) : "?");
    if (names.back() == "main") break;
    if (!os::unwind_by_table(*place->file, place->bias, depth > 0, memory, registers)) break;
  }
  return names;
}

__attribute__((noinline)) std::vector<std::string> outer_function() {
  auto names = own_stack();
  names.emplace_back("end");
  return names;
}

}  // namespace

TEST_CASE("unwind: the tables lead from a function through its callers to main") {
  const auto names = outer_function();
  REQUIRE(names.size() > 4);
  CHECK(names[0].find("own_stack") != std::string::npos);
  CHECK(names[1].find("outer_function") != std::string::npos);
  CHECK(std::find(names.begin(), names.end(), "main") != names.end());
}

TEST_CASE("elf: symbols are found by name, by address, and not when they do not exist") {
  const os::ElfFile file("/proc/self/exe");
  const auto found = file.find("main");
  REQUIRE(found);
  const auto again = file.at(found->address + 1);
  REQUIRE(again);
  CHECK(again->name == "main");
  CHECK_FALSE(file.find("no_such_symbol_here"));
  CHECK_FALSE(file.find(""));
}

TEST_CASE("elf: an exported symbol of libc is found through the hash table") {
  const os::ProcessImage image(::getpid());
  const auto* libc = image.module("libc.so");
  REQUIRE(libc != nullptr);
  REQUIRE(libc->file);
  const auto symbol = libc->file->find_exported("getpid");
  REQUIRE(symbol);
  CHECK(libc->bias + symbol->address == reinterpret_cast<std::uint64_t>(&::getpid));
  CHECK_FALSE(libc->file->find_exported("getpid_not"));
}

TEST_CASE("elf: a file that is none gives malformed") {
  CHECK_THROWS_AS(os::ElfFile("/proc/self/status"), Error);
  CHECK_THROWS_AS(os::ElfFile("/does/not/exist"), Error);
}

TEST_CASE("maps: each line gives one mapping and other lines none") {
  const auto mappings = os::parse_maps(
      "00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/dbus daemon\n"
      "garbage\n"
      "7ffd0000-7ffd1000 rw-p 00000000 00:00 0           [stack]\n"
      "7f000000-7f001000 rwxp 00000000 00:00 0 \n");
  REQUIRE(mappings.size() == 3);
  CHECK(mappings[0].path == "/usr/bin/dbus daemon");
  CHECK(mappings[0].offset == 0x1000);
  CHECK(mappings[0].inode == 173521);
  CHECK(mappings[1].path == "[stack]");
  CHECK_FALSE(mappings[1].executable);
  CHECK(mappings[2].executable);
  CHECK(mappings[2].path.empty());
}

TEST_CASE("threads: the three forms of the syscall file") {
  CHECK(os::parse_syscall("running\n")->running);
  const auto blocked =
      os::parse_syscall("232 0xd 0x7ffc0 0x400 0xffffffffffffffff 0x0 0x8 0x7ffcaa 0x7f12\n");
  REQUIRE(blocked);
  CHECK(blocked->number == 232);
  CHECK(blocked->arguments[0] == 13);
  CHECK(blocked->stack_pointer == 0x7ffcaa);
  CHECK(blocked->program_counter == 0x7f12);
  const auto outside = os::parse_syscall("-1 0x7ffcaa 0x7f12\n");
  REQUIRE(outside);
  CHECK(outside->number == -1);
  CHECK_FALSE(os::parse_syscall("nonsense"));
  CHECK_FALSE(os::parse_syscall(""));
}

TEST_CASE("memory: a copied stack lies over the live one, also for reads across its edge") {
  std::array<std::byte, 32> live{};
  const os::ProcessMemory memory(::getpid());
  std::array<std::byte, 16> copy{};
  copy.fill(std::byte{7});
  const auto address = reinterpret_cast<std::uint64_t>(live.data());
  const os::OverlayMemory overlay(memory, address + 8, copy);
  std::array<std::byte, 32> out{};
  REQUIRE(overlay.read(address, out) == 32);
  CHECK(out[7] == std::byte{0});
  CHECK(out[8] == std::byte{7});
  CHECK(out[23] == std::byte{7});
  CHECK(out[24] == std::byte{0});
  CHECK_FALSE(memory.value<std::uint64_t>(8));
}
