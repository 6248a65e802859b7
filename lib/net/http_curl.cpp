#include "lib/net/http_curl.h"

#include <dlfcn.h>

#include <string>

#include "lib/base/error.h"

namespace triage::net {
namespace {

constexpr const char* remedy = "install the package libcurl4";

template <class Function>
void find(void* library, const char* name, Function& function) {
  void* symbol = dlsym(library, name);
  if (symbol == nullptr)
    throw Error(ErrorCode::not_found, std::string("libcurl.so.4 has no ") + name, remedy);
  // POSIX lets dlsym's object pointer be a function.
  function = reinterpret_cast<Function>(symbol);
}

Curl load() {
  void* library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr)
    throw Error(ErrorCode::not_found, std::string("libcurl cannot be loaded: ") + dlerror(),
                remedy);
  Curl api;
  find(library, "curl_global_init", api.global_init);
  find(library, "curl_easy_init", api.easy_init);
  find(library, "curl_easy_cleanup", api.easy_cleanup);
  find(library, "curl_easy_reset", api.easy_reset);
  find(library, "curl_easy_strerror", api.easy_strerror);
  find(library, "curl_easy_setopt", api.easy_setopt);
  find(library, "curl_easy_getinfo", api.easy_getinfo);
  find(library, "curl_slist_append", api.slist_append);
  find(library, "curl_slist_free_all", api.slist_free_all);
  find(library, "curl_multi_init", api.multi_init);
  find(library, "curl_multi_cleanup", api.multi_cleanup);
  find(library, "curl_multi_add_handle", api.multi_add_handle);
  find(library, "curl_multi_remove_handle", api.multi_remove_handle);
  find(library, "curl_multi_perform", api.multi_perform);
  find(library, "curl_multi_poll", api.multi_poll);
  find(library, "curl_multi_info_read", api.multi_info_read);
  if (api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    throw Error(ErrorCode::internal, "libcurl cannot be initialised");
  return api;
}

}  // namespace

const Curl& curl() {
  static const Curl api = load();
  return api;
}

}  // namespace triage::net
