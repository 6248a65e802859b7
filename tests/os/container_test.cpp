#include "lib/os/container.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

using triage::os::parse_container;

namespace {

const std::string id(64, 'a');
const std::string shown(12, 'a');

}  // namespace

TEST_CASE("container: the runtimes are told by the paths of their control groups") {
  struct Row {
    std::string path;
    std::string runtime;
  };
  for (const auto& row :
       {Row{"/system.slice/docker-" + id + ".scope", "docker"}, Row{"/docker/" + id, "docker"},
        Row{"/kubepods.slice/kubepods-burstable.slice/cri-containerd-" + id + ".scope",
            "containerd"},
        Row{"/machine.slice/libpod-" + id + ".scope/container", "podman"},
        Row{"/kubepods/besteffort/pod12/crio-" + id + ".scope", "cri-o"}}) {
    const auto container = parse_container("0::" + row.path + "\n");
    REQUIRE_MESSAGE(container, row.path);
    CHECK(container->runtime == row.runtime);
    CHECK(container->id == shown);
  }
  CHECK(parse_container("0::/lxc.payload.web\n")->id == "web");
  CHECK(parse_container("3:cpu:/lxc/web\n")->runtime == "lxc");
  CHECK(parse_container("0::/machine.slice/machine-db.scope\n")->id == "db");
}

TEST_CASE("container: the pod of Kubernetes is named, in both spellings") {
  CHECK(parse_container("0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod0a_1b"
                        ".slice/cri-containerd-" +
                        id + ".scope\n")
            ->pod == "0a-1b");
  CHECK(parse_container("4:memory:/kubepods/burstable/pod0a-1b/" + id + "\n")->pod == "0a-1b");
}

TEST_CASE("container: a process of the host is in none") {
  CHECK_FALSE(parse_container("0::/user.slice/user-1000.slice/session-2.scope\n"));
  CHECK_FALSE(parse_container("0::/system.slice/docker.service\n"));
  CHECK_FALSE(parse_container("0::/\n"));
  CHECK_FALSE(parse_container(""));
  CHECK_FALSE(parse_container("0::/docker-abc.scope\n"));
}
