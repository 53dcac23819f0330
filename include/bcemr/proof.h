/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What anyone can verify (section 8): Merkle proofs, supernode sets, signed entries, leaves,
 * checkpoints and cosigning, index heads, case blocks. Pure; all thread safe but where an object
 * is changed.
 */
#ifndef BCEMR_PROOF_H
#define BCEMR_PROOF_H

#include <bcemr/hash.h>
#include <bcemr/keys.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Merkle proofs: RFC 6962 section 2.1 ---- */

#define BCEMR_INCLUSION_MAX 63
#define BCEMR_CONSISTENCY_MAX 127

/* Where nodes of complete subtrees come from: level 0 are leaf hashes, node (level, index) covers
 * the leaves index << level .. ((index + 1) << level) - 1. An error ends the call that asked. */
typedef struct bcemr_node_source {
    bcemr_status (*node)(void *user, uint64_t level, uint64_t index, bcemr_hash *out);
    void *user;
} bcemr_node_source;

/* The root of the first size leaves; SHA-256("") for none. Errors: the source's. */
BCEMR_MUST_USE bcemr_status bcemr_root_make(const bcemr_node_source *source, uint64_t size,
                                            bcemr_hash *out);
/* The audit path of leaf index in the tree of the first size leaves, from the leaf up.
 * path has room for BCEMR_INCLUSION_MAX. E_ARGUMENT when index is not below size. */
BCEMR_MUST_USE bcemr_status bcemr_inclusion_path(const bcemr_node_source *source, uint64_t index,
                                                 uint64_t size, bcemr_hash *path, uint64_t *count);
/* The consistency proof between the trees of first and second leaves, 1 <= first <= second. */
BCEMR_MUST_USE bcemr_status bcemr_consistency_path(const bcemr_node_source *source, uint64_t first,
                                                   uint64_t second, bcemr_hash *path,
                                                   uint64_t *count);
/* VALID or BAD_INCLUSION: a path of the wrong length is bad, too. */
BCEMR_MUST_USE bcemr_verdict bcemr_inclusion_holds(const bcemr_hash *leaf_hash, uint64_t index,
                                                   uint64_t size, const bcemr_hash *path,
                                                   uint64_t count, const bcemr_hash *root);
/* VALID or BAD_CONSISTENCY. */
BCEMR_MUST_USE bcemr_verdict bcemr_consistency_holds(uint64_t first, uint64_t second,
                                                     const bcemr_hash *first_root,
                                                     const bcemr_hash *second_root,
                                                     const bcemr_hash *path, uint64_t count);

/* Both roots that a consistency proof leads to when its first node is always there (RFC 6962 leaves
 * it out where it is the older root itself), first < second. E_ARGUMENT for a path of the wrong
 * length. */
BCEMR_MUST_USE bcemr_status bcemr_consistency_roots(uint64_t first, uint64_t second,
                                                    const bcemr_hash *path, uint64_t count,
                                                    bcemr_hash *older, bcemr_hash *newer);

/* ---- signed entries (section 1) ---- */

#define BCEMR_ENTRY_MAX 65536

/* Appends Tr("entry"; role, entry): what a signature under an entry covers. */
BCEMR_MUST_USE bcemr_status bcemr_entry_message(const char *role, bcemr_span entry, bcemr_buf *out,
                                                bcemr_error *err);
/* Ed_a and BLS_x over it, for a holder with its keys at hand. */
BCEMR_MUST_USE bcemr_status bcemr_entry_sign_ed(const bcemr_ed_secret *a, const char *role,
                                                bcemr_span entry, bcemr_ed_signature *out,
                                                bcemr_error *err);
BCEMR_MUST_USE bcemr_status bcemr_entry_sign_bls(const bcemr_secret_scalar *x, const char *role,
                                                 bcemr_span entry, bcemr_g1_raw *out,
                                                 bcemr_error *err);
/* Appends Tr("signed"; entry, signers). signers: count rows, in the order that the ledger wants
 * (src/ledger/rules/rules.h); none for what carries its own signature. */
BCEMR_MUST_USE bcemr_status bcemr_signed_make(bcemr_span entry, const bcemr_tr_signer *signers,
                                              uint64_t count, bcemr_buf *out, bcemr_error *err);
