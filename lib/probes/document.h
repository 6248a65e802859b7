#pragma once

#include <string_view>

#include "lib/probes/outcome.h"

namespace triage::probes {

/// The keys that stand before the facts of each document.
Json document_head(std::string_view command, const Envelope& envelope, Json options);
/// Appends the keys behind the facts.
void append_tail(Json& document, const Envelope& envelope, const Session& session);
/// What a gap names is unknown, not empty: an empty list under the name of a gap becomes null.
void clear_unknown(Json& document, const std::vector<Gap>& gaps);
/// JSON Schema of a document whose facts have the schema `facts`.
Json document_schema(std::string_view command, Json facts);
/// Title, verdict, findings, gaps, sources (-v) and footer around the sections of a probe.
Report frame_report(std::string_view command, const Envelope& envelope,
                    std::vector<Section> sections, const Session& session);

}  // namespace triage::probes
