/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims, checked singly or in batches, and remembered by their hash. What is remembered or
 * forgotten changes the time that something takes, never its result.
 */
#include "ledger/rules/rules.h"
#include "wire/error.h"

#include <bcemr/diagnosis.h>
#include <string.h>

#define WAYS 8       /* remembered claims in a bucket */
#define LINE_SETS 32 /* prepared keys: 32 sets of 4, 2.5 MB */
#define LINE_WAYS 4
#define DEFAULT_REMEMBER 65536

typedef struct prepared_key {
    bool used;
    uint64_t last; /* batch in which it was used last: those of this one stay */
    bcemr_g2_raw key;
    bcemr_g2_lines lines;
} prepared_key;

/* A collected claim; offsets into the arena, which moves when it grows. */
typedef struct collected {
    ledger_claim_kind kind;
    bcemr_purpose purpose;
    uint64_t key, key_length, message, message_length, signature, signature_length;
    uint32_t reason;
    uint64_t leaf;
    bcemr_hash hash;
    bool holds;
} collected;

struct ledger_verifier {
    const bcemr_context *context;
    const bcemr_parallel *parallel;
    bcemr_hash *remembered;
    uint8_t *next_way;
    uint64_t buckets;
    prepared_key *keys;
    uint64_t batch;
    collected *claims;
    uint64_t count, room;
    bcemr_buf arena;
    bcemr_buf scratch;
    ledger_verifier_counts counts;
};

bcemr_status ledger_verifier_new(ledger_verifier **out, const bcemr_context *context,
                                 const bcemr_parallel *parallel, uint64_t remember)
{
    *out = NULL;
    if (remember == 0)
        remember = DEFAULT_REMEMBER;
    if (remember < WAYS || (remember & (remember - 1)) != 0 || remember > UINT32_MAX)
        return BCEMR_E_ARGUMENT;
    ledger_verifier *v = bcemr_allocate(sizeof *v);
    if (!v)
        return BCEMR_E_NO_MEMORY;
    v->context = context;
    v->parallel = parallel;
    v->buckets = remember / WAYS;
    v->remembered = bcemr_allocate(remember * sizeof *v->remembered);
    v->next_way = bcemr_allocate(v->buckets);
    v->keys = bcemr_allocate((uint64_t)LINE_SETS * LINE_WAYS * sizeof *v->keys);
    if (!v->remembered || !v->next_way || !v->keys) {
        ledger_verifier_free(v);
        return BCEMR_E_NO_MEMORY;
    }
    *out = v;
    return BCEMR_OK;
}

void ledger_verifier_free(ledger_verifier *verifier)
{
    if (!verifier)
        return;
    bcemr_release(verifier->remembered);
    bcemr_release(verifier->next_way);
    bcemr_release(verifier->keys);
    bcemr_release(verifier->claims);
    bcemr_buf_free(&verifier->arena);
    bcemr_buf_free(&verifier->scratch);
    bcemr_release(verifier);
}

void ledger_verifier_count(const ledger_verifier *verifier, ledger_verifier_counts *out)
{
    *out = verifier->counts;
}

/* ---- memory of what held ---- */

static bcemr_status claim_hash(ledger_verifier *v, const ledger_claim *claim, bcemr_hash *out)
{
    uint8_t kind[8], purpose[8];
    bcemr_store_u64(kind, (uint64_t)claim->kind);
    bcemr_store_u64(purpose, (uint64_t)claim->purpose);
    const bcemr_span fields[] = {bcemr_span_of(kind, 8), bcemr_span_of(purpose, 8), claim->key,
                                 claim->message, claim->signature};
    bcemr_buf_clear(&v->scratch);
    bcemr_status status =
        bcemr_write_fields("claim", fields, sizeof fields / sizeof fields[0], &v->scratch);
    if (status == BCEMR_OK)
        bcemr_sha256(bcemr_buf_span(&v->scratch), out);
    return status;
}

static uint64_t bucket_of(const ledger_verifier *v, const bcemr_hash *hash)
{
    return bcemr_load_u64(hash->b) & (v->buckets - 1);
}