/* The same for a value that is not encoded yet. */
BCEMR_MUST_USE bcemr_status bcemr_signed_make_value(const bcemr_type *type, const void *value,
                                                    const bcemr_tr_signer *signers, uint64_t count,
                                                    bcemr_buf *out, bcemr_error *err);

/* A signed entry, taken apart. Spans point into the input. */
typedef struct bcemr_signed_parts {
    const bcemr_type *type; /* of the entry */
    bcemr_span entry;
    bcemr_hash entry_hash; /* H of the inner one: what others refer to */
    bcemr_list signers;    /* of bcemr_type_signer */
} bcemr_signed_parts;
/* Reads Tr("signed") and looks at the entry's kind and length. Errors: reading's; E_TOO_LONG. */
BCEMR_MUST_USE bcemr_status bcemr_signed_read(bcemr_span in, bcemr_signed_parts *out,
                                              bcemr_error *err);

/* A leaf, taken apart; its hash is that of the log. */
typedef struct bcemr_leaf_parts {
    bcemr_span signed_entry;
    uint64_t height;
    int64_t tau;
    bcemr_hash leaf_hash;
    bcemr_signed_parts parts;
} bcemr_leaf_parts;
BCEMR_MUST_USE bcemr_status bcemr_leaf_read(bcemr_span in, bcemr_leaf_parts *out, bcemr_error *err);
/* Appends Tr("leaf"; signed entry, height, tau). */
BCEMR_MUST_USE bcemr_status bcemr_leaf_make(bcemr_span signed_entry, uint64_t height, int64_t tau,
                                            bcemr_buf *out, bcemr_error *err);

/* ---- supernode sets (section 2) ---- */

#define BCEMR_SET_MAX 64

/* A set with its members' encodings. Start with BCEMR_SET_EMPTY, free with bcemr_set_free. */
typedef struct bcemr_set {
    uint64_t number;
    uint64_t count;
    bcemr_hash hash;                        /* H(Tr("set"; number, members)) */
    bcemr_tr_member members[BCEMR_SET_MAX]; /* spans point into encoding */
    bcemr_buf encoding;                     /* Tr("set"; ...) */
} bcemr_set;
#define BCEMR_SET_EMPTY ((bcemr_set){0})

/* Takes over a set's encoding. Out: set, replacing what it held. Errors: reading's; E_REPEATED. */
BCEMR_MUST_USE bcemr_status bcemr_set_read(bcemr_span encoding, bcemr_set *out, bcemr_error *err);
/* Set 0 of a genesis entry. */
BCEMR_MUST_USE bcemr_status bcemr_set_begin(const bcemr_tr_genesis *genesis, bcemr_set *out,
                                            bcemr_error *err);
/*
 * The set that an entry Join, Leave or Rekey makes of before. Only what follows from the two is
 * checked: number, hash, place, room, a Leave's member is one that is in, a Rekey keeps ID and
 * role. E_REFUSED with BAD_SET, err->field says what. out and before must be different objects.
 */
BCEMR_MUST_USE bcemr_status bcemr_set_next(const bcemr_set *before, bcemr_span entry,
                                           bcemr_set *out, bcemr_error *err);
void bcemr_set_free(bcemr_set *set);
/* Place of an ID, or BCEMR_NOWHERE. */
uint64_t bcemr_set_place(const bcemr_set *set, bcemr_span id);
/* The member with this ID and role, or NULL. */
const bcemr_tr_member *bcemr_set_find(const bcemr_set *set, bcemr_role role, bcemr_span id);
/* count is more than two thirds of n. */
bool bcemr_set_majority(uint64_t n, uint64_t count);
/* The fewest of n that are more than two thirds. */
uint64_t bcemr_set_needed(uint64_t n);
/*
 * Walks one step, as a verifier does that has nothing but the genesis: bcemr_set_next, the
 * authority's signature, the votes (for Leave and Rekey without that member, two at least), the new
 * member's proof of possession, a Rekey's old A. signed_entry: Tr("signed").
 * VALID; BAD_SET, BAD_ENTRY_SIGNATURE, NOT_ENOUGH_SIGNERS, BAD_JOINT_SIGNATURE, BAD_POP; UNDECIDED.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_set_follow(const bcemr_context *context,
                                              const bcemr_g2 *authority, const bcemr_hash *ledger,
                                              const bcemr_set *before, bcemr_span signed_entry,
                                              bcemr_set *out, bcemr_error *err);
/* Tr("pop") of a member. Spans point into member. */
void bcemr_member_pop(const bcemr_hash *ledger, const bcemr_tr_member *member, bcemr_tr_pop *out);
/* "hospital" or "cloud". */
const char *bcemr_role_name(uint64_t role);

