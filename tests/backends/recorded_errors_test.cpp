// Every error that was recorded from a real server, one by one: its kind, and the words that say
// what to do.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "lib/backends/jaeger.h"
#include "lib/backends/loki.h"
#include "lib/backends/prometheus.h"
#include "lib/base/json.h"
#include "tests/support/http_server.h"

namespace {

using namespace triage;

struct Expected {
  const char* file;
  ErrorCode code;
  const char* words;  ///< in the message or in the remedy
};

net::Response recorded(const std::string& folder, const std::string& name) {
  const std::string path = TRIAGE_SOURCE_DIR "/tests/data/" + folder + "/" + name + ".json";
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  const Json json = parse_json(text.str(), path);
  net::Response response;
  response.status = json["response"]["status"].get<int>();
  if (json["response"].contains("body_text"))
    response.body = json["response"]["body_text"].get<std::string>();
  return response;
}

/// The names of all recordings in a folder whose status is an error.
std::map<std::string, int> recorded_failures(const std::string& folder) {
  std::map<std::string, int> all;
  for (const auto& entry :
       std::filesystem::directory_iterator(TRIAGE_SOURCE_DIR "/tests/data/" + folder)) {
    const std::string name = entry.path().stem().string();
    const int status = recorded(folder, name).status;
    if (status >= 400) all[name] = status;
  }
  return all;
}

template <class Work>
void check(const Expected& expected, const Work& work) {
  CAPTURE(expected.file);
  try {
    work();
    FAIL_CHECK("no error");
  } catch (const Error& error) {
    const std::string text = error.what();
    CAPTURE(text);
    CHECK(error.code() == expected.code);
    CHECK((text + " " + error.remedy()).find(expected.words) != std::string::npos);
    CHECK_FALSE(error.remedy().empty());
    CHECK(text.find('\n') == std::string::npos);
  }
}

constexpr ErrorCode usage = ErrorCode::usage;
constexpr ErrorCode budget = ErrorCode::budget;
constexpr ErrorCode refused = ErrorCode::refused;
constexpr ErrorCode not_found = ErrorCode::not_found;
constexpr ErrorCode malformed = ErrorCode::malformed;
constexpr ErrorCode unreachable = ErrorCode::unreachable;

const std::vector<Expected> prometheus_errors{
    {"084-series-no-match-400", usage, "match[]"},
    {"089-label-values-bad-name-400", usage, "invalid label name"},
    {"099-rules-bad-type-400", usage, "not supported value"},
    {"107-bad-query-400", usage, "unclosed left parenthesis"},
    {"108-bad-query-unknown-function-400", usage, "unknown function"},
    {"109-bad-query-type-400", usage, "expected type range vector"},
    {"110-missing-query-400", usage, "parse error"},
    {"111-bad-time-400", usage, "Invalid time value"},
    {"112-bad-step-zero-400", usage, "zero or negative"},
    {"113-missing-step-400", usage, "step"},
    {"114-end-before-start-400", usage, "end timestamp must not be before"},
    {"115-too-many-points-400", budget, "--step"},
    {"116-exec-many-to-many-422", usage, "many-to-many"},
    {"117-exec-duplicate-labelset-422", usage, "same labelset"},
    {"118-timeout-503", budget, "timed out"},
    {"119-bad-timeout-400", usage, "timeout"},
    {"120-not-found-404", not_found, "path prefix"},
    {"121-not-found-prefix-404", not_found, "path prefix"},
    {"122-method-not-allowed-405", malformed, "Method Not Allowed"},
    {"123-admin-wrong-method-405", malformed, "Method Not Allowed"},
    {"124-auth-missing-401", refused, "--user"},
    {"125-auth-wrong-401", refused, "--user"},
    {"126-auth-bearer-refused-401", refused, "--bearer-token-file"},
    {"128-auth-max-samples-422", budget, "too many samples"},
    {"137-query-range-missing-start-400", usage, "start"},
    {"139-exec-label-join-422", usage, "label_replace"},
};

const std::vector<Expected> loki_errors{
    {"020-range-matrix-pipeline-error-400", usage, "__error__"},
    {"033-instant-log-query-400", usage, "instant query type"},
    {"056-bad-logql-400", usage, "before ''"},
    {"057-bad-logql-accept-json-400", usage, "unexpected $end"},
    {"058-bad-logql-empty-matcher-400", usage, "at least one regexp"},
    {"059-bad-logql-no-matcher-400", usage, "at least one regexp"},
    {"060-bad-regexp-400", usage, "missing closing"},
    {"061-missing-query-400", usage, "parse error"},
    {"062-end-before-start-400", usage, "end timestamp"},
    {"063-bad-time-400", usage, "could not parse 'start'"},
    {"064-bad-direction-400", usage, "invalid direction"},
    {"065-bad-limit-400", usage, "limit must be"},
    {"066-limit-exceeded-400", budget, "5000"},
    {"067-too-many-points-400", budget, "11,000 points"},
    {"068-range-too-long-400", budget, "30d1h"},
    {"069-not-found-404", not_found, "path prefix"},
    {"072-method-not-allowed-405", malformed, "405"},
    {"076-tenant-missing-401", refused, "--tenant"},
    {"085-tenant-multi-pipe", refused, "one alone"},
    {"086-tenant-invalid-id", usage, "tenant ID"},
    {"087-tenant-limit-entries-400", budget, "1000"},
    {"088-tenant-max-series-400", budget, "maximum of series"},
    {"089-tenant-max-length-400", budget, "1d"},
    {"097-range-limit-zero", usage, "limit must be"},
    {"099-range-gzip-error-400", usage, "expecting STRING"},
};

const std::vector<Expected> jaeger_errors{
    {"006-operations-no-service-400", usage, "'service' is required"},
    {"030-trace-bad-id-400", usage, "not-hex"},
    {"031-trace-too-long-id-400", usage, "longer than 32"},
    {"032-no-service-400", usage, "'service' is required"},
    {"033-bad-start-400", usage, "'start'"},
    {"034-bad-duration-400", usage, "'minDuration'"},
    {"035-max-less-than-min-400", usage, "greater than"},
    {"036-bad-tags-400", usage, "malformed 'tags'"},
    {"038-bad-limit-400", usage, "many"},
    {"042-dependencies-bad-400", usage, "'endTs'"},
    {"043-metrics-latencies-501", unreachable, "metrics querying"},
    {"044-metrics-minstep", unreachable, "metrics querying"},
    {"045-tenancy-missing-header-401", refused, "--tenant"},
    {"047-not-found-404", not_found, "path prefix"},
    {"048-archive-500", unreachable, "archive span storage"},
    {"054-v3-find-missing-time-400", usage, "start_time_max"},
    {"055-v3-find-bad-time-400", usage, "malformed parameter"},
    {"058-v3-trace-bad-id-400", usage, "trace_id"},
    {"112-v220-v3-find-missing-time-400", usage, "startTimeMax"},
    {"114-v220-v3-trace-bad-id-400", usage, "invalid length"},
    {"119-v220-trace-bad-id-400", usage, "invalid length"},
    {"120-v220-traces-no-service-400", usage, "'service' is required"},
    {"123-v220-not-found-404", not_found, "path prefix"},
};

/// Nothing found, in Jaeger's words; a search is empty then.
const std::vector<Expected> jaeger_absent{
    {"029-trace-unknown-404", not_found, "trace not found"},
    {"056-v3-find-none-404", not_found, "No traces found"},
    {"057-v3-trace-unknown-404", not_found, "No traces found"},
    {"110-v220-v3-find-none", not_found, "No traces found"},
    {"113-v220-v3-trace-unknown-404", not_found, "No traces found"},
    {"118-v220-trace-unknown-404", not_found, "trace not found"},
};

void check_complete(const std::string& folder,
                    std::initializer_list<const std::vector<Expected>*> tables) {
  auto left = recorded_failures(folder);
  for (const auto* table : tables)
    for (const auto& expected : *table)
      CHECK_MESSAGE(left.erase(expected.file) == 1, expected.file);
  for (const auto& [name, status] : left) FAIL_CHECK("not asserted: ", name);
}

/// A server that answers everything with one recording.
struct JaegerWith {
  explicit JaegerWith(const std::string& file)
      : server([response = recorded("jaeger", file)](const testing::ReceivedRequest& /*request*/) {
          return testing::ScriptedAnswer{
              response.status, {}, response.body, testing::ScriptedAnswer::Behaviour::answer};
        }),
        client(server.address(), options(), session) {}
  static net::ClientOptions options() {
    net::ClientOptions options;
    options.name = "Jaeger";
    options.retries = 0;
    return options;
  }
  testing::HttpServer server;
  SystemClock clock;
  Session session{clock};
  net::HttpClient client;
  std::vector<Gap> gaps;
  backends::Jaeger jaeger{client, gaps};
  traces::SpanTableBuilder builder;
};

}  // namespace

