#include "lib/net/http.h"

#include <doctest/doctest.h>

#include <chrono>

#include "tests/support/command.h"
#include "tests/support/http_server.h"

using namespace triage;
using namespace std::chrono_literals;
using testing::HttpServer;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;
using Behaviour = testing::ScriptedAnswer::Behaviour;

namespace {

struct Fixture {
  SystemClock clock;
  Session session{clock};

  net::HttpClient client(const HttpServer& server, net::ClientOptions options = {}) {
    options.name = "Prometheus";
    options.first_backoff = 1ms;
    return {server.address() + "/base/", std::move(options), session};
  }
};

net::Request get(const std::string& path, net::Pairs parameters = {}) {
  net::Request request;
  request.path = path;
  request.parameters = std::move(parameters);
  return request;
}

ErrorCode code_of(net::HttpClient& client, const net::Request& request) {
  try {
    client.send(request);
  } catch (const Error& error) {
    INFO(error.what());
    CHECK_FALSE(error.remedy().empty());
    return error.code();
  }
  FAIL("no error");
  return ErrorCode::internal;
}

HttpServer::Handler always(ScriptedAnswer answer) {
  return [answer = std::move(answer)](const ReceivedRequest&) { return answer; };
}

}  // namespace

TEST_CASE("http: path, parameters, tenant and credentials arrive, and the request is noted") {
  HttpServer server(always({200, {{"Content-Type", "application/json"}}, "{}", {}}));
  Fixture fixture;
  net::ClientOptions options;
  options.user = "oncall";
  options.password = "s3cret";
  options.headers = {{"X-Scope-OrgID", "shop"}};
  auto client = fixture.client(server, options);
  const auto response =
      client.send(get("/api/v1/query", {{"query", "rate(x[5m]) > 1 & \xC3\xA9"}}));
  CHECK(response.status == 200);
  CHECK(response.body == "{}");
  REQUIRE(server.requests().size() == 1);
  const auto request = server.requests()[0];
  CHECK(request.path == "/base/api/v1/query");
  CHECK(request.parameter("query") == "rate(x[5m]) > 1 & \xC3\xA9");
  CHECK(request.header("authorization") == "Basic b25jYWxsOnMzY3JldA==");
  CHECK(request.header("x-scope-orgid") == "shop");
  CHECK(request.header("accept-encoding").find("gzip") != std::string::npos);
  CHECK(request.header("accept-encoding").find("zstd") != std::string::npos);
  REQUIRE(fixture.session.touched().size() == 1);
  CHECK(fixture.session.touched()[0].what == "Prometheus " + server.address() + "/base");
  CHECK(fixture.session.touched()[0].detail == "GET /api/v1/query: 200");
  CHECK(client.curl_line(get("/x")).find("s3cret") == std::string::npos);
}

TEST_CASE("http: a login in the address is sent as basic, and a bearer token wins") {
  HttpServer server(always({}));
  Fixture fixture;
  net::HttpClient in_address("http://u:p%40@127.0.0.1:" + std::to_string(server.port()), {},
                             fixture.session);
  in_address.send(get("/"));
  CHECK(server.requests()[0].header("authorization") == "Basic dTpwQA==");
  CHECK(in_address.address().find("p%40") == std::string::npos);
  net::ClientOptions options;
  options.user = "u";
  options.bearer_token = "tok";
  fixture.client(server, options).send(get("/"));
  CHECK(server.requests()[1].header("authorization") == "Bearer tok");
}

TEST_CASE("http: a long query becomes a form") {
  HttpServer server(always({}));
  Fixture fixture;
  auto request = get("/api/v1/query", {{"query", std::string(3000, 'x')}});
  request.post_when_long = true;
  fixture.client(server).send(request);
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].method == "POST");
  CHECK(server.requests()[0].target == "/base/api/v1/query");
  CHECK(server.requests()[0].parameter("query").size() == 3000);
}

TEST_CASE("http: a gzip body is decompressed, as Prometheus sends it") {
  HttpServer server(testing::recorded_answers("prometheus"));
  Fixture fixture;
  net::HttpClient client(server.address(), {}, fixture.session);
  const auto response =
      client.send(get("/api/v1/query", {{"query", "up"}, {"time", "1795503406.825"}}));
  CHECK(response.status == 200);
  CHECK(response.body.rfind("{\"status\":\"success\"", 0) == 0);
}

TEST_CASE("http: 429 and 503 are tried again, with Retry-After, and 422 is not") {
  int calls = 0;
  HttpServer server([&](const ReceivedRequest& request) {
    ++calls;
    if (request.path == "/base/busy" && calls == 1) return ScriptedAnswer{429, {}, "", {}};
    if (request.path == "/base/busy" && calls == 2)
      return ScriptedAnswer{503, {{"Retry-After", "1"}}, "", {}};
    return ScriptedAnswer{request.path == "/base/busy" ? 200 : 422, {}, "", {}};
  });
  Fixture fixture;
  auto client = fixture.client(server);
  const auto response = client.send(get("/busy"));
  CHECK(response.status == 200);
  CHECK(response.attempts == 3);
  CHECK(response.elapsed >= 1s);
  CHECK(client.send(get("/wrong")).attempts == 1);
  CHECK(fixture.session.touched()[0].count == 3);
}

