#include "lib/net/url.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"

using triage::net::parse_url;
using triage::net::to_string;

TEST_CASE("url: all parts are taken apart, and the login does not show again") {
  const auto url =
      parse_url("HTTPS://al%69ce:s%3Acret@prom.example:9443/api?x=1&y=%20#top", "PROM");
  CHECK(url.scheme == "https");
  CHECK(url.user == "alice");
  CHECK(url.password == "s:cret");
  CHECK(url.host == "prom.example");
  CHECK(url.port == 9443);
  CHECK(url.path == "/api");
  CHECK(url.query == "x=1&y=%20");
  CHECK(to_string(url) == "https://prom.example:9443/api?x=1&y=%20");
}

TEST_CASE("url: a host alone is http on port 80, also as IPv6") {
  CHECK(to_string(parse_url("localhost", "x")) == "http://localhost/");
  CHECK(to_string(parse_url("[::1]:9090", "x")) == "http://[::1]:9090/");
  CHECK(parse_url("https://h", "x").port == 443);
}

TEST_CASE("url: what is no address is refused with its place") {
  for (const char* text : {"", "http://", "http://h:99999", "http://h:x", "ftp://h", "http://[::1",
                           "http://h /x", "http://h:80x/"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_url(text, "PROMETHEUS_URL"), triage::Error);
  }
}

TEST_CASE("url: a component keeps nothing that has a meaning") {
  CHECK(triage::net::encode_component("a b&c=d/é~") == "a%20b%26c%3Dd%2F%C3%A9~");
}
