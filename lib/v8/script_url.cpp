#include "lib/v8/script_url.h"

#include <charconv>

namespace triage::v8 {

std::string package_of_url(std::string_view url) {
  if (url.starts_with("node:")) return "node";
  constexpr std::string_view folder = "/node_modules/";
  const std::size_t at = url.rfind(folder);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = url.substr(at + folder.size());
  std::size_t end = rest.find('/');
  if (rest.starts_with('@') && end != std::string_view::npos) end = rest.find('/', end + 1);
  return std::string(rest.substr(0, end));
}

std::string path_of_url(std::string_view url) {
  constexpr std::string_view scheme = "file://";
  if (!url.starts_with(scheme)) return std::string(url);
  std::string path;
  for (std::size_t i = scheme.size(); i < url.size(); ++i) {
    unsigned code = 0;
    if (url[i] == '%' && i + 2 < url.size() &&
        std::from_chars(url.data() + i + 1, url.data() + i + 3, code, 16).ptr ==
            url.data() + i + 3) {
      path += static_cast<char>(code);
      i += 2;
    } else {
      path += url[i];
    }
  }
  return path;
}

}  // namespace triage::v8