/* ---- genesis (section 2) ---- */

/*
 * Checks leaf 0's signed entry as a whole: shape, thresholds, IDs and keys different, keys valid,
 * one "pop" row for the authority and each member in their order, every proof.
 * Out (NULL allowed): ledger id. VALID; BAD_GENESIS (err->field), BAD_POP; UNDECIDED.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_genesis_check(const bcemr_context *context,
                                                 bcemr_span signed_genesis, bcemr_hash *ledger,
                                                 bcemr_error *err);

/*
 * What a verifier starts from: a genesis that was checked. Start with {0}, free with
 * bcemr_anchor_free; may be shared between threads.
 */
typedef struct bcemr_anchor {
    bcemr_buf held; /* the signed genesis */
    bcemr_hash ledger;
    bcemr_tr_genesis genesis; /* points into held */
    bcemr_g2 authority;
} bcemr_anchor;
/* bcemr_genesis_check, and keeps what it is about. Errors: E_REFUSED with its verdict; reading's.
 */
BCEMR_MUST_USE bcemr_status bcemr_anchor_read(const bcemr_context *context,
                                              bcemr_span signed_genesis, bcemr_anchor *out,
                                              bcemr_error *err);
void bcemr_anchor_free(bcemr_anchor *anchor);

/* ---- entries that rest on a set (section 2) ---- */

/*
 * A signed Upgrade against the set in force at its leaf: ledger, number and hash of the set,
 * thresholds, the authority's signature, votes. That its version and height are the next is for
 * whoever has the ones before. Out (NULL allowed): the entry.
 * VALID; WRONG_LEDGER, BAD_SET, BAD_UPGRADE, BAD_ENTRY_SIGNATURE, NOT_ENOUGH_SIGNERS,
 * BAD_JOINT_SIGNATURE; UNDECIDED.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_upgrade_check(const bcemr_context *context,
                                                 const bcemr_g2 *authority,
                                                 const bcemr_hash *ledger, const bcemr_set *set,
                                                 bcemr_span signed_entry, bcemr_tr_e_upgrade *out,
                                                 bcemr_error *err);
/*
 * A doctor's signed Enrol against the set in force at its leaf: fields, the hospital's
 * countersignature, a second supernode's where there is one, the credential under P, both proofs of
 * possession. A second row by the doctor's key before this one needs that key's Enrol and is not
 * looked at; nor is what hangs on entries before (that keys are unused, an ID active or retired).
 * Out (NULL allowed): the entry and what its credential signs.
 * VALID; WRONG_LEDGER, BAD_ENROLMENT, BAD_ENTRY_SIGNATURE, BAD_CREDENTIAL, BAD_POP; UNDECIDED.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_enrolment_check(const bcemr_context *context,
                                                   const bcemr_g2 *authority,
                                                   const bcemr_hash *ledger, const bcemr_set *set,
                                                   bcemr_span signed_entry, bcemr_tr_e_enrol *out,
                                                   bcemr_tr_cred *cred, bcemr_error *err);

/* ---- checkpoints (section 8) ---- */

/* BLS_x(checkpoint) with purpose SIG over its transcript: what one member adds. */
BCEMR_MUST_USE bcemr_status bcemr_checkpoint_sign(const bcemr_secret_scalar *x,
                                                  const bcemr_tr_checkpoint *checkpoint,
                                                  bcemr_g1_raw *out, bcemr_error *err);
