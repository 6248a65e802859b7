#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>

#include "lib/base/json.h"
#include "lib/net/http.h"
#include "tests/support/command.h"
#include "tests/support/http_server.h"
#include "tests/support/node_service.h"

using namespace triage;
using namespace std::chrono_literals;
using testing::HttpServer;
using testing::NodeService;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;

namespace {

/// An authority, a server of its and a client of its, in files.
class Certificates {
 public:
  Certificates() {
    openssl({"req", "-x509", "-subj", "/CN=test authority", "-keyout", path("ca.key"), "-out",
             path("ca.crt")});
    for (const char* name : {"server", "client"})
      openssl({"req", "-x509", "-subj", fmt::format("/CN={}", name), "-addext",
               "subjectAltName=IP:127.0.0.1", "-CA", path("ca.crt"), "-CAkey", path("ca.key"),
               "-keyout", path(std::string(name) + ".key"), "-out",
               path(std::string(name) + ".crt")});
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return directory_.path() + "/" + name;
  }
  [[nodiscard]] const std::string& folder() const { return directory_.path(); }

 private:
  static void openssl(std::vector<std::string> words) {
    words.insert(words.begin(), "openssl");
    words.insert(words.end(), {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                               "-nodes", "-days", "2"});
    const auto made = testing::run_command(words);
    INFO(made.error);
    REQUIRE(made.exit_code == 0);
  }
  testing::TemporaryDirectory directory_;
};

struct TlsFixture {
  Certificates certificates;
  NodeService server{"tests/data/net/tls_server.js", {certificates.folder()}};
  SystemClock clock;
  Session session{clock};

  [[nodiscard]] net::ClientOptions trusting() const {
    net::ClientOptions options;
    options.name = "Prometheus";
    options.retries = 0;
    options.ca_file = certificates.path("ca.crt");
    return options;
  }
  net::Response get(net::ClientOptions options) {
    net::HttpClient client(fmt::format("https://127.0.0.1:{}/prefix", server.port()),
                           std::move(options), session);
    net::Request request;
    request.path = "/api";
    return client.send(request);
  }
  ErrorCode code_of(net::ClientOptions options, const char* hint) {
    try {
      get(std::move(options));
    } catch (const Error& error) {
      INFO(error.what(), "; ", error.remedy());
      CHECK(error.remedy().find(hint) != std::string::npos);
      return error.code();
    }
    FAIL("no error");
    return ErrorCode::internal;
  }
};

/// `text` as a zstd frame with one raw block (RFC 8878, 3.1.1): up to 255 bytes.
std::string zstd_frame(const std::string& text) {
  const std::size_t header = text.size() << 3U | 1U;
  std::string frame("\x28\xB5\x2F\xFD\x20", 5);
  frame += static_cast<char>(text.size());
  for (const unsigned shift : {0U, 8U, 16U}) frame += static_cast<char>(header >> shift & 0xFFU);
  return frame + text;
}

}  // namespace

TEST_CASE("http: a client certificate is shown, and HTTP/2 is spoken where the server can") {
  TlsFixture fixture;
  net::ClientOptions options = fixture.trusting();
  options.certificate_file = fixture.certificates.path("client.crt");
  options.key_file = fixture.certificates.path("client.key");
  options.headers = {{"X-Scope-OrgID", "shop"}};
  const Json seen = Json::parse(fixture.get(std::move(options)).body);
  CHECK(seen["client"] == "client");
  CHECK(seen["version"] == "2.0");
  CHECK(seen["path"] == "/prefix/api");
  CHECK(seen["tenant"] == "shop");
}

TEST_CASE("http: a missing client certificate and an unknown authority say which option helps") {
  TlsFixture fixture;
  const ErrorCode without = fixture.code_of(fixture.trusting(), "--cert");
  CHECK((without == ErrorCode::refused || without == ErrorCode::unreachable));
  net::ClientOptions unknown = fixture.trusting();
  unknown.ca_file.clear();
  CHECK(fixture.code_of(unknown, "--ca") == ErrorCode::refused);
  net::ClientOptions careless = fixture.trusting();
  careless.ca_file.clear();
  careless.verify_certificate = false;
  careless.certificate_file = fixture.certificates.path("client.crt");
  careless.key_file = fixture.certificates.path("client.key");
  CHECK(fixture.get(careless).status == 200);
}

TEST_CASE("http: a proxy gets the whole address, and its refusal is no answer of the server") {
  HttpServer proxy([](const ReceivedRequest& request) {
    ScriptedAnswer answer;
    answer.body = request.target;
    return answer;
  });
  SystemClock clock;
  Session session(clock);
  net::ClientOptions options;
  options.proxy = proxy.address();
  net::HttpClient client("http://prometheus.invalid:9090/base", options, session);
  net::Request request;
  request.path = "/api";
  CHECK(client.send(request).body == "http://prometheus.invalid:9090/base/api");
  CHECK(proxy.requests()[0].header("host") == "prometheus.invalid:9090");
}

TEST_CASE("http: zstd is offered and decompressed") {
  HttpServer server([](const ReceivedRequest&) {
    ScriptedAnswer answer;
    answer.headers = {{"Content-Encoding", "zstd"}};
    answer.body = zstd_frame("{\"status\":\"success\"}");
    return answer;
  });
  SystemClock clock;
  Session session(clock);
  net::HttpClient client(server.address(), {}, session);
  CHECK(client.send(net::Request{}).body == "{\"status\":\"success\"}");
  const std::string offered = server.requests()[0].header("accept-encoding");
  CHECK(offered.find("zstd") != std::string::npos);
  CHECK(offered.find("gzip") != std::string::npos);
}
