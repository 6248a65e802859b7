#include "lib/base/line_sink.h"

#include <utility>

namespace triage {
namespace {

LineSink& the_sink() {
  static LineSink sink;
  return sink;
}

}  // namespace

void set_line_sink(LineSink sink) {
  the_sink() = std::move(sink);
}

void stream_line(const StreamedLine& line) {
  if (the_sink()) the_sink()(line);
}

}  // namespace triage
