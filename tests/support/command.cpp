#include "tests/support/command.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>

#include "lib/base/json.h"
#include "lib/os/fd.h"

namespace triage::testing {
namespace {

struct Pipe {
  os::Fd read;
  os::Fd write;
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    read = os::Fd(ends[0]);
    write = os::Fd(ends[1]);
  }
};

[[noreturn]] void become(const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment, const Pipe& in,
                         const Pipe& out, const Pipe& error) {
  ::dup2(in.read.get(), STDIN_FILENO);
  ::dup2(out.write.get(), STDOUT_FILENO);
  ::dup2(error.write.get(), STDERR_FILENO);
  std::vector<char*> words;
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  for (const auto& entry : environment) {
    const std::size_t equals = entry.find('=');
    ::setenv(entry.substr(0, equals).c_str(), entry.substr(equals + 1).c_str(), 1);
  }
  ::execvp(words.front(), words.data());
  ::_exit(127);
}

/// Reads both streams until they end.
void collect(CommandResult& result, os::Fd out, os::Fd error) {
  std::array<pollfd, 2> ends{{{out.get(), POLLIN, 0}, {error.get(), POLLIN, 0}}};
  std::array<std::string*, 2> texts{&result.out, &result.error};
  std::size_t open = 2;
  std::array<char, 65536> block{};
  while (open > 0 && ::poll(ends.data(), ends.size(), -1) >= 0) {
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends.at(i).fd < 0 || ends.at(i).revents == 0) continue;
      const ssize_t count = ::read(ends.at(i).fd, block.data(), block.size());
      if (count > 0) {
        texts.at(i)->append(block.data(), static_cast<std::size_t>(count));
      } else {
        ends.at(i).fd = -1;
        --open;
      }
    }
  }
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  return type == "number" && value.is_number();
}

bool type_fits(const Json& value, const Json& type) {
  if (type.is_string()) return has_type(value, type.get<std::string>());
  for (const auto& one : type)
    if (has_type(value, one.get<std::string>())) return true;
  return false;
}

void numeric_leaves(const Json& value, const std::string& pointer,
                    std::vector<std::string>& found) {
  if (value.is_number()) found.push_back(pointer);
  if (value.is_object())
    for (const auto& [key, member] : value.items())
      numeric_leaves(member, fmt::format("{}/{}", pointer, key), found);
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i)
      numeric_leaves(value[i], fmt::format("{}/{}", pointer, i), found);
}

/// Every figure of a probe's document must know its source: a pointer of `provenance` covers it.
void check_provenance(const Json& document) {
  if (!document.contains("provenance")) return;
  std::vector<std::string> known;
  for (const auto& entry : document["provenance"])
    for (const auto& figure : entry["figures"]) known.push_back(figure.get<std::string>());
  for (const auto& [key, value] : document.items()) {
    // what was asked for and what the run did are no figures of the target
    static const std::set<std::string> own{"options", "findings", "provenance",
                                           "gaps",    "touched",  "cost"};
    if (own.contains(key)) continue;
    std::vector<std::string> leaves;
    numeric_leaves(value, "/" + key, leaves);
    for (const auto& leaf : leaves) {
      const bool covered = std::any_of(known.begin(), known.end(), [&](const std::string& figure) {
        return leaf == figure || leaf.starts_with(figure + "/");
      });
      if (!covered) FAIL_CHECK("a figure without a source: " << leaf);
    }
  }
}

void validate(const std::string& text) {
  const Json document = Json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("schema")) return;
  std::string command = document["schema"].get<std::string>();  // "triage/<command>/1"
  command = command.substr(7, command.rfind('/') - 7);
  const CommandResult schema = run_command({TRIAGE_PROGRAM, "schema", command});
  REQUIRE(schema.exit_code == 0);
  for (const auto& violation : schema_violations(document, Json::parse(schema.out)))
    FAIL_CHECK("JSON breaks its schema: " << violation);
  check_provenance(document);
  if (document.contains("documents"))
    for (const auto& [id, probe] : document["documents"].items())
      if (probe.is_object()) check_provenance(probe);
}

}  // namespace

CommandResult run_command(const std::vector<std::string>& arguments,
                          const std::vector<std::string>& environment, const std::string& input) {
  Pipe in;
  Pipe out;
  Pipe error;
  const pid_t pid = ::fork();
  if (pid == 0) become(arguments, environment, in, out, error);
  in.read.reset();
  out.write.reset();
  error.write.reset();
  // Inputs of tests fit into a pipe.
  if (!input.empty() && ::write(in.write.get(), input.data(), input.size()) < 0)
    throw std::runtime_error("write to a child");
  in.write.reset();
  CommandResult result;
  collect(result, std::move(out.read), std::move(error.read));
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

CommandResult run_triage(const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment, const std::string& input) {
  std::vector<std::string> all{TRIAGE_PROGRAM};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<std::string> settings{"XDG_CONFIG_HOME=/nonexistent",
                                    "TRIAGE_SYSTEM_CONFIG=/nonexistent/config.ini"};
  settings.insert(settings.end(), environment.begin(), environment.end());
  CommandResult result = run_command(all, settings, input);
  if (!result.out.empty() && result.out.front() == '{') validate(result.out);
  return result;
}

std::vector<std::string> schema_violations(const Json& document, const Json& schema,
                                           const std::string& path) {
  std::vector<std::string> found;
  const auto descend = [&](const Json& value, const Json& part, const std::string& where) {
    for (auto& violation : schema_violations(value, part, where))
      found.push_back(std::move(violation));
  };
  if (schema.contains("const") && document != schema["const"])
    found.push_back(path + ": not const");
  if (schema.contains("type") && !type_fits(document, schema["type"])) {
    found.push_back(path + ": wrong type, is " + document.dump().substr(0, 40));
    return found;
  }
  if (document.is_object()) {
    for (const auto& name : schema.value("required", Json::array()))
      if (!document.contains(name.get<std::string>()))
        found.push_back(path + ": lacks " + name.get<std::string>());
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [name, value] : document.items()) {
      if (properties.contains(name))
        descend(value, properties[name], path + "." + name);
      else if (schema.contains("additionalProperties"))
        descend(value, schema["additionalProperties"], path + "." + name);
      else if (!properties.empty())
        found.push_back(path + ": unexpected " + name);
    }
  }
  if (document.is_array() && schema.contains("items"))
    for (std::size_t i = 0; i < document.size(); ++i)
      descend(document[i], schema["items"], fmt::format("{}[{}]", path, i));
  return found;
}

TemporaryDirectory::TemporaryDirectory() : path_("/tmp/triage-test-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  // Servers of the tests run as another user.
  ::chmod(path_.c_str(), 0755);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, const std::string& content) const {
  const std::string path = path_ + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

}  // namespace triage::testing