static bool is_remembered(const ledger_verifier *v, const bcemr_hash *hash)
{
    const bcemr_hash *bucket = &v->remembered[bucket_of(v, hash) * WAYS];
    for (int i = 0; i < WAYS; i++)
        if (memcmp(bucket[i].b, hash->b, sizeof hash->b) == 0)
            return true;
    return false;
}

static void remember(ledger_verifier *v, const bcemr_hash *hash)
{
    uint64_t bucket = bucket_of(v, hash);
    v->remembered[bucket * WAYS + v->next_way[bucket]] = *hash;
    v->next_way[bucket] = (uint8_t)((v->next_way[bucket] + 1) % WAYS);
}

/* ---- prepared keys ---- */

/* The lines of a key, in place until the next batch begins. NULL with BCEMR_OK: the set of places
 * is taken up by keys of this batch. An encoding that does not decode is E_POINT_*. */
static bcemr_status prepare(ledger_verifier *v, bcemr_span key, const bcemr_g2_lines **out)
{
    bcemr_g2_raw raw;
    bcemr_g2 point;
    *out = NULL;
    if (key.n != sizeof raw.b)
        return BCEMR_E_ARGUMENT;
    memcpy(raw.b, key.p, sizeof raw.b);
    prepared_key *set = &v->keys[(raw.b[sizeof raw.b - 1] % LINE_SETS) * LINE_WAYS];
    prepared_key *oldest = &set[0];
    for (int i = 0; i < LINE_WAYS; i++) {
        if (set[i].used && memcmp(set[i].key.b, raw.b, sizeof raw.b) == 0) {
            set[i].last = v->batch;
            *out = &set[i].lines;
            return BCEMR_OK;
        }
        if (!set[i].used || (oldest->used && set[i].last < oldest->last))
            oldest = &set[i];
    }
    if (oldest->used && oldest->last == v->batch)
        return BCEMR_OK;
    bcemr_status status = bcemr_g2_decode(&raw, &point);
    if (status != BCEMR_OK)
        return status;
    bcemr_g2_prepare(&point, &oldest->lines);
    oldest->key = raw;
    oldest->used = true;
    oldest->last = v->batch;
    *out = &oldest->lines;
    return BCEMR_OK;
}

static bool is_encoding_error(bcemr_status status)
{
    return status == BCEMR_E_POINT_ENCODING || status == BCEMR_E_POINT_NOT_ON_CURVE ||
           status == BCEMR_E_POINT_NOT_IN_GROUP || status == BCEMR_E_POINT_IDENTITY ||
           status == BCEMR_E_BITMAP;
}

/* ---- one claim ---- */

static bcemr_status check_bls(ledger_verifier *v, const ledger_claim *claim, bool *holds,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_bls_statement statement = {.purpose = claim->purpose, .message = claim->message};
    bool bad = true;
    v->batch++;
    status = prepare(v, claim->key, &statement.key);
    if (is_encoding_error(status))
        return BCEMR_OK;
    TRY_AT(status, "claim", "key");
    if (claim->signature.n != sizeof statement.signature.b)
        goto out;
    memcpy(statement.signature.b, claim->signature.p, sizeof statement.signature.b);
    if (bcemr_bls_batch(v->context, &statement, 1, NULL, &bad, err) == BCEMR_UNDECIDED)
        status = err->status;
    *holds = status == BCEMR_OK && !bad;
out:
    return status;
}

static bool ed_holds(const ledger_claim *claim)
{
    bcemr_ed_raw key;
    bcemr_ed_signature signature;
    if (claim->key.n != sizeof key.b || claim->signature.n != sizeof signature.b)
        return false;
    memcpy(key.b, claim->key.p, sizeof key.b);
    memcpy(signature.b, claim->signature.p, sizeof signature.b);
    return bcemr_ed_holds(&key, claim->message, &signature);
}

