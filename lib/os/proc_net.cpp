#include "lib/os/proc_net.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstring>

#include "lib/os/lines.h"

namespace triage::os {
namespace {

constexpr int hexadecimal = 16;

template <class Number>
bool read_number(std::string_view text, Number& value, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

/// "0100007F:0CEA" or 32 digits and a port.
bool read_endpoint(std::string_view text, std::string& address, std::uint16_t& port, int& family) {
  constexpr std::size_t word_digits = 8;
  const std::size_t colon = text.find(':');
  if (colon != word_digits && colon != 4 * word_digits) return false;
  family = colon == word_digits ? AF_INET : AF_INET6;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i * word_digits < colon; ++i)
    if (!read_number(text.substr(i * word_digits, word_digits), words.at(i), hexadecimal))
      return false;
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (::inet_ntop(family, words.data(), out.data(), out.size()) == nullptr) return false;
  address = out.data();
  return read_number(text.substr(colon + 1), port, hexadecimal);
}

/// "00000000:00000004": what waits to be sent and to be read.
bool read_queues(std::string_view text, InetSocket& socket) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos &&
         read_number(text.substr(0, colon), socket.send_queue, hexadecimal) &&
         read_number(text.substr(colon + 1), socket.receive_queue, hexadecimal);
}

}  // namespace

std::vector<InetSocket> parse_proc_inet(std::string_view text, int protocol) {
  std::vector<InetSocket> sockets;
  each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    constexpr std::size_t needed = 10;
    if (words.size() < needed) return;
    InetSocket socket;
    socket.protocol = protocol;
    const bool good =
        read_endpoint(words[1], socket.local_address, socket.local_port, socket.family) &&
        read_endpoint(words[2], socket.peer_address, socket.peer_port, socket.family) &&
        read_number(words[3], socket.state, hexadecimal) && read_queues(words[4], socket) &&
        read_number(words[7], socket.uid) && read_number(words[9], socket.inode);
    if (good) sockets.push_back(std::move(socket));
  });
  return sockets;
}

std::vector<UnixSocket> parse_proc_unix(std::string_view text) {
  // Flags and states of the file are those of include/linux/net.h: SS_CONNECTED is 3, and a
  // listener has the flag __SO_ACCEPTCON.
  constexpr unsigned listens = 0x10000;
  constexpr int connected = 3;
  std::vector<UnixSocket> sockets;
  each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    constexpr std::size_t needed = 7;
    if (words.size() < needed) return;
    UnixSocket socket;
    unsigned flags = 0;
    int state = 0;
    if (!read_number(words[3], flags, hexadecimal) ||
        !read_number(words[4], socket.type, hexadecimal) ||
        !read_number(words[5], state, hexadecimal) || !read_number(words[6], socket.inode))
      return;
    socket.state = state == connected ? 1 : 7;
    if ((flags & listens) != 0) socket.state = 10;
    if (words.size() > needed) socket.path = words[needed];
    sockets.push_back(std::move(socket));
  });
  return sockets;
}

}  // namespace triage::os
