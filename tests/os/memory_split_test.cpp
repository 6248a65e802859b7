#include "lib/os/memory_split.h"

#include <doctest/doctest.h>

using triage::os::parse_memory_split;

TEST_CASE("memory split: V8 pages, malloc, stacks and files are told apart by their mappings") {
  const auto split = parse_memory_split(
      "00400000-00b6f000 r--p 00000000 103:01 42                        /usr/bin/node\n"
      "Rss:                 100 kB\n"
      "0fd36000-10018000 rw-p 00000000 00:00 0                          [heap]\n"
      "Rss:                  10 kB\nSwap:                  7 kB\n"
      "2ddeb40000-2ddeb80000 rw-p 00000000 00:00 0 \n"
      "Rss:                 256 kB\n"
      "7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n"
      "Rss:                   0 kB\n"
      "7f0000001000-7f0000801000 rw-p 00000000 00:00 0 \n"
      "Rss:                  20 kB\n"
      "7f0001000000-7f0001101000 rw-p 00000000 00:00 0 \n"
      "Rss:                1024 kB\n"
      "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                  [stack]\n"
      "Rss:                  30 kB\n");
  CHECK(split.files_bytes == 100 * 1024);
  CHECK(split.v8_heap_bytes == 256 * 1024);
  CHECK(split.malloc_bytes == (10 + 1024) * 1024);
  CHECK(split.stacks_bytes == 50 * 1024);
  CHECK(split.rss_bytes == 1440 * 1024);
  CHECK(split.swapped_bytes == 7 * 1024);
}

TEST_CASE("memory split: nonsense counts as nothing") {
  CHECK(parse_memory_split("").rss_bytes == 0);
  CHECK(parse_memory_split("Rss: x kB\n-\n7f-\nzz-yy rw-p\n").rss_bytes == 0);
}