/* What a verdict says about a claim; UNDECIDED over an encoding means that it does not hold. */
static bcemr_status decide(bcemr_verdict verdict, const bcemr_error *err, bool *holds)
{
    *holds = verdict == BCEMR_VALID;
    if (verdict != BCEMR_UNDECIDED || is_encoding_error(err->status))
        return BCEMR_OK;
    return err->status;
}

static bcemr_status check_joint(ledger_verifier *v, const ledger_claim *claim, bool *holds,
                                bcemr_error *err)
{
    bcemr_g2_raw keys[BCEMR_SET_MAX];
    bcemr_g1_raw signature;
    uint8_t bitmap[(BCEMR_SET_MAX + 7) / 8] = {0};
    uint64_t n = claim->key.n / sizeof keys[0].b;
    if (n == 0 || n > BCEMR_SET_MAX || claim->key.n % sizeof keys[0].b != 0 ||
        claim->signature.n != sizeof signature.b)
        return BCEMR_OK;
    for (uint64_t i = 0; i < n; i++) {
        memcpy(keys[i].b, claim->key.p + i * sizeof keys[0].b, sizeof keys[0].b);
        bcemr_bitmap_set(bitmap, i);
    }
    memcpy(signature.b, claim->signature.p, sizeof signature.b);
    return decide(bcemr_joint_check(v->context, keys, n,
                                    bcemr_span_of(bitmap, bcemr_bitmap_size(n)), claim->message,
                                    &signature, err),
                  err, holds);
}

static bcemr_status check_pok(const ledger_claim *claim, bool *holds, bcemr_error *err)
{
    bcemr_g1_raw key;
    bcemr_pok_raw proof;
    if (claim->key.n != sizeof key.b || claim->signature.n != sizeof proof)
        return BCEMR_OK;
    memcpy(key.b, claim->key.p, sizeof key.b);
    memcpy(&proof, claim->signature.p, sizeof proof);
    return decide(bcemr_pok_check(&key, claim->message, &proof, err), err, holds);
}

/* The message of a sum: cred and ctx of each doctor in turn, each with its length before it. */
static bcemr_status read_sum(bcemr_span message, bcemr_tr_cred *creds, bcemr_tr_sign *signs,
                             uint64_t *count, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_span rest = message;
    for (*count = 0; rest.n > 0; (*count)++) {
        bcemr_span part[2];
        for (int i = 0; i < 2; i++) {
            if (*count >= BCEMR_SET_MAX || rest.n < 8 || bcemr_load_u64(rest.p) > rest.n - 8)
                FAIL(BCEMR_E_TRUNCATED, "claim", "message");
            part[i] = bcemr_span_of(rest.p + 8, bcemr_load_u64(rest.p));
            rest = bcemr_span_of(rest.p + 8 + part[i].n, rest.n - 8 - part[i].n);
        }
        TRY(bcemr_read_cred(part[0], &creds[*count], err));
        TRY(bcemr_read_sign(part[1], &signs[*count], err));
    }
out:
    return status;
}

static bcemr_status check_sum(ledger_verifier *v, const ledger_claim *claim, bool *holds,
                              bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g2_raw raw;
    bcemr_g2 authority;
    bcemr_g1_raw sigma;
    uint64_t count = 0;
    bcemr_tr_cred *creds = bcemr_allocate(BCEMR_SET_MAX * sizeof *creds);
    bcemr_tr_sign *signs = bcemr_allocate(BCEMR_SET_MAX * sizeof *signs);
    if (!creds || !signs)
        FAIL(BCEMR_E_NO_MEMORY, "claim", NULL);
    if (claim->key.n != sizeof raw.b || claim->signature.n != sizeof sigma.b)
        goto out;
    memcpy(raw.b, claim->key.p, sizeof raw.b);
    memcpy(sigma.b, claim->signature.p, sizeof sigma.b);
    TRY_AT(bcemr_g2_decode(&raw, &authority), "claim", "key");
    TRY(read_sum(claim->message, creds, signs, &count, err));
    if (count > 0)
        status = decide(
            bcemr_multisignature_check(v->context, &authority, creds, signs, count, &sigma, err),
            err, holds);
out:
    bcemr_release(creds);
    bcemr_release(signs);
    return status;
}

