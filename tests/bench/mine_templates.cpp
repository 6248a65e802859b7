// Reads messages, one a line, from stdin; prints "slot<tab>template" for each, in order. With a
// number N as argument it prints instead how many lines a second and CPU it mines when it reads
// them N times, as one number.
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include "lib/probes/log_templates.h"

namespace {

using triage::probes::logs::TemplateMiner;

void remap(TemplateMiner& miner, std::vector<std::size_t>& slots) {
  std::vector<std::int64_t> counts(miner.size());
  for (const std::size_t slot : slots) ++counts[slot];
  const auto moved = miner.merge(counts);
  for (auto& slot : slots) slot = moved[slot];
}

void print_speed(const std::vector<std::string>& lines, int times) {
  const std::clock_t start = std::clock();
  TemplateMiner miner;
  for (int i = 0; i < times; ++i)
    for (const auto& line : lines) {
      if (miner.full()) miner.merge(std::vector<std::int64_t>(miner.size(), 1));
      miner.add(line);
    }
  miner.merge(std::vector<std::int64_t>(miner.size(), 1));
  const double cpu_s = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::cout << static_cast<double>(lines.size()) * times / cpu_s << '\n';
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(std::cin, line);) lines.push_back(line);
  if (count > 1) {
    print_speed(lines, static_cast<int>(std::strtol(arguments[1], nullptr, 10)));
    return 0;
  }
  TemplateMiner miner;
  std::vector<std::size_t> slots;
  for (const auto& line : lines) {
    if (miner.full()) remap(miner, slots);
    slots.push_back(miner.add(line));
  }
  remap(miner, slots);
  for (const std::size_t slot : slots) std::cout << slot << '\t' << miner.text(slot) << '\n';
}
