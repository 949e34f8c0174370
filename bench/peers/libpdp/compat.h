/* What libpdp (2018, OpenSSL 1.0) needs to be compiled with OpenSSL 3: included before each of its files. */
#ifndef CLOISTER_PEERS_LIBPDP_COMPAT_H
#define CLOISTER_PEERS_LIBPDP_COMPAT_H

#include <openssl/aes.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

/* It reaches into RSA, whose fields are hidden since 1.1. Nothing of OpenSSL's own RSA is called. */
struct peer_rsa {
  BIGNUM *n, *e, *d, *p, *q, *dmp1, *dmq1, *iqmp;
};
#define RSA struct peer_rsa

/* Contexts are allocated since 1.1; it leaves its pointers to them without a value. */
#undef HMAC_CTX_init
#define HMAC_CTX_init(context) ((context) = HMAC_CTX_new())
#define HMAC_Init(context, key, length, digest) HMAC_Init_ex(context, key, length, digest, NULL)
#define HMAC_cleanup(context) HMAC_CTX_free(context)

#endif
