// What Prometheus, Loki and Tempo answer (Jaeger: spans_fuzz) may come from anything that listens
// there: values or an Error.
#include <cstddef>
#include <cstdint>
#include <string>

#include "lib/backends/loki.h"
#include "lib/backends/prometheus.h"
#include "lib/backends/tempo.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace triage;
  net::Response response;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto tried = [&](auto&& parse) {
    try {
      (void)parse();
    } catch (const Error&) {
      // says what is wrong with it
    }
  };
  for (const int status : {200, 400}) {
    response.status = status;
    response.body = text;
    tried([&] { return backends::parse_loki_answer(response, "{app=\"x\"}"); });
    tried([&] {
      const auto answer = backends::parse_query_answer(response, "sum(rate(x[1m]))");
      for (const auto& series : answer.series)
        for (const auto& histogram : series.histograms) (void)histogram.resolution();
      return answer.type;
    });
  }
  response.status = 200;
  tried([&] { return backends::tempo_trace_ids(response); });
  tried([&] { return backends::tempo_service_names(response); });
  (void)backends::limit_of(text);
  (void)backends::is_log_query(text);
  return 0;
}
