#include "tests/support/node_service.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>

namespace triage::testing {
namespace {

constexpr int start_ms = 20'000;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

NodeService::NodeService(const std::string& script, const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment, const std::string& node) {
  std::vector<std::string> words{"/usr/bin/env"};
  words.insert(words.end(), environment.begin(), environment.end());
  words.push_back(node);
  words.push_back(std::string(TRIAGE_SOURCE_DIR "/") + script);
  words.insert(words.end(), arguments.begin(), arguments.end());
  const auto argv = pointers(words);
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  output_ = os::Fd(ends[0]);
  os::Fd writer(ends[1]);
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(writer.get(), STDOUT_FILENO);
    ::execv(argv.front(), argv.data());
    ::_exit(127);
  }
  writer.reset();
  const std::string ready = line();
  REQUIRE_MESSAGE(ready.rfind("ready", 0) == 0, "the service said: " << ready);
  if (ready.size() > 6) port_ = std::atoi(ready.c_str() + 6);
}

NodeService::~NodeService() {
  end();
}

void NodeService::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

bool NodeService::fill(int wait_ms) {
  pollfd wait{output_.get(), POLLIN, 0};
  if (::poll(&wait, 1, wait_ms) <= 0) return false;
  std::array<char, 65536> block{};
  const ssize_t size = ::read(output_.get(), block.data(), block.size());
  if (size <= 0) return false;
  buffer_.append(block.data(), static_cast<std::size_t>(size));
  return true;
}

std::string NodeService::line() {
  std::size_t end = buffer_.find('\n');
  while (end == std::string::npos && fill(start_ms)) end = buffer_.find('\n');
  if (end == std::string::npos) return {};
  std::string text = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return text;
}

std::vector<std::string> NodeService::lines_so_far() {
  while (fill(0)) {
  }
  std::vector<std::string> lines;
  while (buffer_.find('\n') != std::string::npos) lines.push_back(line());
  return lines;
}

bool NodeService::answers() const {
  const os::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval limit{5, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return false;
  const std::string request = "GET / HTTP/1.0\r\n\r\n";
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return false;
  std::array<char, 64> answer{};
  return ::recv(socket.get(), answer.data(), answer.size(), 0) > 0;
}

}  // namespace triage::testing
