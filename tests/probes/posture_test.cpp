#include "lib/probes/posture.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace triage;          // NOLINT(google-build-using-namespace): one unit, many names
using namespace triage::probes;  // NOLINT(google-build-using-namespace)

namespace {

bool found(const posture::Result& result, const std::string& id, const std::string& severity) {
  return std::any_of(result.envelope.findings.begin(), result.envelope.findings.end(),
                     [&](const Finding& one) { return one.id == id && one.severity == severity; });
}

}  // namespace

TEST_CASE(
    "posture: an inspector on another address than loopback is urgent, on loopback it is not") {
  posture::Sample sample;
  sample.inspector_flag = true;
  sample.inspector_address = "0.0.0.0";
  CHECK(found(posture::analyse({}, sample), "inspector_reachable", "crit"));
  for (const char* loopback : {"", "127.0.0.1", "localhost", "::1"}) {
    sample.inspector_address = loopback;
    CHECK_FALSE(found(posture::analyse({}, sample), "inspector_reachable", "crit"));
  }
}

TEST_CASE("posture: what could not be read gives no hint") {
  CHECK(posture::analyse({}, {}).envelope.findings.empty());
}

TEST_CASE("posture: root, old runtimes and unchecked certificates are named") {
  posture::Sample sample;
  sample.uid = 0;
  sample.node_version = "18.20.4";
  sample.tls_unchecked = true;
  const auto result = posture::analyse({}, sample);
  CHECK(found(result, "root", "warn"));
  CHECK(found(result, "old_runtime", "warn"));
  CHECK(found(result, "tls_unchecked", "warn"));
  sample.node_version = "v22.1.0";
  CHECK_FALSE(found(posture::analyse({}, sample), "old_runtime", "warn"));
}

TEST_CASE("posture: capabilities come from the mask of /proc/<pid>/status") {
  CHECK(posture::capabilities_of(0).empty());
  CHECK(posture::capabilities_of(std::uint64_t{1} << 21U) == std::vector<std::string>{"SYS_ADMIN"});
  // NET_BIND_SERVICE (10) is what a service may well need
  CHECK(posture::capabilities_of(std::uint64_t{1} << 10U).empty());
}

TEST_CASE("posture: names of secrets are known in any spelling, other names are not") {
  for (const char* name :
       {"DB_PASSWORD", "jwt-secret", "STRIPE_API_KEY", "--token", "AWS_ACCESS_KEY"})
    CHECK(posture::names_a_secret(name));
  for (const char* name : {"PATH", "NODE_ENV", "PORT", "KEYBOARD"})
    CHECK_FALSE(posture::names_a_secret(name));
}
