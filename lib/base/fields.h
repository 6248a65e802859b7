#pragma once

/// One description of a value type gives its JSON, its reader and its JSON Schema.
///
///   struct Slot { std::int64_t used_count = 0; std::optional<double> age_s; };
///   template <class Visitor, class Self>
///   void fields(Visitor& visit, Self& self, const Slot*) {
///     visit("used_count", self.used_count, "client backends now");
///     visit("age_s", self.age_s, "seconds; null when unknown");
///   }
///
/// `to_json(slot)`, `from_json<Slot>(json)` and `schema_of<Slot>()` follow (lib/base/json.h).
/// The third parameter is only a tag that finds the overload by the type's namespace. Supported
/// members: bool, integers, double, std::string, std::optional, std::vector, std::map with string
/// keys, other described types, and `Json` for a part whose shape is stated elsewhere. This header
/// declares nothing else, so that headers of value types need no JSON library.
#include <map>
#include <optional>
#include <string>
#include <vector>
