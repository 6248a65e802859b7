#pragma once

/// `triage posture`: what a look at a running process says about its security, read-only. Hints,
/// never part of a verdict. Values of variables and arguments are not read into the result, only
/// their names.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/report/report.h"

namespace triage::probes::posture {

struct Options {
  std::string target;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct Sample {
  std::string at;
  std::string target;
  std::int64_t pid = 0;
  std::optional<std::int64_t> uid;        ///< effective, as this namespace sees it
  std::vector<std::string> capabilities;  ///< effective ones that a web service does not need
  std::optional<bool> all_capabilities;
  std::optional<bool> seccomp;
  std::optional<bool> no_new_privileges;
  std::optional<bool> inspector_flag;         ///< started with --inspect
  std::string inspector_address;              ///< of that flag; empty: loopback
  std::vector<std::string> secret_variables;  ///< names of the environment
  std::vector<std::string> secret_arguments;  ///< names, as they stand before '='
  std::optional<bool> production;             ///< NODE_ENV=production
  std::optional<bool> tls_unchecked;          ///< NODE_TLS_REJECT_UNAUTHORIZED=0
  std::string node_version;                   ///< where the environment or a path names it
  std::vector<std::string> lockfiles;         ///< in the working directory
  std::vector<std::string> open_files;        ///< ".env" files in the working directory
  std::vector<Gap> gaps;
};

struct Result : Sample {
  Envelope envelope;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

/// The effective capabilities of /proc/<pid>/status that matter, from the hexadecimal mask
/// (capability.h numbers); "ALL" when none of the known ones is missing.
std::vector<std::string> capabilities_of(std::uint64_t mask);
/// Whether a name looks like one that holds a secret: PASSWORD, SECRET, TOKEN, API_KEY, ...
bool names_a_secret(const std::string& name);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("uid", self.uid, "effective user");
  visit("capabilities", self.capabilities, "effective ones beyond what a service needs");
  visit("all_capabilities", self.all_capabilities, "whether it has every one");
  visit("seccomp", self.seccomp, "whether system calls are filtered");
  visit("no_new_privileges", self.no_new_privileges, "whether set-user-id programs gain nothing");
  visit("inspector_flag", self.inspector_flag, "started with --inspect");
  visit("inspector_address", self.inspector_address, "host of that flag; empty: loopback");
  visit("secret_variables", self.secret_variables, "names of variables that look like secrets");
  visit("secret_arguments", self.secret_arguments, "names of arguments that look like secrets");
  visit("production", self.production, "NODE_ENV is production");
  visit("tls_unchecked", self.tls_unchecked, "certificates are not checked at all");
  visit("node_version", self.node_version, "where the environment names it, else empty");
  visit("lockfiles", self.lockfiles, "in the working directory");
  visit("open_files", self.open_files, ".env files in the working directory");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  fields(visit, self, static_cast<const Sample*>(nullptr));
}

}  // namespace triage::probes::posture
