#include "lib/probes/log_templates.h"

#include <algorithm>
#include <functional>

#include "lib/probes/log_skeleton.h"
#include "lib/probes/log_template_merge.h"

namespace triage::probes::logs {
namespace {

constexpr std::size_t first_places = 1024;

}  // namespace

TemplateMiner::TemplateMiner() : texts_(1), hashes_(1), table_(first_places) {}

std::size_t TemplateMiner::add(std::string_view message) {
  write_skeleton(message, skeleton_);
  return find_or_insert(skeleton_);
}

std::size_t TemplateMiner::find_or_insert(std::string_view skeleton) {
  const std::uint64_t hash = std::hash<std::string_view>()(skeleton);
  std::size_t place = hash & (table_.size() - 1);
  for (; table_[place] != 0; place = (place + 1) & (table_.size() - 1)) {
    const std::size_t slot = table_[place];
    if (hashes_[slot] == hash && texts_[slot] == skeleton) return slot;
  }
  if (full()) return other;
  const std::size_t slot = texts_.size();
  texts_.emplace_back(skeleton);
  hashes_.push_back(hash);
  table_[place] = static_cast<std::uint32_t>(slot);
  if (texts_.size() * 2 > table_.size()) rehash();
  return slot;
}

void TemplateMiner::rehash() {
  std::size_t places = first_places;
  while (places < texts_.size() * 4) places *= 2;
  table_.assign(places, 0);
  for (std::size_t slot = 1; slot < texts_.size(); ++slot) {
    std::size_t place = hashes_[slot] & (places - 1);
    while (table_[place] != 0) place = (place + 1) & (places - 1);
    table_[place] = static_cast<std::uint32_t>(slot);
  }
}

std::vector<std::size_t> TemplateMiner::merge(const std::vector<std::int64_t>& counts) {
  const std::vector<std::string> old = std::move(texts_);
  const auto merged = merged_skeletons({old.begin() + 1, old.end()});
  texts_.assign(1, {});
  hashes_.assign(1, 0);
  table_.assign(first_places, 0);
  std::vector<std::size_t> moved(old.size(), other);
  for (std::size_t slot = 1; slot < old.size(); ++slot)
    moved[slot] = find_or_insert(merged[slot - 1]);
  if (texts_.size() <= most_skeletons / 2) return moved;
  std::vector<std::int64_t> sums(texts_.size());
  for (std::size_t slot = 1; slot < old.size() && slot < counts.size(); ++slot)
    sums[moved[slot]] += counts[slot];
  std::vector<std::size_t> order(texts_.size() - 1);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i + 1;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sums[a] > sums[b]; });
  order.resize(most_skeletons / 4);
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> kept(texts_.size(), other);
  const std::vector<std::string> all = std::move(texts_);
  texts_.assign(1, {});
  hashes_.assign(1, 0);
  table_.assign(first_places, 0);
  for (const std::size_t slot : order) kept[slot] = find_or_insert(all[slot]);
  for (auto& slot : moved) slot = kept[slot];
  return moved;
}

std::string TemplateMiner::text(std::size_t slot) const {
  if (slot == other) return "(other)";
  std::string result;
  for (const char c : texts_[slot]) {
    if (c == parameter_mark)
      result += "<*>";
    else
      result += c;
  }
  return result;
}

}  // namespace triage::probes::logs