static bcemr_status check_one(ledger_verifier *v, const ledger_claim *claim, bool *holds,
                              bcemr_error *err)
{
    bcemr_error local;
    if (!err)
        err = &local;
    *holds = false;
    switch (claim->kind) {
    case LEDGER_CLAIM_BLS:
        return check_bls(v, claim, holds, err);
    case LEDGER_CLAIM_ED:
        *holds = ed_holds(claim);
        return BCEMR_OK;
    case LEDGER_CLAIM_JOINT:
        return check_joint(v, claim, holds, err);
    case LEDGER_CLAIM_POK:
        return check_pok(claim, holds, err);
    case LEDGER_CLAIM_SUM:
        return check_sum(v, claim, holds, err);
    }
    return BCEMR_E_ARGUMENT;
}

bcemr_status ledger_verifier_holds(ledger_verifier *verifier, const ledger_claim *claim,
                                   bool *holds, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash hash;
    *holds = false;
    TRY_AT(claim_hash(verifier, claim, &hash), "claim", NULL);
    if (is_remembered(verifier, &hash)) {
        verifier->counts.remembered++;
        *holds = true;
        goto out;
    }
    verifier->counts.single++;
    TRY(check_one(verifier, claim, holds, err));
    if (*holds)
        remember(verifier, &hash);
out:
    return status;
}

/* ---- many claims ---- */

static bcemr_status keep_bytes(ledger_verifier *v, bcemr_span bytes, uint64_t *at, uint64_t *length)
{
    *at = v->arena.n;
    *length = bytes.n;
    return bcemr_buf_append(&v->arena, bytes);
}

static bcemr_status more_room(ledger_verifier *v)
{
    if (v->count < v->room)
        return BCEMR_OK;
    uint64_t room = v->room ? 2 * v->room : 64;
    collected *more = bcemr_allocate(room * sizeof *more);
    if (!more)
        return BCEMR_E_NO_MEMORY;
    if (v->count > 0)
        memcpy(more, v->claims, (size_t)(v->count * sizeof *more));
    bcemr_release(v->claims);
    v->claims = more;
    v->room = room;
    return BCEMR_OK;
}

bcemr_status ledger_verifier_add(ledger_verifier *verifier, const ledger_claim *claim)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash hash;
    TRY(claim_hash(verifier, claim, &hash));
    if (is_remembered(verifier, &hash))
        goto out;
    TRY(more_room(verifier));
    collected *c = &verifier->claims[verifier->count];
    *c = (collected){.kind = claim->kind,
                     .purpose = claim->purpose,
                     .reason = (uint32_t)claim->reason,
                     .leaf = claim->leaf,
                     .hash = hash};
    TRY(keep_bytes(verifier, claim->key, &c->key, &c->key_length));
    TRY(keep_bytes(verifier, claim->message, &c->message, &c->message_length));
    TRY(keep_bytes(verifier, claim->signature, &c->signature, &c->signature_length));
    verifier->count++;
out:
    return status;
}

static ledger_claim claim_of(const ledger_verifier *v, const collected *c)
{
    const uint8_t *p = v->arena.p;
    return (ledger_claim){.kind = c->kind,
                          .purpose = c->purpose,
                          .key = bcemr_span_of(p + c->key, c->key_length),
                          .message = bcemr_span_of(p + c->message, c->message_length),
                          .signature = bcemr_span_of(p + c->signature, c->signature_length)};
}

