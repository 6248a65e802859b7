#include "lib/os/diag_dump.h"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "lib/base/error.h"
#include "lib/os/fd.h"

namespace triage::os {
namespace {

enum class End { more, done, again };

[[noreturn]] void fail(int error) {
  throw Error(
      error == EPERM || error == EACCES ? ErrorCode::refused : ErrorCode::unreachable,
      fmt::format("the kernel gives no socket list (NETLINK_SOCK_DIAG): {}", std::strerror(error)),
      "load the module inet_diag, or read /proc/net/tcp by hand");
}

/// What an NLMSG_ERROR says: a negative errno.
End take_error(std::span<const std::byte> payload) {
  int error = -EIO;
  if (payload.size() >= sizeof error) std::memcpy(&error, payload.data(), sizeof error);
  if (error == -ENOENT) return End::done;
  fail(-error);
}

/// Takes the messages of one datagram. The kernel aligns them; they are copied out all the same, so
/// that no buffer is read as a type it is not.
End take_messages(std::span<const std::byte> data,
                  const std::function<void(std::span<const std::byte>)>& take) {
  while (data.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, data.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > data.size()) fail(EBADMSG);
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) return End::again;
    if (header.nlmsg_type == NLMSG_DONE) return End::done;
    const auto payload = data.subspan(sizeof header, header.nlmsg_len - sizeof header);
    if (header.nlmsg_type == NLMSG_ERROR) return take_error(payload);
    take(payload);
    data = data.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), data.size()));
  }
  return End::more;
}

End dump_once(std::span<const std::byte> request,
              const std::function<void(std::span<const std::byte>)>& take) {
  const Fd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) fail(errno);
  if (::send(netlink.get(), request.data(), request.size(), 0) < 0) fail(errno);
  // The kernel fills at most 32 KiB per datagram of a dump (af_netlink.c, netlink_dump).
  constexpr std::size_t size = std::size_t{64} << 10U;
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
  End end = End::more;
  while (end == End::more) {
    const ssize_t count = ::recv(netlink.get(), buffer.get(), size, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == ENOBUFS) return End::again;
    if (count <= 0) fail(count < 0 ? errno : EPIPE);
    end = take_messages({buffer.get(), static_cast<std::size_t>(count)}, take);
  }
  return end;
}

}  // namespace

void dump_diag(std::span<const std::byte> request,
               const std::function<void(std::span<const std::byte>)>& take,
               const std::function<void()>& reset) {
  constexpr int attempts = 5;
  for (int i = 0; i < attempts; ++i) {
    reset();
    if (dump_once(request, take) == End::done) return;
  }
  fail(EAGAIN);
}

void each_attribute(std::span<const std::byte> bytes,
                    const std::function<void(int, std::span<const std::byte>)>& each) {
  while (bytes.size() >= sizeof(rtattr)) {
    rtattr attribute{};
    std::memcpy(&attribute, bytes.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > bytes.size()) return;
    each(attribute.rta_type, bytes.subspan(sizeof attribute, attribute.rta_len - sizeof attribute));
    bytes = bytes.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), bytes.size()));
  }
}

}  // namespace triage::os