/* One member's signature, as the collector checks it to name a bad one. VALID or BAD_CHECKPOINT. */
BCEMR_MUST_USE bcemr_verdict bcemr_checkpoint_part_check(const bcemr_context *context,
                                                         const bcemr_tr_member *member,
                                                         const bcemr_tr_checkpoint *checkpoint,
                                                         const bcemr_g1_raw *signature,
                                                         bcemr_error *err);
/* Joins signatures of the members in the bitmap (in their order); appends Tr("cosigned"). */
BCEMR_MUST_USE bcemr_status bcemr_checkpoint_join(const bcemr_set *set,
                                                  const bcemr_tr_checkpoint *checkpoint,
                                                  bcemr_span signers,
                                                  const bcemr_g1_raw *signatures, bcemr_buf *out,
                                                  bcemr_error *err);
/*
 * A cosigned checkpoint against the set that it must be of: ledger, number and hash of the set,
 * more than two thirds, the joint signature. Out (NULL allowed): the checkpoint inside.
 * VALID; WRONG_LEDGER, BAD_SET, NOT_ENOUGH_SIGNERS, BAD_CHECKPOINT; UNDECIDED.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_checkpoint_check(const bcemr_context *context,
                                                    const bcemr_hash *ledger, const bcemr_set *set,
                                                    bcemr_span cosigned, bcemr_tr_checkpoint *out,
                                                    bcemr_error *err);
/*
 * The word of all others of a set in which they are too few for a checkpoint (two or three members;
 * section 8.2): the same shape, with exactly their bits. What the member at this place resumes on,
 * and no checkpoint. Verdicts as above; NOT_ENOUGH_SIGNERS also for other bits or a larger set.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_checkpoint_others_check(
    const bcemr_context *context, const bcemr_hash *ledger, const bcemr_set *set, uint64_t place,
    bcemr_span cosigned, bcemr_tr_checkpoint *out, bcemr_error *err);
/* Tr("inclusion") against a checkpoint that was checked. Sizes must agree. Out (NULL allowed): the
 * leaf. VALID or BAD_INCLUSION; UNDECIDED. */
BCEMR_MUST_USE bcemr_verdict bcemr_inclusion_check(bcemr_span inclusion,
                                                   const bcemr_tr_checkpoint *checkpoint,
                                                   bcemr_leaf_parts *out, uint64_t *index,
                                                   bcemr_error *err);
/* ---- proof of guilt (section 8.3) ---- */

/* A checkpoint, and the set that it must be of. */
typedef struct bcemr_cosigned_by {
    const bcemr_set *set;
    bcemr_span cosigned; /* Tr("cosigned") */
} bcemr_cosigned_by;

/* Each gives VALID when the evidence shows that its rule was broken, BAD_GUILT when it shows
 * nothing (err->object and field say what is missing), otherwise what of it does not hold.
 *
 * Two different checkpoints for one size. */
BCEMR_MUST_USE bcemr_verdict bcemr_guilt_same_size(const bcemr_context *context,
                                                   const bcemr_hash *ledger,
                                                   const bcemr_cosigned_by *one,
                                                   const bcemr_cosigned_by *other,
                                                   bcemr_error *err);
/* A checkpoint, and a leaf of its own tree (Tr("inclusion")) that made a later set than the one
 * that signed. */
BCEMR_MUST_USE bcemr_verdict bcemr_guilt_old_set(const bcemr_context *context,
                                                 const bcemr_hash *ledger,
                                                 const bcemr_cosigned_by *one, bcemr_span inclusion,
                                                 bcemr_error *err);
/* Two checkpoints, and a leaf of the larger tree that stands beyond the smaller one and made the
 * set that signed the smaller one, or an earlier set. */
BCEMR_MUST_USE bcemr_verdict bcemr_guilt_early_set(const bcemr_context *context,
                                                   const bcemr_hash *ledger,
                                                   const bcemr_cosigned_by *smaller,
                                                   const bcemr_cosigned_by *larger,
                                                   bcemr_span inclusion, bcemr_error *err);
/* Two checkpoints, and nodes of the larger tree (bcemr_consistency_roots) that give another root at
 * the smaller size. BAD_CONSISTENCY when the nodes are not the larger tree's. */
