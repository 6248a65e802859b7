#include "lib/net/http_options.h"

#include <doctest/doctest.h>

#include "tests/support/command.h"

using namespace triage;

TEST_CASE("http options: secrets come from files without their line end, headers are taken apart") {
  const testing::TemporaryDirectory directory;
  net::HttpOptions options;
  options.bearer_token_file = directory.write("token", "abc.def\n");
  options.tenant = "shop";
  options.headers = {"X-Reason: on call"};
  const auto client = net::client_options(options, "Loki");
  CHECK(client.bearer_token == "abc.def");
  CHECK(client.headers == net::Pairs{{"X-Scope-OrgID", "shop"}, {"X-Reason", "on call"}});
}

TEST_CASE("http options: a missing file, a token of two lines and a bad header are refused") {
  const testing::TemporaryDirectory directory;
  net::HttpOptions options;
  options.bearer_token_file = "/nonexistent/token";
  CHECK_THROWS_AS(net::client_options(options, "Loki"), Error);
  options.bearer_token_file = directory.write("token", "a\nb\n");
  CHECK_THROWS_AS(net::client_options(options, "Loki"), Error);
  options = {};
  options.headers = {"no colon"};
  CHECK_THROWS_AS(net::client_options(options, "Loki"), Error);
  options = {};
  options.key = "/nonexistent/key.pem";
  CHECK_THROWS_AS(net::client_options(options, "Loki"), Error);
}
