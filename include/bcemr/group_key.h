/* SPDX-License-Identifier: Apache-2.0 */
/* The group key run between a hospital's server and one doctor, and messages under its keys
 * (section 3). Pure steps; who sends what stands in client and server. Constant time in secrets. */
#ifndef BCEMR_GROUP_KEY_H
#define BCEMR_GROUP_KEY_H

#include <bcemr/keys.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bcemr_group_keys {
    bcemr_key auth;
    bcemr_key wrap;
    bcemr_key pair;
} bcemr_group_keys; /* wipe */

/* One-time X25519 pair of a run. */
BCEMR_MUST_USE bcemr_status bcemr_x25519_once(bcemr_x25519_secret *secret, bcemr_x25519_raw *out);

/* Both sides' key derivation: DH(a,Bi) || DH(eh,Bi) || DH(a,Ei). transcript names all public parts;
 * the keys are those in it. Errors: E_DH_ZERO, E_X25519_*; out zeroed then. */
BCEMR_MUST_USE bcemr_status bcemr_group_keys_server(const bcemr_x25519_secret *once,
                                                    const bcemr_x25519_secret *server,
                                                    const bcemr_tr_group *transcript,
                                                    bcemr_group_keys *out, bcemr_error *err);
BCEMR_MUST_USE bcemr_status bcemr_group_keys_doctor(const bcemr_x25519_secret *once,
                                                    const bcemr_x25519_secret *doctor,
                                                    const bcemr_tr_group *transcript,
                                                    bcemr_group_keys *out, bcemr_error *err);
/* HMAC(k_auth, Tr("server")) or Tr("doctor"); type is &bcemr_type_mac_server or _mac_doctor. */
BCEMR_MUST_USE bcemr_status bcemr_group_mac(const bcemr_group_keys *keys, const bcemr_type *type,
                                            bcemr_hash *out);
/* Compares a MAC that came with the one due, in constant time. VALID, BAD_SERVER_MAC or
 * BAD_DOCTOR_MAC by the type. */
BCEMR_MUST_USE bcemr_verdict bcemr_group_mac_check(const bcemr_group_keys *keys,
                                                   const bcemr_type *type, const bcemr_hash *mac,
                                                   bcemr_error *err);
/* gk under k_wrap, nonce 0, ad = gk-ad over H(transcript). */
BCEMR_MUST_USE bcemr_status bcemr_group_key_wrap(const bcemr_group_keys *keys,
                                                 const bcemr_tr_group *transcript,
                                                 const bcemr_tr_gk *gk, bcemr_buf *out,
                                                 bcemr_error *err);
/* E_REFUSED with BAD_SEALED_MESSAGE when it does not decrypt. */
BCEMR_MUST_USE bcemr_status bcemr_group_key_unwrap(const bcemr_group_keys *keys,
                                                   const bcemr_tr_group *transcript, bcemr_span box,
                                                   bcemr_tr_gk *gk, bcemr_error *err);

/*
 * AEAD of section 1: XChaCha20-Poly1305-IETF. seal appends nonce || ciphertext || tag to out with a
 * fresh nonce; open appends the plaintext, or refuses with the verdict given and appends nothing.
 */
BCEMR_MUST_USE bcemr_status bcemr_aead_seal(const bcemr_key *key, bcemr_span ad, bcemr_span message,
                                            bcemr_buf *out, bcemr_error *err);
BCEMR_MUST_USE bcemr_status bcemr_aead_open(const bcemr_key *key, bcemr_span ad, bcemr_span box,
                                            bcemr_verdict refusal, bcemr_buf *out,
                                            bcemr_error *err);

/* Messages under GK: ad = msg. Up to 64 KiB in one piece; longer ones use bcemr_stream with the key
 * that bcemr_message_stream_key gives (section 3). */
BCEMR_MUST_USE bcemr_status bcemr_message_seal(const bcemr_key *gk, const bcemr_tr_msg *ad,
                                               bcemr_span message, bcemr_buf *out,
                                               bcemr_error *err);
BCEMR_MUST_USE bcemr_status bcemr_message_open(const bcemr_key *gk, const bcemr_tr_msg *ad,
                                               bcemr_span box, bcemr_buf *out, bcemr_error *err);
/* KDF("msg", GK, (ad, n)), and the chunks' associated data Tr("msg-chunk"; ad, n) appended to
 * ad_out. */
BCEMR_MUST_USE bcemr_status bcemr_message_stream_key(const bcemr_key *gk, const bcemr_tr_msg *ad,
                                                     const bcemr_nonce *n, bcemr_key *out,
                                                     bcemr_buf *ad_out, bcemr_error *err);
/* Messages under k_pair: ad = pair; the box as in pair-box. */
BCEMR_MUST_USE bcemr_status bcemr_pair_seal(const bcemr_key *pair, const bcemr_hash *vid,
                                            bcemr_direction direction, uint64_t counter,
                                            bcemr_span message, bcemr_buf *pair_box,
                                            bcemr_error *err);
/* Reads a pair-box of exactly this direction and counter. BAD_SEALED_MESSAGE otherwise. */
BCEMR_MUST_USE bcemr_status bcemr_pair_open(const bcemr_key *pair, const bcemr_hash *vid,
                                            bcemr_direction direction, uint64_t counter,
                                            bcemr_span pair_box, bcemr_buf *out, bcemr_error *err);

/* Sealed boxes (libsodium's) to a Box key. */
BCEMR_MUST_USE bcemr_status bcemr_sealed_box(const bcemr_x25519_raw *to, bcemr_span message,
                                             bcemr_buf *out, bcemr_error *err);
BCEMR_MUST_USE bcemr_status bcemr_sealed_box_open(const bcemr_x25519_secret *key, bcemr_span box,
                                                  bcemr_verdict refusal, bcemr_buf *out,
                                                  bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
