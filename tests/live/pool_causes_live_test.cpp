#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include "lib/base/json.h"
#include "tests/support/command.h"
#include "tests/support/node_service.h"
#include "tests/support/npm_packages.h"
#include "tests/support/postgres_server.h"

// The decision table of lib/probes/pool_causes.h, each row injected into a real PostgreSQL and
// looked at through every source alone.
using triage::Json;
using triage::testing::NodeService;
using triage::testing::PostgresServer;
using triage::testing::run_triage;

namespace {

/// A server with a table, and a service in a situation.
struct Incident {
  explicit Incident(const std::string& situation, const std::string& library = "pg")
      : server(), service(script(server), {server.uri("plain"), library, situation}, any_port()) {}

  /// The document of `triage pool`, looking by `source` alone, or by all when it is empty.
  Json look(const std::string& source, const std::string& slow_after = "10s") const {
    return triage_pool(server.uri(), service, source, {"--slow-after", slow_after});
  }

  static Json triage_pool(const std::string& uri, const NodeService& service,
                          const std::string& source, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"pool", "--db", uri, "--target", service.pid_text(),
                                   "-o",   "json"};
    words.insert(words.end(), more.begin(), more.end());
    if (!source.empty()) words.insert(words.end(), {"--source", source});
    if (source.empty() || source == "inspector") words.emplace_back("--allow-inspector");
    const auto result = run_triage(words);
    REQUIRE_MESSAGE(!result.out.empty(), result.error);
    return Json::parse(result.out);
  }

  /// An inspector port of its own: others may test on this host.
  static std::vector<std::string> any_port() { return {"NODE_OPTIONS=--inspect-port=0"}; }

  static std::string script(const PostgresServer& server) {
    triage::testing::install_packages("tests/data/pools");
    server.sql(
        "CREATE TABLE stock (id int, n int); INSERT INTO stock VALUES (1, 1), (2, 1);"
        "GRANT ALL ON stock TO plain");
    return "tests/data/pools/service.js";
  }

  PostgresServer server;
  NodeService service;
};

/// Passes one server on to another port, until it lets what comes from the clients fall: the kernel
/// drops it before it acknowledges, as a cut network would.
class CutCable {
 public:
  explicit CutCable(int server_port)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), server_port_(server_port) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_.get(), generic, size) == 0);
    REQUIRE(::listen(listener_.get(), 64) == 0);
    REQUIRE(::getsockname(listener_.get(), generic, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { pump(); });
  }
  CutCable(const CutCable&) = delete;
  CutCable& operator=(const CutCable&) = delete;
  ~CutCable() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] int port() const { return port_; }
  /// Cuts the connections that are there now.
  void cut() {
    cut_ = true;
    while (cut_) std::this_thread::yield();
  }

 private:
  struct Pair {
    triage::os::Fd client;
    triage::os::Fd server;
  };
  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static bool pass(int from, int to) {
    std::array<char, 65536> block{};
    const ssize_t size = ::read(from, block.data(), block.size());
    return size > 0 && ::write(to, block.data(), static_cast<std::size_t>(size)) == size;
  }
  void take_client() {
    Pair pair{triage::os::Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)),
              triage::os::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
    const sockaddr_in address = loopback(server_port_);
    ::connect(pair.server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    pairs_.push_back(std::move(pair));
  }
  void cut_all() {
    sock_filter nothing{BPF_RET | BPF_K, 0, 0, 0};
    sock_fprog program{1, &nothing};
    for (const auto& pair : pairs_)
      ::setsockopt(pair.client.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    cut_ = false;
  }
  void pump() {
    while (!stop_) {
      if (cut_) cut_all();
      std::vector<pollfd> wait{{listener_.get(), POLLIN, 0}};
      for (const auto& pair : pairs_) {
        wait.push_back({pair.client.get(), POLLIN, 0});
        wait.push_back({pair.server.get(), POLLIN, 0});
      }
      ::poll(wait.data(), wait.size(), 20);
      std::vector<std::size_t> ended;
      for (std::size_t i = 0; i < pairs_.size(); ++i) {
        const Pair& pair = pairs_[i];
        const bool up =
            (wait[1 + 2 * i].revents & POLLIN) == 0 || pass(pair.client.get(), pair.server.get());
        const bool down =
            (wait[2 + 2 * i].revents & POLLIN) == 0 || pass(pair.server.get(), pair.client.get());
        if (!up || !down) ended.push_back(i);
      }
      for (auto one = ended.rbegin(); one != ended.rend(); ++one)
        pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(*one));
      if ((wait[0].revents & POLLIN) != 0) take_client();
    }
  }
  triage::os::Fd listener_;
  int server_port_;
  int port_ = 0;
  std::vector<Pair> pairs_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> cut_{false};
  std::thread thread_;
};

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> all;
  for (const auto& one : list) all.push_back(one.get<std::string>());
  return all;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

