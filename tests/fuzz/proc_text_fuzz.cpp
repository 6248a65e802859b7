#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/os/descriptor_info.h"
#include "lib/os/proc_net.h"

// /proc texts of another process: sockets and fdinfo.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  triage::os::parse_proc_inet(text, 6);
  triage::os::parse_proc_unix(text);
  triage::os::parse_descriptor_info(text);
  return 0;
}
