#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "lib/base/json.h"

namespace triage::testing {
namespace {

using Behaviour = ScriptedAnswer::Behaviour;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return (c | 0x20) - 'a' + 10;
}

std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

void add_parameters(std::string_view query, std::multimap<std::string, std::string>& parameters) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto part = query.substr(0, end);
    const auto equals = std::min(part.find('='), part.size());
    parameters.emplace(decode(part.substr(0, equals)),
                       equals < part.size() ? decode(part.substr(equals + 1)) : std::string());
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void take_apart_target(ReceivedRequest& request) {
  const auto question = std::min(request.target.find('?'), request.target.size());
  request.path = decode(std::string_view(request.target).substr(0, question));
  if (question < request.target.size())
    add_parameters(std::string_view(request.target).substr(question + 1), request.parameters);
}

ReceivedRequest parse_head(const std::string& head) {
  ReceivedRequest request;
  std::istringstream stream(head);
  std::string version;
  stream >> request.method >> request.target >> version;
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line) && line.size() > 1) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    auto value = line.substr(colon + 1);
    value.erase(0, value.find_first_not_of(' '));
    while (!value.empty() && value.back() == '\r') value.pop_back();
    request.headers[lower(line.substr(0, colon))] = value;
  }
  take_apart_target(request);
  return request;
}

bool send_text(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string head_of(const ScriptedAnswer& answer, const std::string& framing) {
  std::string head = fmt::format("HTTP/1.1 {} x\r\n", answer.status);
  for (const auto& [name, value] : answer.headers)
    if (lower(name) != "content-length" && lower(name) != "transfer-encoding")
      head += name + ": " + value + "\r\n";
  return head + framing + "\r\n";
}

std::string from_base64(std::string_view text) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = letters.find(c);
    if (value == std::string_view::npos) continue;
    bits = (bits << 6U) | static_cast<unsigned>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU);
  }
  return out;
}

std::string signature(const ReceivedRequest& request) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : request.parameters) parts.push_back(name + "=" + value);
  std::sort(parts.begin(), parts.end());
  return fmt::format("{} {}", request.path, fmt::join(parts, "&"));
}

}  // namespace

std::string ReceivedRequest::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

std::string ReceivedRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

HttpServer::HttpServer(Handler handler)
    : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof place;
  auto* address = reinterpret_cast<sockaddr*>(&place);
  REQUIRE(::bind(listener_.get(), address, size) == 0);
  REQUIRE(::listen(listener_.get(), 64) == 0);
  REQUIRE(::getsockname(listener_.get(), address, &size) == 0);
  port_ = ntohs(place.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() {
  stop_ = true;
  acceptor_.join();
  for (auto& connection : connections_) connection.join();
}

std::string HttpServer::address() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<ReceivedRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::accept_all() {
  while (!stop_) {
    pollfd waiting{listener_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) connections_.emplace_back([this, fd] { serve(fd); });
  }
}

void HttpServer::serve(int fd) {
  const os::Fd owner(fd);
  std::string buffer;
  const auto fill = [&] {
    while (!stop_) {
      pollfd waiting{fd, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      std::array<char, 65536> chunk{};
      const auto got = ::recv(fd, chunk.data(), chunk.size(), 0);
      if (got <= 0) return false;
      buffer.append(chunk.data(), static_cast<std::size_t>(got));
      return true;
    }
    return false;
  };
  for (;;) {
    auto end = buffer.find("\r\n\r\n");
    while (end == std::string::npos) {
      if (!fill()) return;
      end = buffer.find("\r\n\r\n");
    }
    ReceivedRequest request = parse_head(buffer.substr(0, end + 2));
    buffer.erase(0, end + 4);
    const std::string length = request.header("content-length");
    const std::size_t size = length.empty() ? 0 : std::stoul(length);
    while (buffer.size() < size)
      if (!fill()) return;
    request.body = buffer.substr(0, size);
    buffer.erase(0, size);
    if (request.header("content-type") == "application/x-www-form-urlencoded")
      add_parameters(request.body, request.parameters);
    if (!answer(fd, request)) return;
  }
}

bool HttpServer::answer(int fd, const ReceivedRequest& request) {
  ScriptedAnswer scripted;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    scripted = handler_(request);
  }
  switch (scripted.behaviour) {
    case Behaviour::answer:
      return send_text(fd, head_of(scripted,
                                   fmt::format("Content-Length: {}\r\n", scripted.body.size()))) &&
             (request.method == "HEAD" || send_text(fd, scripted.body));
    case Behaviour::hang:
      while (!stop_) {
        // A client that goes away ends the wait.
        pollfd waiting{fd, POLLIN, 0};
        if (::poll(&waiting, 1, 20) > 0) return false;
      }
      return false;
    case Behaviour::reset: {
      const linger now{1, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
      return false;
    }
    case Behaviour::endless:
      if (!send_text(fd, head_of(scripted, "Connection: close\r\n"))) return false;
      while (!stop_ && send_text(fd, scripted.body)) continue;
      return false;
    case Behaviour::half:
      send_text(fd, head_of(scripted,
                            fmt::format("Content-Length: {}\r\n", 2 * scripted.body.size() + 1)));
      send_text(fd, scripted.body);
      return false;
    case Behaviour::not_http:
      send_text(fd, scripted.body);
      return false;
  }
  return false;
}

HttpServer::Handler recorded_answers(const std::string& folder) {
  std::map<std::string, ScriptedAnswer> answers;
  const std::filesystem::path top = std::string(TRIAGE_SOURCE_DIR "/tests/data/") + folder;
  for (const auto& entry : std::filesystem::directory_iterator(top)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream stream(entry.path());
    std::ostringstream text;
    text << stream.rdbuf();
    const Json recording = parse_json(text.str(), entry.path().string());
    const Json& response = recording["response"];
    ScriptedAnswer scripted;
    scripted.status = response["status"].get<int>();
    for (const auto& [name, value] : response["headers"].items())
      scripted.headers.emplace_back(name, value.get<std::string>());
    if (response.contains("body_text")) scripted.body = response["body_text"].get<std::string>();
    if (response.contains("body_base64"))
      scripted.body = from_base64(response["body_base64"].get<std::string>());
    ReceivedRequest request;
    request.target = recording["request"]["path"].get<std::string>();
    take_apart_target(request);
    if (recording["request"].contains("body_text"))
      add_parameters(recording["request"]["body_text"].get<std::string>(), request.parameters);
    answers.emplace(signature(request), std::move(scripted));
  }
  return [answers = std::move(answers)](const ReceivedRequest& request) {
    const auto found = answers.find(signature(request));
    if (found != answers.end()) return found->second;
    return ScriptedAnswer{599, {}, "not recorded: " + signature(request), Behaviour::answer};
  };
}

}  // namespace triage::testing
