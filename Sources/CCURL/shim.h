#ifndef TRIBE_CCURL_SHIM_H
#define TRIBE_CCURL_SHIM_H

#include <curl/curl.h>

// Functions with variable arguments, which Swift does not import: one for each type of argument.
static inline CURLcode tribe_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode tribe_curl_set_text(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode tribe_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(handle, option, value);
}

// The body is copied.
static inline CURLcode tribe_curl_set_body(CURL *handle, const void *bytes, curl_off_t count) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, count);
    return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, bytes);
}

typedef size_t (*tribe_curl_sink)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode tribe_curl_set_sink(
    CURL *handle, CURLoption function, CURLoption data, tribe_curl_sink sink, void *context) {
    CURLcode code = curl_easy_setopt(handle, function, sink);
    return code != CURLE_OK ? code : curl_easy_setopt(handle, data, context);
}

static inline CURLcode tribe_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}

#endif
