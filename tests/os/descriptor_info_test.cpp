#include "lib/os/descriptor_info.h"

#include <doctest/doctest.h>

using triage::os::parse_descriptor_info;

TEST_CASE("descriptor info: the watched descriptors of an epoll are listed") {
  const auto info = parse_descriptor_info(
      "pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1038\n"
      "tfd:       19 events:       19 data:               13  pos:0 ino:2f5a sdev:8\n"
      "tfd:        7 events:       19 data:                7  pos:0 ino:40e sdev:f\n");
  CHECK(info.watched == std::vector<int>{19, 7});
  CHECK(info.close_on_exec());
}

TEST_CASE("descriptor info: without O_CLOEXEC a child inherits the descriptor") {
  CHECK_FALSE(parse_descriptor_info("pos:\t12\nflags:\t0100001\n").close_on_exec());
  CHECK(parse_descriptor_info("pos:\t12\nflags:\t0100001\n").position == 12);
}

TEST_CASE("descriptor info: inotify watches are counted, and nonsense gives nothing") {
  CHECK(parse_descriptor_info("flags:\t02000000\ninotify wd:2 ino:9e\ninotify wd:1 ino:9d\n")
            .inotify_watches == 2);
  const auto nothing = parse_descriptor_info("tfd: x\nflags:\npos:\n\n\0");
  CHECK(nothing.watched.empty());
  CHECK_FALSE(nothing.flags);
}
