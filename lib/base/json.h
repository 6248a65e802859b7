#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "lib/base/error.h"
#include "lib/base/fields.h"
#include "lib/base/json_fwd.h"

namespace triage {

/// Text to JSON. Throws Error{malformed} naming `where`.
Json parse_json(std::string_view text, std::string_view where);

/// Bytes that are not valid UTF-8 become U+FFFD, so a log line never breaks a document.
std::string dump_json(const Json& value, int indent = -1);

namespace detail {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

template <class T>
concept Scalar = std::same_as<T, bool> || std::integral<T> || std::floating_point<T> ||
    std::same_as<T, std::string>;

[[noreturn]] void wrong_shape(const std::string& where, const std::string& wanted);

}  // namespace detail

template <class T>
Json to_json(const T& value);
template <class T>
void read_json(const Json& json, T& value, const std::string& where);
template <class T>
Json schema_of();

namespace detail {

struct Writer {
  Json json = Json::object();
  template <class T>
  void operator()(const char* name, const T& value, const char* /*help*/) {
    json[name] = triage::to_json(value);
  }
};

struct Reader {
  const Json& json;
  const std::string& where;
  template <class T>
  void operator()(const char* name, T& value, const char* /*help*/) {
    const auto found = json.find(name);
    // A missing key keeps the default: documents of older versions stay readable.
    if (found != json.end()) read_json(*found, value, std::string(where).append(".").append(name));
  }
};

struct SchemaWriter {
  Json properties = Json::object();
  Json required = Json::array();
  template <class T>
  void operator()(const char* name, const T& /*value*/, const char* help) {
    Json schema = schema_of<T>();
    schema["description"] = help;
    properties[name] = std::move(schema);
    required.push_back(name);
  }
};

}  // namespace detail

/// JSON of a described value. NaN and infinities are unknown: null.
template <class T>
Json to_json(const T& value) {
  if constexpr (std::same_as<T, Json>) {
    return value;
  } else if constexpr (std::floating_point<T>) {
    return std::isfinite(value) ? Json(value) : Json();
  } else if constexpr (detail::Scalar<T>) {
    return Json(value);
  } else if constexpr (detail::IsOptional<T>::value) {
    return value ? to_json(*value) : Json();
  } else if constexpr (detail::IsVector<T>::value) {
    Json list = Json::array();
    for (const auto& item : value) list.push_back(to_json(item));
    return list;
  } else if constexpr (detail::IsMap<T>::value) {
    Json object = Json::object();
    for (const auto& [key, item] : value) object[key] = to_json(item);
    return object;
  } else {
    detail::Writer writer;
    fields(writer, value, static_cast<const T*>(nullptr));
    return std::move(writer.json);
  }
}

/// Fills `value`; `where` names the place in messages. Throws Error{malformed}.
template <class T>
void read_json(const Json& json, T& value, const std::string& where) {
  if constexpr (std::same_as<T, Json>) {
    value = json;
  } else if constexpr (std::same_as<T, bool>) {
    if (!json.is_boolean()) detail::wrong_shape(where, "true or false");
    value = json.get<bool>();
  } else if constexpr (std::integral<T>) {
    if (!json.is_number_integer()) detail::wrong_shape(where, "an integer");
    value = json.get<T>();
  } else if constexpr (std::floating_point<T>) {
    if (!json.is_number()) detail::wrong_shape(where, "a number");
    value = json.get<T>();
  } else if constexpr (std::same_as<T, std::string>) {
    if (!json.is_string()) detail::wrong_shape(where, "text");
    value = json.get<std::string>();
  } else if constexpr (detail::IsOptional<T>::value) {
    if (json.is_null()) {
      value.reset();
    } else {
      value.emplace();
      read_json(json, *value, where);
    }
  } else if constexpr (detail::IsVector<T>::value) {
    if (!json.is_array()) detail::wrong_shape(where, "a list");
    value.clear();
    for (const auto& item : json) read_json(item, value.emplace_back(), where + "[]");
  } else if constexpr (detail::IsMap<T>::value) {
    if (!json.is_object()) detail::wrong_shape(where, "an object");
    value.clear();
    for (const auto& [key, item] : json.items())
      read_json(item, value[key], std::string(where).append(".").append(key));
  } else {
    if (!json.is_object()) detail::wrong_shape(where, "an object");
    detail::Reader reader{json, where};
    fields(reader, value, static_cast<const T*>(nullptr));
  }
}

template <class T>
T from_json(const Json& json, const std::string& where) {
  T value{};
  read_json(json, value, where);
  return value;
}

/// JSON Schema (draft 2020-12) of a described type. Every key is required: unknown is null, never
/// absent. Further keys are allowed, since a major version only grows.
template <class T>
Json schema_of() {
  if constexpr (std::same_as<T, Json>) {
    return Json::object();
  } else if constexpr (std::same_as<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::integral<T>) {
    return {{"type", "integer"}};
  } else if constexpr (std::floating_point<T>) {
    return {{"type", "number"}};
  } else if constexpr (std::same_as<T, std::string>) {
    return {{"type", "string"}};
  } else if constexpr (detail::IsOptional<T>::value) {
    Json schema = schema_of<typename T::value_type>();
    if (schema.contains("type")) schema["type"] = Json::array({schema["type"], "null"});
    return schema;
  } else if constexpr (detail::IsVector<T>::value) {
    return {{"type", "array"}, {"items", schema_of<typename T::value_type>()}};
  } else if constexpr (detail::IsMap<T>::value) {
    return {{"type", "object"}, {"additionalProperties", schema_of<typename T::mapped_type>()}};
  } else {
    detail::SchemaWriter writer;
    const T value{};
    fields(writer, value, static_cast<const T*>(nullptr));
    return {{"type", "object"},
            {"properties", std::move(writer.properties)},
            {"required", std::move(writer.required)}};
  }
}

}  // namespace triage
