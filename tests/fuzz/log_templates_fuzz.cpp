#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "lib/probes/log_templates.h"

/// Lines of any bytes: no crash, and every slot has a new one after the merge.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  triage::probes::logs::TemplateMiner miner;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    miner.add(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  for (const std::size_t slot : miner.merge(std::vector<std::int64_t>(miner.size(), 1)))
    if (slot >= miner.size()) __builtin_trap();
  return 0;
}