TEST_CASE("recorded errors: each of Prometheus has its kind and says what to do") {
  for (const auto& expected : prometheus_errors)
    check(expected, [&] {
      backends::parse_query_answer(recorded("prometheus", expected.file), "sum(rate(x[1m])");
    });
  check_complete("prometheus", {&prometheus_errors});
}

TEST_CASE("recorded errors: each of Loki has its kind and says what to do") {
  for (const auto& expected : loki_errors)
    check(expected, [&] {
      backends::parse_loki_answer(recorded("loki", expected.file), R"({app="order-processor")");
    });
  check_complete("loki", {&loki_errors});
}

TEST_CASE("recorded errors: each of Jaeger has its kind and says what to do") {
  backends::TraceQuery query;
  query.service = "api-gateway";
  query.from = from_epoch_seconds(1795503276);
  query.to = from_epoch_seconds(1795503800);
  query.limit = 3;
  for (const auto& expected : jaeger_errors) {
    JaegerWith asked(expected.file);
    check(expected, [&] { asked.jaeger.search(query, asked.builder); });
  }
  for (const auto& expected : jaeger_absent) {
    JaegerWith asked(expected.file);
    asked.jaeger.search(query, asked.builder);
    CHECK(asked.builder.size() == 0);
    check(expected,
          [&] { asked.jaeger.fetch({"0123456789abcdef0123456789abcdef"}, asked.builder); });
  }
  check_complete("jaeger", {&jaeger_errors, &jaeger_absent});
}