TEST_CASE("http: a reset is tried again and then says what to do") {
  HttpServer server(always({200, {}, "", Behaviour::reset}));
  Fixture fixture;
  net::ClientOptions options;
  options.retries = 2;
  auto client = fixture.client(server, options);
  CHECK(code_of(client, get("/x")) == ErrorCode::unreachable);
  CHECK(server.requests().size() == 3);
}

TEST_CASE("http: a server that hangs is given up at the total timeout, all retries included") {
  HttpServer server(always({200, {}, "", Behaviour::hang}));
  Fixture fixture;
  net::ClientOptions options;
  options.total_timeout = 200ms;
  auto client = fixture.client(server, options);
  CHECK(code_of(client, get("/x")) == ErrorCode::unreachable);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("http: an endless body ends at the size budget") {
  HttpServer server(always({200, {}, std::string(65536, ' '), Behaviour::endless}));
  Fixture fixture;
  net::ClientOptions options;
  options.most_bytes = 1U << 20U;
  auto client = fixture.client(server, options);
  CHECK(code_of(client, get("/x")) == ErrorCode::budget);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("http: the end of the run's time is a budget error, and nothing is sent after it") {
  HttpServer server(always({200, {}, "", Behaviour::hang}));
  Fixture fixture;
  fixture.session.set_deadline(100ms);
  auto client = fixture.client(server);
  CHECK(code_of(client, get("/x")) == ErrorCode::budget);
  const auto sent = server.requests().size();
  fixture.session.cancel();
  CHECK(code_of(client, get("/y")) == ErrorCode::budget);
  CHECK(server.requests().size() == sent);
}

TEST_CASE("http: what is not HTTP, or ends too early, is told from a refused connection") {
  Fixture fixture;
  HttpServer babble(always({200, {}, "SSH-2.0-OpenSSH_9.2\r\n", Behaviour::not_http}));
  auto client = fixture.client(babble);
  CHECK(code_of(client, get("/x")) == ErrorCode::malformed);
  HttpServer half(always({200, {}, "{\"status\":", Behaviour::half}));
  auto second = fixture.client(half);
  CHECK(code_of(second, get("/x")) == ErrorCode::unreachable);
  int port = 0;
  {
    const HttpServer gone(always({}));
    port = gone.port();
  }
  net::ClientOptions options;
  options.retries = 0;
  net::HttpClient nobody("127.0.0.1:" + std::to_string(port), options, fixture.session);
  CHECK(code_of(nobody, get("/x")) == ErrorCode::unreachable);
}

TEST_CASE("http: a redirect within the server is followed, one to another host is a refusal") {
  HttpServer server([](const ReceivedRequest& request) {
    if (request.path == "/base/old")
      return ScriptedAnswer{302, {{"Location", "/base/new"}}, "", {}};
    if (request.path == "/base/sso")
      return ScriptedAnswer{302, {{"Location", "https://login.example/start"}}, "", {}};
    if (request.path == "/base/circle")
      return ScriptedAnswer{302, {{"Location", "/base/circle"}}, "", {}};
    return ScriptedAnswer{200, {}, "here", {}};
  });
  Fixture fixture;
  auto client = fixture.client(server);
  CHECK(client.send(get("/old")).body == "here");
  CHECK(code_of(client, get("/sso")) == ErrorCode::refused);
  CHECK(code_of(client, get("/circle")) == ErrorCode::refused);
}

TEST_CASE("http: a login page, 401 and 404 each get their own error") {
  const auto code = [](int status, const std::string& body) {
    net::Response response;
    response.status = status;
    response.body = body;
    try {
      net::require_success(response, "Loki");
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  CHECK(code(200, "\n <!DOCTYPE html><html>log in") == ErrorCode::malformed);
  CHECK(code(401, "Unauthorized\n") == ErrorCode::refused);
  CHECK(code(403, "<html>") == ErrorCode::refused);
  CHECK(code(404, "404 page not found") == ErrorCode::not_found);
  CHECK(code(503, "") == ErrorCode::unreachable);
  CHECK(code(200, "{}") == ErrorCode::internal);
}

TEST_CASE("http: a batch keeps its order, and one failure does not end the others") {
  HttpServer server([](const ReceivedRequest& request) {
    if (request.parameter("n") == "3") return ScriptedAnswer{200, {}, "", Behaviour::reset};
    return ScriptedAnswer{200, {}, request.parameter("n"), {}};
  });
  Fixture fixture;
  net::ClientOptions options;
  options.retries = 0;
  options.parallel = 4;
  auto client = fixture.client(server, options);
  std::vector<net::Request> requests;
  for (int n = 0; n < 20; ++n) requests.push_back(get("/x", {{"n", std::to_string(n)}}));
  const auto answers = client.send_all(requests);
  REQUIRE(answers.size() == 20);
  for (std::size_t n = 0; n < answers.size(); ++n) {
    if (n == 3)
      CHECK(answers[n].error.has_value());
    else
      CHECK(answers[n].value().body == std::to_string(n));
  }
}

TEST_CASE("http: a sink gets the body in pieces, and what it throws comes out") {
  HttpServer server(always({200, {}, std::string(300'000, 'y'), {}}));
  Fixture fixture;
  auto client = fixture.client(server);
  std::size_t size = 0;
  auto request = get("/x");
  request.sink = [&](std::string_view piece) { size += piece.size(); };
  CHECK(client.send(request).body.empty());
  CHECK(size == 300'000);
  request.sink = [](std::string_view) { throw Error(ErrorCode::malformed, "odd", "look"); };
  CHECK(code_of(client, request) == ErrorCode::malformed);
}
