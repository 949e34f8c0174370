/*
 * Runs libpdp's schemes for the bench, in their forms for files: one command a line ("tag", "prove", "verify"), each answered with
 * the seconds of CPU time that it took. A verdict that is not "accepted" ends it.
 *
 *   driver macpdp|apdp|epdp|cpor|sepdp BLOCK_BYTES BLOCKS_ASKED_FOR FILE TAGS [P Q | BITS]
 *
 * P and Q: safe primes in hexadecimal. BITS: of CPOR's field.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/rand.h>

#include <pdp.h>
#include <pdp/apdp.h>
#include <pdp/cpor.h>
#include <pdp/macpdp.h>
#include <pdp/sepdp.h>

#include "cpor_misc.h"

/* Of all its 12 tokens one is asked for, time and again, as it lets happen. */
#define TOKEN_MINUTES 43200

static pdp_ctx_t ctx;
static struct pdp_ctx_ops ops;

static void check(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "libpdp failed: %s\n", what);
  exit(1);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

/* Times one statement. */
#define TIMED(statement)           \
  ({                               \
    double from = seconds();       \
    check((statement) == 0, #statement); \
    seconds() - from;              \
  })

/* The secrets of the file as they were made, where the library would read and decrypt a key file: to its advantage. */
static pdp_cpor_tagdata_t cpor_tags;
int cpor_fkey_open(const pdp_ctx_t *context, const pdp_cpor_key_t *key, pdp_cpor_tagdata_t **out) {
  pdp_cpor_ctx_t *p = context->cpor_param;
  pdp_cpor_tagdata_t *copy = calloc(1, sizeof *copy);
  (void)key;
  copy->alpha_size = cpor_tags.alpha_size;
  copy->alpha = calloc(p->num_sectors, sizeof *copy->alpha);
  for (unsigned i = 0; i < p->num_sectors; i += 1) copy->alpha[i] = BN_dup(cpor_tags.alpha[i]);
  copy->k_prf = malloc(p->prf_key_size);
  memcpy(copy->k_prf, cpor_tags.k_prf, p->prf_key_size);
  *out = copy;
  return 0;
}
int cpor_fkey_store(const pdp_ctx_t *context, const pdp_cpor_key_t *key, const pdp_cpor_tagdata_t *tags) {
  (void)context, (void)key, (void)tags;
  return 0;
}

/* A key pair from given primes, so that both sides of the bench have the same modulus. */
static pdp_apdp_key_t rsa_key(const char *p_hex, const char *q_hex, size_t v_bytes) {
  pdp_apdp_key_t key;
  BN_CTX *b = BN_CTX_new();
  struct peer_rsa *rsa = calloc(1, sizeof *rsa);
  BIGNUM *p1 = BN_new(), *q1 = BN_new(), *order = BN_new();
  rsa->n = BN_new();
  rsa->e = BN_new();
  rsa->d = BN_new();
  check(BN_hex2bn(&rsa->p, p_hex) && BN_hex2bn(&rsa->q, q_hex), "primes");
  BN_mul(rsa->n, rsa->p, rsa->q, b);
  BN_sub(p1, rsa->p, BN_value_one());
  BN_sub(q1, rsa->q, BN_value_one());
  BN_mul(order, p1, q1, b);
  BN_set_word(rsa->e, RSA_F4);
  check(BN_mod_inverse(rsa->d, rsa->e, order, b) != NULL, "d");
  key.rsa = rsa;
  key.g = BN_new();
  BN_rand_range(key.g, rsa->n);
  BN_mod_sqr(key.g, key.g, rsa->n, b);
  key.v = malloc(v_bytes);
  RAND_bytes(key.v, v_bytes);
  return key;
}

int main(int count, char **words) {
  check(count >= 6, "usage");
  const char *name = words[1];
  unsigned block_bytes = atoi(words[2]), asked = atoi(words[3]);
  struct stat file;
  check(stat(words[4], &file) == 0, "no such file");
  int is_mac = !strcmp(name, "macpdp"), is_apdp = !strcmp(name, "apdp") || !strcmp(name, "epdp"),
      is_cpor = !strcmp(name, "cpor"), is_sepdp = !strcmp(name, "sepdp");

  ctx.algo = is_mac ? PDP_MACPDP : is_apdp ? PDP_APDP : is_cpor ? PDP_CPOR : PDP_SEPDP;
  check(is_mac || is_apdp || is_cpor || is_sepdp, "no such scheme");
  ctx.ops = &ops;
  ctx.num_threads = 1;
  ctx.filepath = words[4];
  ctx.filepath_len = strlen(words[4]) + 1;
  ctx.ofilepath = words[5];
  ctx.ofilepath_len = strlen(words[5]) + 1;
  ctx.file_st_size = file.st_size;

  pdp_macpdp_key_t *mac_key = NULL;
  pdp_macpdp_tagdata_t mac_tags = {0};
  pdp_macpdp_challenge_t mac_asked = {0};
  pdp_macpdp_proof_t mac_proof = {0};
  pdp_apdp_key_t apdp_key = {0};
  pdp_apdp_tagdata_t apdp_tags = {0};
  pdp_apdp_challenge_t apdp_asked = {0};
  pdp_apdp_proof_t apdp_proof = {0};
  pdp_cpor_key_t cpor_key = {0};
  pdp_cpor_challenge_t cpor_asked = {0};
  pdp_cpor_proof_t cpor_proof = {0};
  pdp_sepdp_key_t *sepdp_key = NULL;
  pdp_sepdp_tagdata_t sepdp_tags = {0};
  pdp_sepdp_challenge_t sepdp_asked = {0};
  pdp_sepdp_proof_t sepdp_proof = {0};
  pdp_key_t key = {0};

  if (is_mac) {
    check(macpdp_ctx_init(&ctx) == 0, "context");
    ctx.macpdp_param->block_size = block_bytes;
    ctx.macpdp_param->num_challenge_blocks = asked;
    check(macpdp_ctx_create(&ctx) == 0, "context");
    check(macpdp_key_gen(&ctx, &key) == 0, "key");
    mac_key = key.macpdp;
  } else if (is_apdp) {
    check(count == 8, "primes");
    check(apdp_ctx_init(&ctx) == 0, "context");
    ctx.apdp_param->block_size = block_bytes;
    ctx.apdp_param->num_challenge_blocks = asked;
    ctx.apdp_param->rsa_key_size = 4 * (strlen(words[6]) + strlen(words[7]));
    ctx.apdp_param->opts = strcmp(name, "epdp") ? 0 : APDP_USE_E_PDP;
    check(apdp_ctx_create(&ctx) == 0, "context");
    apdp_key = rsa_key(words[6], words[7], ctx.apdp_param->prf_key_size);
  } else if (is_cpor) {
    check(count == 7, "bits");
    check(cpor_ctx_init(&ctx) == 0, "context");
    ctx.cpor_param->block_size = block_bytes;
    ctx.cpor_param->num_challenge_blocks = asked;
    ctx.cpor_param->lambda = ctx.cpor_param->Zp_bits = atoi(words[6]);
    check(cpor_ctx_create(&ctx) == 0, "context");
    cpor_key.Zp = BN_new();
    check(BN_generate_prime_ex(cpor_key.Zp, ctx.cpor_param->Zp_bits, 0, NULL, NULL, NULL), "key");
  } else {
    check(sepdp_ctx_init(&ctx) == 0, "context");
    ctx.sepdp_param->block_size = block_bytes;
    ctx.sepdp_param->num_challenge_blocks = asked;
    ctx.sepdp_param->min = TOKEN_MINUTES;
    check(sepdp_ctx_create(&ctx) == 0, "context");
    check(sepdp_key_gen(&ctx, &key) == 0, "key");
    sepdp_key = key.sepdp;
  }

  char line[16];
  setlinebuf(stdout);
  while (fgets(line, sizeof line, stdin)) {
    double took = 0;
    if (line[0] == 't') {
      if (is_mac) {
        if (mac_tags.tags) macpdp_tags_free(&ctx, &mac_tags);
        took = TIMED(macpdp_tags_gen(&ctx, mac_key, &mac_tags));
        check(macpdp_store(&ctx, &mac_tags) == 0, "store");
      } else if (is_apdp) {
        if (apdp_tags.tags) apdp_tags_free(&ctx, &apdp_tags);
        took = TIMED(apdp_tags_gen(&ctx, &apdp_key, &apdp_tags));
        check(apdp_store(&ctx, &apdp_tags) == 0, "store");
      } else if (is_cpor) {
        if (cpor_tags.tags) cpor_tags_free(&ctx, &cpor_tags);
        took = TIMED(cpor_tags_gen(&ctx, &cpor_key, &cpor_tags));
        check(cpor_store(&ctx, &cpor_key, &cpor_tags) == 0, "store");
      } else {
        if (sepdp_tags.tokens) sepdp_tags_free(&ctx, &sepdp_tags);
        took = TIMED(sepdp_tags_gen(&ctx, sepdp_key, &sepdp_tags));
        check(sepdp_store(&ctx, &sepdp_tags) == 0, "store");
      }
    } else if (line[0] == 'p') {
      if (is_mac) {
        if (mac_proof.B) free(mac_proof.B), free(mac_proof.T), macpdp_challenge_free(&ctx, &mac_asked);
        check(macpdp_challenge_gen(&ctx, &mac_asked) == 0, "challenge");
        took = TIMED(macpdp_proof_gen(&ctx, &mac_asked, &mac_proof));
      } else if (is_apdp) {
        if (apdp_proof.T) apdp_proof_free(&ctx, &apdp_proof), apdp_challenge_free(&ctx, &apdp_asked);
        memset(&apdp_proof, 0, sizeof apdp_proof);
        check(apdp_challenge_gen(&ctx, &apdp_key, &apdp_asked) == 0, "challenge");
        took = TIMED(apdp_proof_gen(&ctx, &apdp_key, &apdp_asked, &apdp_proof));
      } else if (is_cpor) {
        if (cpor_proof.mu) cpor_proof_free(&ctx, &cpor_proof), cpor_challenge_free(&ctx, &cpor_asked);
        check(cpor_challenge_gen(&ctx, &cpor_key, &cpor_asked) == 0, "challenge");
        took = TIMED(cpor_proof_gen(&ctx, &cpor_key, &cpor_asked, &cpor_proof));
      } else {
        if (sepdp_proof.z) sepdp_proof_free(&ctx, &sepdp_proof), sepdp_challenge_free(&ctx, &sepdp_asked);
        ctx.sepdp_param->num_chal_used = 1;
        check(sepdp_challenge_gen(&ctx, sepdp_key, &sepdp_asked) == 0, "challenge");
        took = TIMED(sepdp_proof_gen(&ctx, sepdp_key, &sepdp_asked, &sepdp_proof));
      }
    } else if (line[0] == 'v') {
      if (is_mac) took = TIMED(macpdp_proof_verify(&ctx, mac_key, &mac_asked, &mac_proof));
      else if (is_apdp) took = TIMED(apdp_proof_verify(&ctx, &apdp_key, &apdp_asked, &apdp_proof));
      else if (is_cpor) took = TIMED(cpor_proof_verify(&ctx, &cpor_key, &cpor_asked, &cpor_proof));
      else took = TIMED(sepdp_proof_verify(&ctx, sepdp_key, &sepdp_asked, &sepdp_proof));
    } else check(0, "no such command");
    printf("%.9f\n", took);
  }
  return 0;
}