/* The BLS claims from *next on, as many as there is room for their keys' lines. */
static bcemr_status run_batch(ledger_verifier *v, bcemr_bls_statement *statements, uint64_t *places,
                              bool *bad, uint64_t *next, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    uint64_t n = 0;
    v->batch++;
    for (; *next < v->count; (*next)++) {
        collected *c = &v->claims[*next];
        const ledger_claim claim = claim_of(v, c);
        if (c->kind != LEDGER_CLAIM_BLS || claim.signature.n != sizeof statements[n].signature.b)
            continue;
        status = prepare(v, claim.key, &statements[n].key);
        if (is_encoding_error(status)) {
            status = BCEMR_OK;
            continue;
        }
        TRY_AT(status, "claim", "key");
        if (!statements[n].key)
            break;
        statements[n].purpose = claim.purpose;
        statements[n].message = claim.message;
        memcpy(statements[n].signature.b, claim.signature.p, sizeof statements[n].signature.b);
        places[n++] = *next;
    }
    if (n == 0)
        goto out;
    if (bcemr_bls_batch(v->context, statements, n, v->parallel, bad, err) == BCEMR_UNDECIDED) {
        status = err->status;
        goto out;
    }
    v->counts.batched += n;
    for (uint64_t i = 0; i < n; i++)
        v->claims[places[i]].holds = !bad[i];
out:
    return status;
}

static bcemr_status run_bls(ledger_verifier *v, bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_bls_statement *statements = bcemr_allocate(v->count * sizeof *statements);
    uint64_t *places = bcemr_allocate(v->count * sizeof *places);
    bool *bad = bcemr_allocate(v->count * sizeof *bad);
    if (!statements || !places || !bad)
        FAIL(BCEMR_E_NO_MEMORY, "claim", NULL);
    for (uint64_t next = 0; next < v->count;)
        TRY(run_batch(v, statements, places, bad, &next, err));
out:
    bcemr_release(statements);
    bcemr_release(places);
    bcemr_release(bad);
    return status;
}

static void ed_job(void *argument, uint64_t index)
{
    ledger_verifier *v = argument;
    collected *c = &v->claims[index];
    const ledger_claim claim = claim_of(v, c);
    if (c->kind == LEDGER_CLAIM_ED)
        c->holds = ed_holds(&claim);
}

static void run_ed(ledger_verifier *v)
{
    if (v->parallel && v->parallel->run && v->count > 1) {
        v->parallel->run(v->parallel->user, ed_job, v, v->count);
        return;
    }
    for (uint64_t i = 0; i < v->count; i++)
        ed_job(v, i);
}

/* Every claim that waits. all: every one holds; one that does not is said by its own reason, the
 * first of them, in order. */
static bcemr_status run_all(ledger_verifier *verifier, bool *all, ledger_first_bad *first,
                            bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    bcemr_error local;
    bool held = true;
    *all = false;
    *first = (ledger_first_bad){.any = false};
    if (!err)
        err = &local;
    if (verifier->count == 0)
        goto out;
    TRY(run_bls(verifier, err));
    run_ed(verifier);
    for (uint64_t i = 0; i < verifier->count; i++) {
        collected *c = &verifier->claims[i];
        const ledger_claim claim = claim_of(verifier, c);
        if (c->kind == LEDGER_CLAIM_ED)
            verifier->counts.batched++;
        else if (c->kind != LEDGER_CLAIM_BLS) {
            verifier->counts.single++;
            TRY(check_one(verifier, &claim, &c->holds, err));
        }
        if (c->holds)
            remember(verifier, &c->hash);
        else
            held = false;
        if (!first->any && !BCEMR_REASON_HOLDS(c->reason, c->holds))
            *first = (ledger_first_bad){.any = true, .reason = c->reason, .leaf = c->leaf};
    }
out:
    *all = status == BCEMR_OK && held;
    ledger_verifier_forget(verifier);
    return status;
}

bcemr_status ledger_verifier_run(ledger_verifier *verifier, bool *all, bcemr_error *err)
{
    ledger_first_bad ignored; /* apply comes to it again, in its order of checks */
    return run_all(verifier, all, &ignored, err);
}

bcemr_status ledger_verifier_run_all(ledger_verifier *verifier, ledger_first_bad *out,
                                     bcemr_error *err)
{
    bool ignored;
    return run_all(verifier, &ignored, out, err);
}

uint64_t ledger_verifier_waiting(const ledger_verifier *verifier)
{
    return verifier->count;
}

void ledger_verifier_forget(ledger_verifier *verifier)
{
    verifier->count = 0;
    bcemr_buf_clear(&verifier->arena);
}
