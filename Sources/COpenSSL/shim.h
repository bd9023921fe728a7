#ifndef TRIBE_COPENSSL_SHIM_H
#define TRIBE_COPENSSL_SHIM_H

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#endif
