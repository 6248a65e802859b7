#include "lib/probes/posture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "lib/base/clock.h"
#include "lib/os/target.h"

namespace triage::probes::posture {
namespace {

constexpr std::int64_t oldest_supported_node = 20;  ///< lines 18 and older get no fixes any more

/// Capabilities that let a process leave its place (linux/capability.h).
constexpr std::array<std::pair<unsigned, const char*>, 9> notable{{{1, "DAC_OVERRIDE"},
                                                                   {7, "SETUID"},
                                                                   {12, "NET_ADMIN"},
                                                                   {13, "NET_RAW"},
                                                                   {16, "SYS_MODULE"},
                                                                   {17, "SYS_RAWIO"},
                                                                   {19, "SYS_PTRACE"},
                                                                   {21, "SYS_ADMIN"},
                                                                   {39, "BPF"}}};

std::string field_of(const std::string& status, const std::string& name) {
  const auto at = status.find("\n" + name + ":");
  if (at == std::string::npos) return {};
  const auto from = status.find_first_not_of(" \t", at + name.size() + 2);
  return status.substr(from, status.find('\n', from) - from);
}

void read_status(const std::string& status, Sample& sample) {
  const std::string text = field_of(status, "CapEff");
  std::uint64_t mask = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), mask, 16).ec == std::errc() &&
      !text.empty()) {
    sample.capabilities = capabilities_of(mask);
    sample.all_capabilities = sample.capabilities.size() == notable.size();
  }
  if (const auto value = field_of(status, "Seccomp"); !value.empty()) sample.seccomp = value != "0";
  if (const auto value = field_of(status, "NoNewPrivs"); !value.empty())
    sample.no_new_privileges = value != "0";
}

void read_variables(const std::string& environ_text, Sample& sample) {
  sample.production = false;
  sample.tls_unchecked = false;
  for (std::size_t at = 0; at < environ_text.size();) {
    const std::size_t end = std::min(environ_text.find('\0', at), environ_text.size());
    const std::string entry = environ_text.substr(at, end - at);
    at = end + 1;
    const std::string name = entry.substr(0, entry.find('='));
    if (entry == "NODE_ENV=production") sample.production = true;
    if (entry == "NODE_TLS_REJECT_UNAUTHORIZED=0") sample.tls_unchecked = true;
    if (name == "NODE_VERSION") sample.node_version = entry.substr(name.size() + 1).substr(0, 20);
    if (names_a_secret(name)) sample.secret_variables.push_back(name);
  }
  std::sort(sample.secret_variables.begin(), sample.secret_variables.end());
}

void read_arguments(const std::vector<std::string>& arguments, Sample& sample) {
  sample.inspector_flag = false;
  for (const auto& argument : arguments) {
    const auto equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    if (name.starts_with("--inspect") && name != "--inspect-port") {
      sample.inspector_flag = true;
      const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
      const auto colon = value.rfind(':');
      if (colon != std::string::npos) sample.inspector_address = value.substr(0, colon);
    }
    if (name.starts_with("-") && equals != std::string::npos && names_a_secret(name))
      sample.secret_arguments.push_back(name);
  }
}

void read_directory(pid_t pid, Sample& sample) {
  std::error_code error;
  const std::filesystem::path directory = fmt::format("/proc/{}/cwd", pid);
  for (const char* name :
       {"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "npm-shrinkwrap.json"})
    if (std::filesystem::exists(directory / name, error)) sample.lockfiles.emplace_back(name);
  for (const char* name : {".env", ".env.production", ".env.local"})
    if (std::filesystem::exists(directory / name, error)) sample.open_files.emplace_back(name);
}

/// "v18.2.0" or "18.2.0" -> 18.
std::optional<std::int64_t> major_of(const std::string& version) {
  const std::size_t from = version.starts_with("v") ? 1 : 0;
  std::int64_t major = 0;
  const auto result =
      std::from_chars(version.data() + from, version.data() + version.size(), major);
  if (result.ec != std::errc()) return std::nullopt;
  return major;
}

bool is_loopback(const std::string& address) {
  return address.empty() || address == "localhost" || address.starts_with("127.") ||
         address == "[::1]" || address == "::1";
}

std::string joined(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::vector<std::string> capabilities_of(std::uint64_t mask) {
  std::vector<std::string> names;
  for (const auto& [number, name] : notable)
    if ((mask >> number & 1U) != 0) names.emplace_back(name);
  return names;
}

bool names_a_secret(const std::string& name) {
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(c));
  });
  static constexpr std::array<const char*, 9> parts{"PASSWORD",    "PASSWD",     "SECRET",
                                                    "TOKEN",       "API_KEY",    "APIKEY",
                                                    "PRIVATE_KEY", "ACCESS_KEY", "CREDENTIAL"};
  return std::any_of(parts.begin(), parts.end(),
                     [&](const char* part) { return upper.find(part) != std::string::npos; });
}