/// The first cause without an alternative; empty when none is named.
std::string named(const Json& document) {
  for (const auto& cause : document["causes"])
    if (cause["not_apart_from"].empty()) return cause["name"].get<std::string>();
  return {};
}

/// Whether `cause` is among those that the facts leave open, and is not named.
bool open(const Json& document, const std::string& cause) {
  for (const auto& one : document["causes"]) {
    if (one["not_apart_from"].empty()) continue;
    if (one["name"] == cause || contains(texts(one["not_apart_from"]), cause)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("pool causes: clients that never come back are a leak by the pool's own objects alone") {
  const Incident incident("leak");
  const Json all = incident.look("", "200ms");
  CHECK(named(all) == "client_leak");
  CHECK(all["severity"] == "crit");
  REQUIRE(all["app_pools"].size() == 1);
  const Json pool = all["app_pools"][0];
  CHECK(pool["library"] == "pg-pool");
  CHECK(pool["total_count"] == 5);
  CHECK(pool["checked_out_count"] == 5);
  CHECK(pool["waiting_count"] == 6);
  CHECK(pool["max_count"] == 5);
  CHECK(pool["acquire_timeout_ms"] == 0);
  CHECK(pool["clients"][0]["stayed"] == true);
  CHECK(pool["clients"][0]["transaction"] == "I");
  CHECK(all["app_walks"][0]["whole"] == true);
  CHECK(named(incident.look("inspector", "200ms")) == "client_leak");
  // The others see idle connections and cannot say whose fault it is.
  for (const char* source : {"views", "titles", "tcp"}) {
    const Json document = incident.look(source, "200ms");
    CHECK_MESSAGE(named(document).empty(), source);
    CHECK_MESSAGE(open(document, "client_leak"), source);
    CHECK_MESSAGE(open(document, "held_between_statements"), source);
  }
  // A look that is shorter than the hold may be long does not name it either.
  CHECK(open(incident.look("inspector", "10m"), "client_leak"));
  CHECK(incident.service.answers());
}

TEST_CASE("pool causes: clients that come back without having worked are held, not leaked") {
  const Incident incident("held");
  CHECK(named(incident.look("")) == "held_between_statements");
  CHECK(named(incident.look("inspector")) == "held_between_statements");
  CHECK(open(incident.look("tcp"), "held_between_statements"));
}

TEST_CASE("pool causes: a pool that is too small gets a size by Little's law") {
  const Incident incident("undersized");
  const Json all = incident.look("");
  CHECK(named(all) == "undersized");
  const std::string text = all["causes"][0]["text"].get<std::string>();
  CHECK(text.find("check-outs per second") != std::string::npos);
  CHECK(text.find("slots are free") != std::string::npos);
  for (const char* source : {"titles", "tcp", "inspector"}) {
    const Json document = incident.look(source);
    CHECK_MESSAGE(named(document).empty(), source);
  }
}

TEST_CASE("pool causes: one slow statement in every connection is named with its text") {
  const Incident incident("slow");
  const Json all = incident.look("", "500ms");
  CHECK(named(all) == "slow_statement");
  CHECK(all["causes"][0]["text"].get<std::string>().find("SELECT pg_sleep(?)") !=
        std::string::npos);
  CHECK(named(incident.look("views", "500ms")) == "slow_statement");
  CHECK(open(incident.look("titles", "500ms"), "slow_statement"));
  const Json tcp = incident.look("tcp", "500ms");
  CHECK(open(tcp, "slow_statement"));
  CHECK(open(tcp, "lock_chain"));
  CHECK(open(tcp, "pgbouncer_queue"));
}

TEST_CASE("pool causes: transactions that sit idle are named by all sources but tcp_info") {
  const Incident incident("transaction");
  CHECK(named(incident.look("", "200ms")) == "idle_in_transaction");
  for (const char* source : {"inspector", "views", "titles"})
    CHECK_MESSAGE(named(incident.look(source, "200ms")) == "idle_in_transaction", source);
  CHECK(open(incident.look("tcp", "200ms"), "idle_in_transaction"));
}

TEST_CASE("pool causes: a lock chain is followed to its root, and it is said whose that is") {
  const Incident incident("lock");
  const Json all = incident.look("");
  CHECK(named(all) == "lock_chain");
  CHECK(all["causes"][0]["text"].get<std::string>().find("a connection of the same pool") !=
        std::string::npos);
  CHECK(named(incident.look("views")) == "lock_chain");
  CHECK(named(incident.look("titles")) == "lock_chain");
  CHECK(named(incident.look("tcp")).empty());
}

TEST_CASE("pool causes: deadlocks are counted while it watches") {
  const Incident incident("deadlock");
  const Json document =
      Incident::triage_pool(incident.server.uri(), incident.service, "views", {"--duration", "4s"});
  CHECK(document["deadlocks_count"] >= 1);
  CHECK(named(document) == "deadlock");
  CHECK(document["causes"][0]["told_by"][0] == "pg_stat_database");
}

TEST_CASE("pool causes: slots that another application took are no fault of the empty pool") {
  const PostgresServer server({"max_connections=6", "superuser_reserved_connections=3"});
  std::vector<std::unique_ptr<triage::testing::PsqlSession>> others;
  const std::string held = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'watcher'";
  for (int tries = 0; tries < 100 && server.sql(held) != "3"; ++tries)
    others.push_back(
        std::make_unique<triage::testing::PsqlSession>(server, "SELECT 1;", "watcher"));
  const NodeService service(Incident::script(server), {server.uri("plain"), "pg", "refused"},
                            Incident::any_port());
  const Json all = Incident::triage_pool(server.uri("postgres"), service, "");
  CHECK(named(all) == "slots_taken");
  REQUIRE(all["app_pools"].size() == 1);
  CHECK(all["app_pools"][0]["waiting_count"] == 0);
  CHECK(all["causes"][0]["text"].get<std::string>().find("the target 0") != std::string::npos);
  // Without a login the titles tell the role.
  const Json titles = Incident::triage_pool(server.uri("watcher"), service, "");
  CHECK(titles["slots_full"] == true);
  CHECK(named(titles) == "slots_taken");
}

TEST_CASE("pool causes: answers that wait unread are the loop's fault, not the pool's") {
  const Incident incident("blocked");
  CHECK(incident.service.answers());  // begins it
  const Json tcp =
      Incident::triage_pool(incident.server.uri(), incident.service, "tcp", {"--interval", "1s"});
  CHECK(named(tcp) == "blocked_loop");
  CHECK(open(incident.look("titles"), "blocked_loop"));
  CHECK(open(incident.look("views", "10ms"), "blocked_loop"));
}

TEST_CASE("pool causes: requests that never arrive are the network's fault") {
  const PostgresServer server;
  CutCable cable(server.port());
  const std::string near =
      fmt::format("postgres://watcher:watcher@127.0.0.1:{}/postgres", cable.port());
  const NodeService service(
      Incident::script(server),
      {fmt::format("postgres://plain:plain@127.0.0.1:{}/postgres", cable.port()), "pg", "network"});
  cable.cut();
  CHECK(service.answers());
  const Json both = Incident::triage_pool(near, service, "views", {"--interval", "2s"});
  CHECK(both["tcp"].is_null());
  const Json tcp = Incident::triage_pool(near, service, "tcp", {"--interval", "2s"});
  CHECK(open(tcp, "network"));
  CHECK(tcp["tcp"]["stalled_count"] == 5);
  const auto result = run_triage({"pool", "--db", near, "--interval", "2s", "-o", "json"});
  CHECK(named(Json::parse(result.out)) == "network");
}

TEST_CASE("pool causes: clients that wait in pgbouncer are counted there and joined to backends") {
  const PostgresServer server;
  const triage::testing::Pgbouncer bouncer(server);
  const NodeService service(Incident::script(server), {bouncer.uri(), "pg", "slow"},
                            Incident::any_port());
  const Json document =
      Incident::triage_pool(server.uri(), service, "", {"--pgbouncer", bouncer.console()});
  CHECK(named(document) == "pgbouncer_queue");
  const Json pool = document["bouncer"]["pools"][0];
  CHECK(pool["clients_active_count"] == 3);
  CHECK(pool["clients_waiting_count"] == 2);
  int served = 0;
  for (const auto& link : document["bouncer"]["links"]) {
    CHECK(link["pid"] == service.pid());
    if (link["backend_pid"] == 0) continue;
    ++served;
    CHECK(server.sql(fmt::format("SELECT client_port FROM pg_stat_activity WHERE pid = {}",
                                 link["backend_pid"].get<int>())) ==
          std::to_string(link["server_port"].get<int>()));
  }
  CHECK(served == 3);
  CHECK(document["tcp"]["in_flight_count"] == 5);
}

TEST_CASE("pool causes: pools of knex, sequelize and generic-pool are found as well") {
  for (const auto& [library, name] : std::vector<std::pair<std::string, std::string>>{
           {"knex", "tarn"}, {"sequelize", "sequelize-pool"}, {"generic", "generic-pool"}}) {
    const Incident incident("leak", library);
    const Json document = incident.look("inspector", "200ms");
    REQUIRE_MESSAGE(document["app_pools"].size() == 1, library);
    const Json pool = document["app_pools"][0];
    CHECK(pool["library"] == name);
    CHECK(pool["checked_out_count"] == 5);
    CHECK(pool["waiting_count"] == 6);
    CHECK(pool["max_count"] == 5);
    CHECK(named(document) == "client_leak");
  }
}
