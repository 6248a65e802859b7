#include "tests/support/postgres_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace triage::testing {
namespace {

using namespace std::chrono_literals;

std::string find_binaries() {
  const std::string root = "/usr/lib/postgresql";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(root, ignored))
    if (std::filesystem::exists(entry.path() / "bin/initdb")) return entry.path() / "bin";
  throw std::runtime_error("no PostgreSQL server is installed");
}

/// PostgreSQL refuses to run as root: the words that run a command as `postgres` then.
std::vector<std::string> unprivileged() {
  if (::geteuid() != 0) return {};
  return {"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"};
}

/// Starts a program that goes on in the background, its output in `log`.
pid_t start(const std::vector<std::string>& arguments, const std::string& log, int input) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (input >= 0) ::dup2(input, STDIN_FILENO);
  std::vector<char*> words;
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  ::_exit(127);
}

void stop(pid_t pid, int signal) {
  if (pid <= 0) return;
  ::kill(pid, signal);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace

int free_port() {
  const os::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), generic, size) != 0 || ::getsockname(socket.get(), generic, &size) != 0)
    throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

PostgresServer::PostgresServer(const std::vector<std::string>& settings,
                               const std::string& host_based_access)
    : binaries_(find_binaries()), port_(free_port()) {
  const std::string data = directory_.path() + "/data";
  if (::geteuid() == 0) {
    const passwd* user = ::getpwnam("postgres");
    if (user == nullptr || ::chown(directory_.path().c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("cannot give the directory to postgres");
  }
  std::vector<std::string> init = unprivileged();
  for (const std::string word : {"/initdb", "-D", "x", "-U", "postgres", "-A", "trust", "-N"})
    init.push_back(word == "/initdb" ? binaries_ + word : (word == "x" ? data : word));
  const CommandResult made = run_command(init);
  if (made.exit_code != 0) throw std::runtime_error("initdb: " + made.error);
  std::ofstream(data + "/pg_hba.conf") << "local all all trust\n" << host_based_access;
  std::ofstream configuration(data + "/postgresql.conf", std::ios::app);
  configuration << "listen_addresses='127.0.0.1'\nport=" << port_ << "\nunix_socket_directories='"
                << directory_.path() << "'\nfsync=off\nmax_connections=20\n";
  for (const auto& setting : settings) configuration << setting << "\n";
  configuration.close();
  std::vector<std::string> server = unprivileged();
  server.insert(server.end(), {binaries_ + "/postgres", "-D", data});
  pid_ = start(server, directory_.path() + "/server.log", -1);
  wait_until("SELECT 1", "1");
  sql("CREATE ROLE watcher LOGIN PASSWORD 'watcher' IN ROLE pg_monitor;"
      "CREATE ROLE plain LOGIN PASSWORD 'plain'; ALTER ROLE postgres PASSWORD 'postgres';");
}

PostgresServer::~PostgresServer() {
  stop(pid_, SIGINT);
}

std::string PostgresServer::uri(const std::string& role) const {
  return fmt::format("postgres://{}:{}@127.0.0.1:{}/postgres", role, role, port_);
}

std::string PostgresServer::sql(const std::string& text) const {
  CommandResult result = run_command({"psql", "-At", "-h", directory_.path(), "-p",
                                      std::to_string(port_), "-U", "postgres", "-c", text});
  while (!result.out.empty() && result.out.back() == '\n') result.out.pop_back();
  return result.out;
}

void PostgresServer::wait_until(const std::string& query, const std::string& wanted) const {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (sql(query) != wanted) {
    if (std::chrono::steady_clock::now() > end) FAIL("still not " << wanted << ": " << query);
    std::this_thread::yield();
  }
}

PsqlSession::PsqlSession(const PostgresServer& server, const std::string& script,
                         const std::string& role) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  input_ = os::Fd(ends[1]);
  const os::Fd reading(ends[0]);
  pid_ = start({"psql", "-q", server.uri(role) + "?application_name=orders"}, "/dev/null",
               reading.get());
  // The pipe stays open, so the session lives on behind its last statement.
  const std::string text = script + "\n";
  if (::write(input_.get(), text.data(), text.size()) < 0) throw std::runtime_error("write");
}

PsqlSession::~PsqlSession() {
  stop(pid_, SIGKILL);
}

Pgbouncer::Pgbouncer(const PostgresServer& server) : port_(free_port()) {
  const std::string users =
      directory_.write("users.txt", "\"plain\" \"plain\"\n\"watcher\" \"watcher\"\n");
  const std::string settings = directory_.write(
      "pgbouncer.ini",
      fmt::format("[databases]\n* = host=127.0.0.1 port={} user=plain password=plain\n[pgbouncer]\n"
                  "listen_addr = 127.0.0.1\nlisten_port = {}\nauth_type = trust\nauth_file = {}\n"
                  "admin_users = watcher\npool_mode = transaction\ndefault_pool_size = 3\n"
                  "unix_socket_dir =\nignore_startup_parameters = extra_float_digits,options\n",
                  server.port(), port_, users));
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  auto words = unprivileged();
  words.insert(words.end(), {"/usr/sbin/pgbouncer", settings});
  pid_ = start(words, directory_.path() + "/log", -1);
  for (int tries = 0; tries < 200; ++tries) {
    const os::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      return;
    std::this_thread::sleep_for(100ms);
  }
  throw std::runtime_error("pgbouncer does not listen");
}

Pgbouncer::~Pgbouncer() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

std::string Pgbouncer::uri() const {
  return fmt::format("postgres://plain:plain@127.0.0.1:{}/postgres", port_);
}

std::string Pgbouncer::console() const {
  return fmt::format("postgres://watcher@127.0.0.1:{}/pgbouncer", port_);
}

}  // namespace triage::testing
