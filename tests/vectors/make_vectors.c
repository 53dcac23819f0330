/* SPDX-License-Identifier: Apache-2.0 */
/* make_vectors FOLDER: writes the test vectors, the same bytes each time. */
#include "bcemr/random.h"
#include "vectors/vectors.h"

#include <stdio.h>
#include <stdlib.h>

void known_bytes(const char *text, void *out, uint64_t n)
{
    bcemr_buf input = BCEMR_BUF_EMPTY;
    bcemr_hash block;
    uint8_t *to = out;
    for (uint8_t i = 0; n > 0; i++) {
        const uint64_t part = n < 32 ? n : 32;
        bcemr_buf_clear(&input);
        must(bcemr_buf_append(&input, bcemr_text(text)));
        must(bcemr_buf_append(&input, bcemr_span_of(&i, 1)));
        bcemr_sha256(bcemr_buf_span(&input), &block);
        memcpy(to, block.b, (size_t)part);
        to += part;
        n -= part;
    }
    bcemr_buf_free(&input);
}

bcemr_secret_scalar known_scalar(const char *text)
{
    bcemr_secret_scalar x;
    known_bytes(text, x.b, sizeof x.b);
    x.b[31] &= 0x3f; /* below q */
    return x;
}

bcemr_hash known_hash(const char *text)
{
    bcemr_hash hash;
    known_bytes(text, hash.b, sizeof hash.b);
    return hash;
}

bcemr_nonce known_nonce(const char *text)
{
    bcemr_nonce nonce;
    known_bytes(text, nonce.b, sizeof nonce.b);
    return nonce;
}

bcemr_g1_raw g1_of(const bcemr_secret_scalar *x)
{
    bcemr_g1 point;
    bcemr_g1_raw raw;
    bcemr_g1_from_secret(x, &point);
    bcemr_g1_encode(&point, &raw);
    return raw;
}

bcemr_g2_raw g2_of(const bcemr_secret_scalar *x)
{
    bcemr_g2 point;
    bcemr_g2_raw raw;
    bcemr_g2_from_secret(x, &point);
    bcemr_g2_encode(&point, &raw);
    return raw;
}

bcemr_span encode(const bcemr_type *type, const void *value, bcemr_buf *out)
{
    bcemr_buf_clear(out);
    must(bcemr_write(type, value, out, NULL));
    return bcemr_buf_span(out);
}

void holds(bcemr_verdict verdict)
{
    if (verdict == BCEMR_VALID)
        return;
    (void)fprintf(stderr, "vectors: %s\n", bcemr_verdict_text(verdict));
    abort();
}

void pattern(uint8_t *out, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        out[i] = (uint8_t)(i % 251);
}

int main(int argc, char **argv)
{
    static consortium c;
    static story s;
    if (argc != 2) {
        (void)fputs("usage: make_vectors FOLDER\n", stderr);
        return 2;
    }
    vec_folder(argv[1]);
    random_permit();
    must(random_install_seed("test vectors 1"));
    consortium_begin(&c);
    story_begin(&s, &c);
    vectors_transcripts();
    vectors_refusals();
    vectors_hashes();
    vectors_kdf();
    vectors_curves();
    vectors_keys(&s);
    vectors_visit(&s);
    vectors_group(&s);
    vectors_diagnosis(&s);
    vectors_record(&s);
    vectors_grant(&s);
    vectors_access(&s);
    vectors_ledger(&s);
    vectors_set(&s);
    story_end(&s);
    consortium_end(&c);
    vectors_case();
    return 0;
}
