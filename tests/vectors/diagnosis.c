/* SPDX-License-Identifier: Apache-2.0 */
/* diagnosis.json: commitments, contexts, the sequential multisignature, batches (4.2, 1.8). */
#include "vectors/vectors.h"

#include <bcemr/group.h>

static void one_diagnosis(const story *s, int i)
{
    const bcemr_tr_sign *sign = &s->signs[i];
    bcemr_hash hash;
    vec_begin("commitment", "c_i");
    VEC("vid", s->vid);
    vec_uint("i", sign->i);
    VEC("salt", s->salts[i]);
    vec_buf("manifest", &s->manifests[i]);
    vec_buf("presence", &s->presences[i]);
    VEC("c", sign->commitment);
    vec_end();
    bcemr_sha256(bcemr_buf_span(&s->contexts[i]), &hash);
    vec_begin("sign", "ctx_i and delta_i");
    VEC("x", s->c->doctors[i].keys.x);
    vec_value("context", &bcemr_type_sign, bcemr_buf_span(&s->contexts[i]));
    VEC("context_hash", hash);
    VEC("delta", s->deltas[i]);
    vec_end();
}

static void multisignature(const story *s)
{
    bcemr_buf held[STORY_TEAM];
    bcemr_span creds[STORY_TEAM], contexts[STORY_TEAM];
    bcemr_g2 authority;
    must(bcemr_g2_decode(&s->c->p, &authority));
    for (int i = 0; i < STORY_TEAM; i++) {
        held[i] = BCEMR_BUF_EMPTY;
        creds[i] = encode(&bcemr_type_cred, &s->creds[i], &held[i]);
        contexts[i] = bcemr_buf_span(&s->contexts[i]);
    }
    holds(bcemr_multisignature_check(s->c->context, &authority, s->creds, s->signs, STORY_TEAM,
                                     &s->sigmas[STORY_TEAM - 1], NULL));
    vec_begin("multisignature", "sigma_1 to sigma_n");
    VEC("P", s->c->p);
    vec_spans("creds", creds, STORY_TEAM);
    vec_spans("contexts", contexts, STORY_TEAM);
    vec_array("deltas", s->deltas, sizeof s->deltas[0], STORY_TEAM);
    vec_array("credentials", s->credentials, sizeof s->credentials[0], STORY_TEAM);
    vec_array("sigmas", s->sigmas, sizeof s->sigmas[0], STORY_TEAM);
    vec_end();
    for (int i = 0; i < STORY_TEAM; i++)
        bcemr_buf_free(&held[i]);
}

/* All signatures before one's own in one product; swapped: two of them change places. */
static void prefix(const story *s, bool swapped, const char *name)
{
    bcemr_span contexts[STORY_TEAM];
    bcemr_g1_raw deltas[STORY_TEAM];
    uint64_t first_bad;
    for (int i = 0; i < STORY_TEAM; i++) {
        contexts[i] = bcemr_buf_span(&s->contexts[i]);
        deltas[i] = s->deltas[swapped && i > 0 ? STORY_TEAM - i : i];
    }
    const bcemr_verdict verdict =
        bcemr_prefix_check(s->c->context, &s->vid, s->signs, deltas, STORY_TEAM, &first_bad, NULL);
    vec_begin("prefix", name);
    VEC("vid", s->vid);
    vec_spans("contexts", contexts, STORY_TEAM);
    vec_array("deltas", deltas, sizeof deltas[0], STORY_TEAM);
    vec_word("verdict", bcemr_verdict_name(verdict));
    vec_uint("first_bad", first_bad);
    vec_end();
}

/* Statements of two keys; bad: the last two are over each other's message. */
static void batch(const story *s, bool bad, const char *name)
{
    static const char *const texts[4] = {"one", "two", "three", "four"};
    static bcemr_g2_lines lines[2];
    bcemr_bls_statement statements[4];
    bcemr_g2_raw keys[4];
    bcemr_span messages[4];
    bcemr_g1_raw signatures[4];
    bool found[4];
    uint8_t shown[4];
    for (int i = 0; i < 4; i++)
        messages[i] = bcemr_text(texts[i]);
    for (int i = 0; i < 4; i++) {
        const bcemr_secret_scalar x = known_scalar(i % 2 ? "odd" : "even");
        bcemr_g2 point;
        keys[i] = g2_of(&x);
        must(bcemr_g2_decode(&keys[i], &point));
        bcemr_g2_prepare(&point, &lines[i % 2]);
        must(bcemr_bls_sign(&x, BCEMR_PURPOSE_SIG, messages[bad && i >= 2 ? 5 - i : i],
                            &signatures[i]));
        statements[i] =
            (bcemr_bls_statement){&lines[i % 2], BCEMR_PURPOSE_SIG, messages[i], signatures[i]};
    }
    const bcemr_verdict verdict = bcemr_bls_batch(s->c->context, statements, 4, NULL, found, NULL);
    for (int i = 0; i < 4; i++)
        shown[i] = found[i];
    vec_begin("batch", name);
    vec_array("keys", keys, sizeof keys[0], 4);
    vec_spans("messages", messages, 4);
    vec_array("signatures", signatures, sizeof signatures[0], 4);
    vec_word("verdict", bcemr_verdict_name(verdict));
    vec_bytes("bad", shown, 4);
    vec_end();
}

void vectors_diagnosis(story *s)
{
    vec_open("diagnosis", "commitments, contexts, the multisignature, batches (4.2, 1.8)");
    for (int i = 0; i < STORY_TEAM; i++)
        one_diagnosis(s, i);
    multisignature(s);
    prefix(s, false, "all hold");
    prefix(s, true, "the second and third change places");
    batch(s, false, "all hold");
    batch(s, true, "two do not");
    vec_close();
}
