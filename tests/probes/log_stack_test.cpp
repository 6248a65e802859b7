#include "lib/probes/log_stack.h"

#include <doctest/doctest.h>

using namespace triage::probes::logs;

TEST_CASE("log_stack: frames of Node.js and of packages are not the service's own") {
  CHECK(own_frame("    at load (/srv/api/orders.js:12:5)") == "load (/srv/api/orders.js:12:5)");
  CHECK(own_frame("    at async /srv/api/orders.js:12:5 {") == "async /srv/api/orders.js:12:5");
  CHECK(own_frame("    at Pool.connect (/srv/api/node_modules/pg-pool/index.js:45:11)").empty());
  CHECK(own_frame("    at node:internal/process/task_queues:95:5").empty());
  CHECK(own_frame("    at new Promise (<anonymous>)").empty());
  CHECK(own_frame("    attached: 1").empty());
}

TEST_CASE("log_stack: the first own frame of an escaped stack is found below foreign ones") {
  CHECK(
      first_own_frame(
          R"(Error: x\n    at a (/s/node_modules/p/i.js:1:2)\n    at b (/s/b.js:3:4)\n    at c (/s/c.js:5:6))") ==
      "b (/s/b.js:3:4)");
  CHECK(first_own_frame("Error: x").empty());
  CHECK(first_own_frame("").empty());
}
