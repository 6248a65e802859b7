#pragma once

/// Asks a running Node.js process to open its inspector: the one signal that triage ever sends.
#include <cstdint>
#include <string_view>
#include <vector>

#include "lib/os/procfs.h"

namespace triage::os {

/// Whether /proc/<pid>/status says that the process catches the signal: "SigCgt:\t0000000100004602"
/// has a bit per signal, from signal 1 (proc(5)). A signal that is not caught may end the process.
bool catches_signal(std::string_view status, int signal);

/// Sends SIGUSR1 to exactly this process (pidfd_send_signal(2), so never to a later owner of the
/// pid). Waits until the process is a second old, since before Node.js has set its handler the
/// signal would end it. Refuses, Error{refused}, unless SIGUSR1 is caught.
void send_inspector_signal(const Procfs& procfs, const ProcessIdentity& id);

/// TCP ports on which the process listens on loopback or on every address, ascending.
std::vector<std::uint16_t> listening_ports(const Procfs& procfs, pid_t pid);

/// The id by which the process knows itself: the last number of "NSpid:\t19500\t1".
pid_t innermost_pid(std::string_view status, pid_t pid);

}  // namespace triage::os
