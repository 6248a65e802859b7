#include "lib/base/redact.h"

#include <doctest/doctest.h>

#include "lib/base/json.h"

namespace {

std::string redacted(std::string_view text) {
  return triage::Redactor().apply(text);
}

std::string without_addresses(std::string_view text) {
  triage::Redactor redactor({true, true});
  return redactor.apply(text);
}

}  // namespace

TEST_CASE("redact: the password of a connection URL goes, user and host stay") {
  CHECK(redacted("connect postgres://app:s3cr:et@db:5432/orders failed") ==
        "connect postgres://app:***@db:5432/orders failed");
  CHECK(redacted("redis://:pw@cache/0") == "redis://:***@cache/0");
  CHECK(redacted("postgres://app:p/w#x@db/orders") == "postgres://app:***@db/orders");
  CHECK(redacted("postgres://app@db/orders") == "postgres://app@db/orders");
  CHECK(redacted("GET http://host:8080/users/@me") == "GET http://host:8080/users/@me");
  CHECK(redacted("http://[::1]:80/") == "http://[::1]:80/");
}

TEST_CASE("redact: values of secret keys go in every common notation") {
  CHECK(redacted("host=db password=hunter2 user=app") == "host=db password=*** user=app");
  CHECK(redacted("PGPASSWORD='a b' psql") == "PGPASSWORD='***' psql");
  CHECK(redacted(R"({"password":"a\"b","n":1})") == R"({"password":"***","n":1})");
  CHECK(redacted(R"({"pin":1,"api_key": 12345, "x":2})") == R"({"pin":1,"api_key": "***", "x":2})");
  CHECK(redacted(R"("{\"clientSecret\":\"abc\",\"n\":1}")") ==
        R"("{\"clientSecret\":\"***\",\"n\":1}")");
  CHECK(redacted("{ accessToken: 'abc', id: 7 }") == "{ accessToken: '***', id: 7 }");
  CHECK(redacted("GET /x?token=abc&page=2") == "GET /x?token=***&page=2");
  CHECK(redacted("psql --password hunter2 -h db") == "psql --password *** -h db");
  CHECK(redacted("ALTER ROLE app PASSWORD 'it''s'").find("it") == std::string::npos);
  CHECK(redacted(R"("set-cookie":["a=1; Path=/","b=2"],"n":1)") == R"("set-cookie":["***"],"n":1)");
}

TEST_CASE("redact: authorization headers go with every word of their value") {
  CHECK(redacted("Authorization: Bearer abc.def-123\nHost: x") == "Authorization: ***\nHost: x");
  CHECK(redacted("curl -H 'Authorization: Basic dXNlcjpwdw==' http://x") ==
        "curl -H 'Authorization: ***' http://x");
  CHECK(redacted("sent Bearer abcdef0123456789 to x") == "sent Bearer *** to x");
  CHECK(redacted("Cookie: sid=1; theme=dark\nok") == "Cookie: ***\nok");
  CHECK(redacted("authorization=Bearer abc123 status=401") == "authorization=*** status=401");
}

TEST_CASE("redact: secrets are known by their shape") {
  CHECK(redacted("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1 here") == "got *** here");
  CHECK(redacted("key AKIAIOSFODNN7EXAMPLE used") == "key *** used");
  CHECK(redacted("https://ghp_0123456789abcdefghijABCDEF@github.com/x") ==
        "https://***@github.com/x");
  CHECK(redacted("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb") ==
        "a\n-----PRIVATE KEY ***-----\nb");
  CHECK(redacted(R"({"k":"\n-----BEGIN PRIVATE KEY-----\nMIIE)") ==
        R"({"k":"\n-----PRIVATE KEY ***-----)");
  CHECK(redacted("-----BEGIN CERTIFICATE-----\nMIIE") == "-----BEGIN CERTIFICATE-----\nMIIE");
}

TEST_CASE("redact: prose and numbers of logs stay as they are") {
  for (const std::string_view text :
       {"password authentication failed for user \"app\"", "token_count=5 max_tokens: 100",
        "Basic authentication is required", "PWD=/home/app", "Unexpected token } in JSON",
        "2026-11-24 02:04:31.123 UTC [77] app@orders ERROR:  deadlock detected",
        "bypass=3 compass: north", "10.0.0.1 a@b.org", R"({"token":null,"secret":""})"})
    CHECK(redacted(text) == text);
}

TEST_CASE("redact: a second pass changes nothing") {
  for (const std::string_view text :
       {"postgres://a:b@c/d password=x", R"({"token":"a","cookie":[1]})", "Bearer abcdef0123456789",
        "Authorization: Basic abc=", "-----BEGIN PRIVATE KEY-----x"}) {
    const std::string once = redacted(text);
    CHECK(redacted(once) == once);
  }
}

TEST_CASE("redact: equal addresses get the same token") {
  CHECK(without_addresses("a+x@b.org from 10.0.0.1, then c@d.org and a+x@b.org from 10.0.0.1.") ==
        "<email:1> from <ip:1>, then <email:2> and <email:1> from <ip:1>.");
  CHECK(without_addresses("peer fe80::1 at 02:04:31 in std::add::x [::1]:80") ==
        "peer <ip:1> at 02:04:31 in std::add::x [<ip:2>]:80");
  CHECK(without_addresses("postgres://app@db.example.org/x").find("<email") == std::string::npos);
}

TEST_CASE("redact: JSON documents lose the values of secret keys, not the keys") {
  triage::Redactor redactor;
  const auto document = triage::Json::parse(
      R"({"a":"password=x","token":{"id":1,"on":true},"list":["postgres://a:b@c"],"cookie":null})");
  CHECK(redactor.apply(document).dump() ==
        R"({"a":"password=***","token":{"id":"***","on":true},"list":["postgres://a:***@c"],)"
        R"("cookie":null})");
  CHECK(redactor.hits().at("secret_value") == 2);
  CHECK(redactor.hits().at("url_password") == 1);
}

TEST_CASE("redact: switched off it returns its input") {
  triage::Redactor redactor({false, true});
  CHECK(redactor.apply(std::string_view("password=x a@b.org")) == "password=x a@b.org");
}

TEST_CASE("redact: hostile megabytes end") {
  for (const std::string_view part :
       {"password=\"", "password=\\\"x'", "://", "://a:b", "a@", "-----BEGIN ", "::", "eyJ.",
        "token=[", "token=[\n", "http://x ", "://a:1@", "basic/",
        "Cookie: ", "-----BEGIN PRIVATE KEY-----END ", "x:y@z://", "Bearer "}) {
    std::string text;
    while (text.size() < (1U << 20U)) text += part;
    CHECK(!without_addresses(text).empty());
  }
}