BCEMR_MUST_USE bcemr_verdict bcemr_guilt_other_root(
    const bcemr_context *context, const bcemr_hash *ledger, const bcemr_cosigned_by *smaller,
    const bcemr_cosigned_by *larger, const bcemr_hash *path, uint64_t count, bcemr_error *err);

/* Whom a proof of guilt names: those whose key stands under every checkpoint in it. */
typedef struct bcemr_guilty {
    bcemr_guilt_kind kind;
    bcemr_tr_checkpoint one;   /* the only one, or the smaller */
    bcemr_tr_checkpoint other; /* all zero for OLD_SET */
    uint64_t count;
    bcemr_span who[BCEMR_SET_MAX]; /* IDs, in the order of the set; they point into held */
    bcemr_buf held;
} bcemr_guilty;
/*
 * A proof of guilt (Tr("guilt")) against the signed genesis and nothing else: walks the sets to
 * those that signed, then checks the evidence.
 * Out (NULL allowed), when VALID: free with bcemr_guilty_free. VALID; BAD_GUILT (it proves nothing,
 * or names nobody; err->field says what), BAD_GENESIS, BAD_POP, and what bcemr_set_follow
 * (err->index which entry), bcemr_checkpoint_check, bcemr_inclusion_check give; BAD_CONSISTENCY;
 * UNDECIDED.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_guilt_check(const bcemr_context *context,
                                               bcemr_span signed_genesis, bcemr_span guilt,
                                               bcemr_guilty *out, bcemr_error *err);
void bcemr_guilty_free(bcemr_guilty *guilty); /* NULL is allowed */

/* ---- cosigning (section 8.2) ---- */

/* Signs the transcript of a checkpoint by the member's key, wherever that is kept. */
typedef bcemr_status (*bcemr_checkpoint_signer)(void *user, const bcemr_tr_checkpoint *checkpoint,
                                                bcemr_g1_raw *out, bcemr_error *err);

/*
 * A member that cosigns: signs what its own log says and what is consistent with what it signed
 * last, nothing else. The last checkpoint must be made durable by keep before the signature leaves,
 * and what was asked for and contradicts by refused before the refusal does (each NULL: in memory
 * only, for tests). When either fails, so does the call that asked.
 */
typedef struct bcemr_cosigner {
    bcemr_hash ledger;
    bool trusted;  /* false after a restore or Rekey, until resumed */
    int64_t since; /* what resumes it has a later tau */
    bool has_last;
    bcemr_tr_checkpoint last; /* the last one signed */
    bcemr_checkpoint_signer sign;
    /* Own log: its checkpoint at a size. E_NOT_FOUND: the log has not come so far. E_ABSENT: no
     * block ends there; out is its newest then. */
    bcemr_status (*own)(void *user, uint64_t size, bcemr_tr_checkpoint *out);
    bcemr_status (*keep)(void *user, const bcemr_tr_checkpoint *last);
    /* own: what the log says at that size, its newest when no block ends there, or the last one
     * signed when that is what was contradicted. */
    bcemr_status (*refused)(void *user, const bcemr_tr_checkpoint *asked,
                            const bcemr_tr_checkpoint *own);
    void *user; /* of all four */
} bcemr_cosigner;

/* A member's first start on a new ledger, or with the last checkpoint that it kept (not NULL). */
void bcemr_cosigner_begin(bcemr_cosigner *cosigner, const bcemr_hash *ledger,
                          const bcemr_tr_checkpoint *last);
/* After a restore or a Rekey: signs nothing until it was resumed on a checkpoint whose tau is later
 * than since. All that it may have signed and forgotten must be older than that. */
void bcemr_cosigner_distrust(bcemr_cosigner *cosigner, int64_t since);
/* On a cosigned checkpoint from the set as it stands, equal to the own log's at its size and signed
 * by others alone. place: its own in that set, or BCEMR_NOWHERE.
 * Errors: E_REFUSED with what does not hold; STALE_PROOF: not later than since; BAD_CONSISTENCY:
 * the own log does not hold the last one that it signed; BAD_CHECKPOINT,
 * err->field "signers": its own signature is under it, so it is old, or somebody else has its key.
 */