Help help() {
  return {
      "Reads what a running process shows of its security: user, capabilities, filters, an "
      "inspector that others can reach, secrets in the environment or on the command line (names "
      "only), how its runtime is kept. Hints for later; nothing is tried or changed.",
      {{"triage posture port:3000", "one process"},
       {"triage run posture -t port:3000", "with what to do about each"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"target", "process: pid, name:TEXT or port:N", "TARGET", {}, true, false, 't'},
                options.target);
}

Sample collect(const Options& options, Session& session) {
  const os::Procfs procfs;
  const os::ProcessInfo process = os::find_target(procfs, options.target);
  const pid_t pid = process.id.pid;
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = os::describe_process(process);
  sample.pid = pid;
  sample.uid = process.uid;
  session.touch({fmt::format("/proc/{}", pid), "status, environ, cmdline, cwd", 1, 0});
  read_arguments(process.arguments, sample);
  if (const auto status =
          attempt(sample.gaps, "capabilities", [&] { return procfs.read(pid, "status"); }))
    read_status(*status, sample);
  if (const auto text =
          attempt(sample.gaps, "secret_variables", [&] { return procfs.read(pid, "environ"); }))
    read_variables(*text, sample);
  read_directory(pid, sample);
  procfs.check_same(process.id);
  return sample;
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  static_cast<Sample&>(result) = sample;
  Envelope& envelope = result.envelope;
  envelope.at = sample.at;
  envelope.target = sample.target;
  envelope.gaps = sample.gaps;
  envelope.provenance.push_back({{""},
                                 fmt::format("/proc/{}", sample.pid),
                                 sample.at,
                                 fmt::format("grep -E 'Uid|CapEff|Seccomp|NoNewPrivs' "
                                             "/proc/{0}/status; tr '\\0' '\\n' < /proc/{0}/environ "
                                             "| cut -d= -f1",
                                             sample.pid)});
  if (sample.inspector_flag.value_or(false) && !is_loopback(sample.inspector_address))
    envelope.find("inspector_reachable", Severity::crit,
                  fmt::format("the V8 inspector listens on {}: whoever reaches it runs code here",
                              sample.inspector_address));
  if (sample.uid == 0) envelope.find("root", Severity::warn, "the process runs as root");
  if (!sample.capabilities.empty())
    envelope.find(
        "capabilities", Severity::info,
        "it has capabilities that a service does not need: " + joined(sample.capabilities));
  if (sample.seccomp == false)
    envelope.find("seccomp", Severity::info, "its system calls are not filtered (no seccomp)");
  if (!sample.secret_arguments.empty())
    envelope.find("secret_arguments", Severity::warn,
                  "secrets stand on the command line, which every user can read: " +
                      joined(sample.secret_arguments));
  if (!sample.secret_variables.empty())
    envelope.find("secret_variables", Severity::info,
                  "secrets stand in the environment: " + joined(sample.secret_variables));
  if (sample.tls_unchecked.value_or(false))
    envelope.find("tls_unchecked", Severity::warn,
                  "NODE_TLS_REJECT_UNAUTHORIZED=0: certificates are not checked");
  if (const auto major = major_of(sample.node_version); major && *major < oldest_supported_node)
    envelope.find("old_runtime", Severity::warn,
                  fmt::format("Node.js {} gets no fixes any more", sample.node_version));
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  if (!result.envelope.findings.empty()) return {};
  return {{"HINTS", "", {Paragraph{"none in what could be read"}}, false}};
}

}  // namespace triage::probes::posture
