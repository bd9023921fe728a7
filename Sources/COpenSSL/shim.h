// What Swift cannot import: OpenSSL's macros. Each function here is the macro of its name, or a few lines around one.
#ifndef TRIBE_COPENSSL_SHIM_H
#define TRIBE_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

// No compression and no renegotiation; the server chooses the cipher, ChaCha20 where the client prefers it.
static inline void tribe_context_set_policy(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
    // An idle connection keeps no record buffers.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline void tribe_context_set_no_tickets(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
}

// Of each handshake one: a client that wants to resume several sessions at once gets one from each. OpenSSL's default,
// two, costs the server a tenth of the handshake more.
static inline void tribe_context_set_one_ticket(SSL_CTX *context) { SSL_CTX_set_num_tickets(context, 1); }

static inline int tribe_context_set_versions(SSL_CTX *context, int lowest) {
    return SSL_CTX_set_min_proto_version(context, lowest) && SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
}

static inline int tribe_context_set_groups(SSL_CTX *context, const char *groups) {
    return (int)SSL_CTX_set1_groups_list(context, groups);
}

static inline void tribe_ssl_set_owner(SSL *ssl, void *owner) { SSL_set_app_data(ssl, owner); }
static inline void *tribe_ssl_owner(const SSL *ssl) { return SSL_get_app_data(ssl); }

static inline int tribe_ssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

// Names of certificates in one line, as RFC 2253 writes them.
static const unsigned long tribe_name_flags = XN_FLAG_RFC2253;

// A BIO that has nothing to read now, and will have later.
static inline void tribe_bio_read_later(BIO *bio) {
    BIO_clear_retry_flags(bio);
    BIO_set_retry_read(bio);
}

static inline void tribe_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

// AES-256-CBC and HMAC-SHA-256, as RFC 5077 §4 recommends for tickets. `keys`: 32 bytes for each. 1, or 0 on failure.
static inline int tribe_ticket_begin(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, unsigned char *keys,
                                     const unsigned char *iv, int encrypts) {
    OSSL_PARAM parameters[3];
    parameters[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, keys + 32, 32);
    parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0);
    parameters[2] = OSSL_PARAM_construct_end();
    return EVP_MAC_CTX_set_params(mac, parameters) &&
           EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, keys, iv, encrypts);
}

#endif
