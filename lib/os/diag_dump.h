#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace triage::os {

/// One dump over NETLINK_SOCK_DIAG in the network namespace of the calling thread: sends `request`
/// (a whole netlink message) and gives the payload of every answer to `take`. A dump that the
/// kernel calls interrupted is taken again, after `reset`. A family that this kernel does not have
/// has no sockets. Throws Error{refused} or Error{unreachable} when the kernel does not answer.
void dump_diag(std::span<const std::byte> request,
               const std::function<void(std::span<const std::byte>)>& take,
               const std::function<void()>& reset);

/// Calls `each` with type and value of the attributes (struct rtattr, rtnetlink(7)) in `bytes`;
/// stops at the first that does not fit.
void each_attribute(std::span<const std::byte> bytes,
                    const std::function<void(int, std::span<const std::byte>)>& each);

}  // namespace triage::os
