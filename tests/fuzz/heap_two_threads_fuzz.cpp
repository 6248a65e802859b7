// The quick reader of V8's own layout: what it takes, the parser must take as well, and find the
// same in it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/store/input_file.h"
#include "lib/v8/heap_snapshot_parser.h"

using triage::v8::EdgeIndex;
using triage::v8::HeapSnapshot;
using triage::v8::NodeIndex;
using triage::v8::StringIndex;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void require_same(const HeapSnapshot& a, const HeapSnapshot& b) {
  require(a.node_count() == b.node_count() && a.edge_count() == b.edge_count() &&
          a.string_count() == b.string_count() && a.strings_begin == b.strings_begin &&
          a.strings_end == b.strings_end);
  for (NodeIndex i = 0; i < a.node_count(); ++i)
    require(a.node_kind[i] == b.node_kind[i] && a.node_name[i] == b.node_name[i] &&
            a.node_id[i] == b.node_id[i] && a.node_size[i] == b.node_size[i] &&
            a.first_edge[i + 1] == b.first_edge[i + 1] &&
            a.locations.number_of(i) == b.locations.number_of(i));
  for (EdgeIndex i = 0; i < a.edge_count(); ++i)
    require(a.edge_kind(i) == b.edge_kind(i) && a.edge_name(i) == b.edge_name(i) &&
            a.edge_to[i] == b.edge_to[i]);
  for (StringIndex i = 0; i < a.string_count(); ++i) require(a.raw_string(i) == b.raw_string(i));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int file = memfd_create("snapshot", MFD_CLOEXEC);
  require(file >= 0 && write(file, data, size) == static_cast<ssize_t>(size));
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  try {
    triage::store::InputFile input(path);
    const auto quick = triage::v8::read_with_two_threads(input, size);
    // packed inputs are another size than their text: the quick reader refuses or is right
    const bool packed = input.packed_bytes() != size;
    if (quick && !packed) {
      triage::v8::HeapSnapshotParser parser(size);
      parser.feed(std::string_view(reinterpret_cast<const char*>(data), size));
      require_same(*quick, parser.finish());
    }
    (void)quick;
  } catch (const triage::Error&) {
    close(file);
    return 0;
  }
  close(file);
  return 0;
}