BCEMR_MUST_USE bcemr_status bcemr_cosigner_resume(bcemr_cosigner *cosigner,
                                                  const bcemr_context *context,
                                                  const bcemr_set *set, uint64_t place,
                                                  bcemr_span cosigned, bcemr_error *err);
/* On the word of all others, where without it there can be no checkpoint
 * (bcemr_checkpoint_others_check). Errors: as above. */
BCEMR_MUST_USE bcemr_status bcemr_cosigner_resume_by_others(bcemr_cosigner *cosigner,
                                                            const bcemr_context *context,
                                                            const bcemr_set *set, uint64_t place,
                                                            bcemr_span cosigned, bcemr_error *err);
/*
 * On the operator's word alone, that its key signed nothing that the own log does not hold: for a
 * set of one, and for two or three of whom another waits, too. vouched must be the own log's.
 * Errors: E_REFUSED with NOT_ENTITLED where the others are enough for a checkpoint, BAD_CHECKPOINT,
 * BAD_CONSISTENCY: the own log does not hold, or not yet, the last one that it is known to have
 * signed.
 */
BCEMR_MUST_USE bcemr_status bcemr_cosigner_resume_by_operator(bcemr_cosigner *cosigner,
                                                              const bcemr_set *set,
                                                              const bcemr_tr_checkpoint *vouched,
                                                              bcemr_error *err);
/*
 * Signs asked, or refuses: E_STATE not resumed; E_NOT_FOUND the own log has not come so far;
 * E_REFUSED with WRONG_LEDGER, BAD_CONSISTENCY (own log no longer holds the last one signed),
 * BAD_CHECKPOINT (differs from the own log at that size, err->field where), STALE_PROOF (below the
 * last one signed). Asked again for the last one it gives the same signature again.
 */
BCEMR_MUST_USE bcemr_status bcemr_cosigner_sign(bcemr_cosigner *cosigner,
                                                const bcemr_tr_checkpoint *asked, bcemr_g1_raw *out,
                                                bcemr_error *err);

/* ---- indexes (ledger.md, Log and state) ---- */

/* head = H(Tr("index"; name, head before, height, rows)). */
BCEMR_MUST_USE bcemr_status bcemr_index_head(const bcemr_tr_index *block, bcemr_hash *out,
                                             bcemr_error *err);
/*
 * A range of an index: blocks, a list of Tr("index") as served, must lead from the head before
 * (ledger id for the whole) to head, with heights and leaves ascending.
 * VALID or BAD_INDEX (err->index the block); UNDECIDED.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_index_check(const char *name, const bcemr_hash *before,
                                               const bcemr_list *blocks, const bcemr_hash *head,
                                               bcemr_error *err);
/* The first row of such a range with this kind ("Revoke", ...) and key. Out: its leaf.
 * E_NOT_FOUND when there is none. */
BCEMR_MUST_USE bcemr_status bcemr_index_find(const bcemr_list *blocks, const char *kind,
                                             bcemr_span key, uint64_t *leaf);

/* ---- case blocks (section 6) ---- */

/* The header that follows a Seal. body: the visit's leaves (bcemr_span of Tr("leaf") each, as a
 * list of bcemr_type_leaf). previous: H(previous header), ledger id for height 0. */
BCEMR_MUST_USE bcemr_status bcemr_case_header_make(uint64_t height, const bcemr_hash *previous,
                                                   int64_t tau, const bcemr_hash *vid,
                                                   const bcemr_tr_case *record_case,
                                                   const bcemr_list *body,
                                                   bcemr_tr_case_header *out, bcemr_error *err);
/*
 * Header and body: H(body), the body runs from this vid's Admit to its Seal, all of this ledger and
 * visit, times do not fall, the Seal's case is the header's. Out (NULL allowed): the case.
 * VALID or BAD_CASE_BLOCK (err->field); UNDECIDED.
 */
BCEMR_MUST_USE bcemr_verdict bcemr_case_block_check(const bcemr_hash *ledger,
                                                    const bcemr_tr_case_header *header,
                                                    const bcemr_list *body, bcemr_tr_case *out,
                                                    bcemr_error *err);

#ifdef __cplusplus
}
#endif
#endif
