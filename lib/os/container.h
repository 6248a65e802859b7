#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/os/procfs.h"

namespace triage::os {

/// The container that a process runs in, as far as its control group tells.
struct Container {
  std::string runtime;    ///< "docker", "containerd", "cri-o", "podman", "lxc", "nspawn"
  std::string id;         ///< first 12 digits of the id, or the name
  std::string pod;        ///< Kubernetes: uid of the pod; else empty
  std::string host_name;  ///< inside; a pod's name in Kubernetes. Empty without CAP_SYS_ADMIN
  pid_t inner_pid = 0;    ///< by which the process knows itself
};

/// Of a text as /proc/<pid>/cgroup; nothing for a process of the host itself. Forms, by runtime:
/// "/docker/<64 hex>", "docker-<64 hex>.scope", "cri-containerd-<64 hex>.scope", "crio-...",
/// "libpod-...", "/kubepods/.../pod<uid>/<64 hex>", "/lxc.payload.<name>", "/lxc/<name>",
/// "machine-<name>.scope". Without host name and pid.
std::optional<Container> parse_container(std::string_view cgroup);

/// Nothing for a process of the host, and when its control group may not be read.
std::optional<Container> container_of(const Procfs& procfs, pid_t pid);

}  // namespace triage::os
