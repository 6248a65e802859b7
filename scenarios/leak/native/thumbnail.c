/* A small image library as a native add-on: makes a thumbnail of a picture. */
#include <node_api.h>
#include <stdlib.h>
#include <string.h>

static napi_value thumbnail(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value picture, result;
  napi_get_cb_info(env, info, &count, &picture, NULL, NULL);
  unsigned char* bytes;
  size_t length;
  napi_get_buffer_info(env, picture, (void**)&bytes, &length);
  unsigned char* work = malloc(length);
  memcpy(work, bytes, length);
  unsigned sum = 0;
  for (size_t i = 0; i < length; i += 16) sum += work[i];
  napi_create_uint32(env, sum, &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "thumbnail", NAPI_AUTO_LENGTH, thumbnail, NULL, &function);
  napi_set_named_property(env, exports, "thumbnail", function);
  return exports;
}
