/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of every holder, Ed25519, proofs of possession, credentials, the Schnorr proof. */
#include "core_test.h"

/* ---- Ed25519 ---- */

/* The five y below p whose points have order 1, 2, 4 or 8. */
static const uint8_t ed_small[][32] = {
    {0x01},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x00},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
};

static void refuse_ed(const bcemr_ed_raw *raw, bcemr_status status)
{
    bcemr_ed_public key;
    memset(&key, 0xff, sizeof key);
    assert_int_equal(bcemr_ed_decode(raw, &key), status);
    assert_true(all_zero(&key, sizeof key));
}

static void ed_keys(void **state)
{
    (void)state;
    bcemr_ed_raw raw;
    bcemr_ed_public key;
    for (unsigned i = 0; i < COUNT(ed_small); i++) {
        memcpy(raw.b, ed_small[i], 32);
        refuse_ed(&raw, BCEMR_E_ED25519_SMALL_ORDER);
        raw.b[31] |= 0x80;
        refuse_ed(&raw, BCEMR_E_ED25519_SMALL_ORDER);
    }
    /* y = p .. p + 18 says again what y = 0 .. 18 says; with either sign. */
    for (uint8_t low = 0xed; low != 0; low++) {
        memset(raw.b, 0xff, sizeof raw.b);
        raw.b[0] = low;
        refuse_ed(&raw, BCEMR_E_ED25519_ENCODING);
        raw.b[31] = 0x7f;
        refuse_ed(&raw, BCEMR_E_ED25519_ENCODING);
    }
    unsigned off_curve = 0, off_group = 0;
    for (uint8_t y = 2; y < 40; y++) {
        memset(raw.b, 0, sizeof raw.b);
        raw.b[0] = y;
        bcemr_status status = bcemr_ed_decode(&raw, &key);
        off_curve += status == BCEMR_E_ED25519_ENCODING;
        off_group += status == BCEMR_E_ED25519_SMALL_ORDER;
    }
    assert_true(off_curve > 5 && off_group > 5);
    for (int i = 0; i < 20; i++) {
        bcemr_ed_raw mixed;
        raw = random_ed();
        OK(bcemr_ed_decode(&raw, &key));
        assert_memory_equal(key.b, raw.b, 32);
        assert_int_equal(crypto_core_ed25519_add(mixed.b, raw.b, ed_small[3]), 0);
        refuse_ed(&mixed, BCEMR_E_ED25519_SMALL_ORDER);
    }
}

static void ed_signatures(void **state)
{
    (void)state;
    uint8_t seed[32], text[] = "what is signed";
    bcemr_ed_secret secret;
    bcemr_ed_raw key, other = random_ed(), again;
    bcemr_ed_signature signature;
    const bcemr_span message = {text, sizeof text};
    randombytes_buf(seed, sizeof seed);
    bcemr_ed_from_seed(seed, &secret, &key);
    bcemr_ed_public_of(&secret, &again);
    assert_memory_equal(key.b, again.b, 32);
    bcemr_ed_sign(&secret, message, &signature);
    assert_true(bcemr_ed_holds(&key, message, &signature));
    assert_false(bcemr_ed_holds(&other, message, &signature));
    assert_false(bcemr_ed_holds(&key, (bcemr_span){text, sizeof text - 1}, &signature));
    for (unsigned bit = 0; bit < 512; bit++) {
        bcemr_ed_signature bad = signature;
        bad.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(bcemr_ed_holds(&key, message, &bad));
    }
    for (unsigned bit = 0; bit < 8 * sizeof text; bit++) {
        text[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(bcemr_ed_holds(&key, message, &signature));
        text[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    /* S + L is the same S to a careless verifier. */
    static const uint8_t l[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                  0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    bcemr_ed_signature long_s = signature;
    sodium_add(long_s.b + 32, l, 32);
    assert_false(bcemr_ed_holds(&key, message, &long_s));
}

/* Under a key of small order S = 0, R = that key's negative multiple signs anything. */
static void ed_small_order_key(void **state)
{
    (void)state;
    const bcemr_span message = bcemr_text("anything");
    for (unsigned k = 0; k < COUNT(ed_small); k++)
        for (unsigned r = 0; r < COUNT(ed_small); r++) {
            bcemr_ed_raw key;
            bcemr_ed_signature signature;
            memcpy(key.b, ed_small[k], 32);
            memset(&signature, 0, sizeof signature);
            memcpy(signature.b, ed_small[r], 32);
            assert_false(bcemr_ed_holds(&key, message, &signature));
        }
}

static void ed_values(void **state)
{
    (void)state;
    uint8_t seed[32];
    bcemr_ed_secret secret;
    bcemr_ed_raw key;
    bcemr_ed_signature signature;
    bcemr_tr_accept accept = {.vid = random_hash()};
    bcemr_tr_pok unfit = {.message = {NULL, 0}}; /* a message must be there */
    bcemr_error err;
    randombytes_buf(seed, sizeof seed);
    bcemr_ed_from_seed(seed, &secret, &key);
    OK(bcemr_ed_sign_value(&secret, &bcemr_type_accept, &accept, &signature, NULL));
    assert_true(bcemr_ed_holds_value(&key, &bcemr_type_accept, &accept, &signature));
    accept.vid.b[0] ^= 1;
    assert_false(bcemr_ed_holds_value(&key, &bcemr_type_accept, &accept, &signature));
    assert_false(bcemr_ed_holds_value(&key, &bcemr_type_pok, &unfit, &signature));
    assert_int_not_equal(bcemr_ed_sign_value(&secret, &bcemr_type_pok, &unfit, &signature, &err),
                         BCEMR_OK);
    assert_true(all_zero(&signature, sizeof signature));
    assert_string_equal(err.object, "pok");
}

/* ---- X25519 ---- */

static void refuse_x25519(const bcemr_x25519_raw *raw, bcemr_status status)
{
    bcemr_x25519_public key;
    memset(&key, 0xff, sizeof key);
    assert_int_equal(bcemr_x25519_decode(raw, &key), status);
    assert_true(all_zero(&key, sizeof key));
}

static void x25519_keys(void **state)
{
    (void)state;
    static const uint8_t small[][32] = {
        {0},
        {1},
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
         0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
         0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
         0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
         0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    };
    bcemr_x25519_secret secret;
    bcemr_x25519_raw raw;
    bcemr_x25519_public key;
    uint8_t shared[32];
    randombytes_buf(secret.b, sizeof secret.b);
    for (unsigned i = 0; i < COUNT(small); i++) {
        memcpy(raw.b, small[i], 32);
        /* They are what they are said to be: any secret gives zero. */
        assert_int_equal(crypto_scalarmult(shared, secret.b, raw.b), -1);
        refuse_x25519(&raw, BCEMR_E_X25519_SMALL_ORDER);
        raw.b[31] |= 0x80;
        refuse_x25519(&raw, BCEMR_E_X25519_ENCODING);
    }
    for (uint8_t low = 0xed; low != 0; low++) {
        memset(raw.b, 0xff, sizeof raw.b);
        raw.b[0] = low;
        raw.b[31] = 0x7f;
        refuse_x25519(&raw, BCEMR_E_X25519_ENCODING);
        raw.b[31] = 0xff;
        refuse_x25519(&raw, BCEMR_E_X25519_ENCODING);
    }
    for (int i = 0; i < 50; i++) {
        randombytes_buf(secret.b, sizeof secret.b);
        bcemr_x25519_public_of(&secret, &raw);
        OK(bcemr_x25519_decode(&raw, &key));
        assert_memory_equal(key.b, raw.b, 32);
        raw.b[31] |= 0x80;
        refuse_x25519(&raw, BCEMR_E_X25519_ENCODING);
    }
}

/* ---- what a holder keeps ---- */

static void secrets_of_a_seed(void **state)
{
    (void)state;
    bcemr_seed seed, other;
    bcemr_secrets one, again, third;
    bcemr_publics publics;
    uint8_t derived[32], box_public[32], box_secret[32], ed_public[32], ed_secret[64];
    randombytes_buf(seed.b, sizeof seed.b);
    other = seed;
    other.b[31] ^= 1;
    const bcemr_span ikm = {seed.b, sizeof seed.b}, none = {NULL, 0};
    OK(bcemr_secrets_from_seed(&seed, &one));
    OK(bcemr_secrets_from_seed(&seed, &again));
    OK(bcemr_secrets_from_seed(&other, &third));
    assert_memory_equal(&one, &again, sizeof one);
    assert_memory_not_equal(one.x.b, third.x.b, 32);
    bcemr_secrets_publics(&one, &publics);
    /* The labels of section 2, one by one. */
    bcemr_secret_scalar x;
    OK(bcemr_kdf_scalar("x", ikm, none, &x));
    bcemr_g2_raw x_public = g2_of(&x);
    assert_memory_equal(publics.x.b, x_public.b, 96);
    OK(bcemr_kdf("a", ikm, none, derived, 32));
    assert_int_equal(crypto_sign_seed_keypair(ed_public, ed_secret, derived), 0);
    assert_memory_equal(publics.a.b, ed_public, 32);
    OK(bcemr_kdf("e", ikm, none, derived, 32));
    assert_memory_equal(one.e.b, derived, 32);
    assert_int_equal(crypto_scalarmult_base(derived, one.e.b), 0);
    assert_memory_equal(publics.e.b, derived, 32);
    OK(bcemr_kdf("b", ikm, none, derived, 32));
    assert_int_equal(crypto_box_seed_keypair(box_public, box_secret, derived), 0);
    assert_memory_equal(publics.box.b, box_public, 32);
    assert_memory_equal(one.box.b, box_secret, 32);
    bcemr_secrets_wipe(&one);
    assert_true(all_zero(&one, sizeof one));
}

static void secrets_drawn(void **state)
{
    (void)state;
    bcemr_secrets one, two;
    bcemr_publics publics;
    bcemr_g2 x;
    bcemr_ed_public a;
    bcemr_x25519_public e;
    OK(bcemr_secrets_random(&one));
    OK(bcemr_secrets_random(&two));
    assert_memory_not_equal(one.x.b, two.x.b, 32);
    assert_memory_not_equal(one.a.b, two.a.b, 32);
    assert_memory_not_equal(one.e.b, two.e.b, 32);
    assert_memory_not_equal(one.box.b, two.box.b, 32);
    bcemr_secrets_publics(&one, &publics);
    OK(bcemr_g2_decode(&publics.x, &x));
    OK(bcemr_ed_decode(&publics.a, &a));
    OK(bcemr_x25519_decode(&publics.e, &e));
    OK(bcemr_x25519_decode(&publics.box, &e));
}

static void secrets_without_memory(void **state)
{
    (void)state;
    bcemr_seed seed = {{1}};
    bcemr_secrets out;
    OK(bcemr_secrets_from_seed(&seed, &out));
    bcemr_switch_fail_allocation(0);
    OK(bcemr_secrets_from_seed(&seed, &out));
    for (uint64_t n = bcemr_switch_allocations(); n > 0; n--) {
        memset(&out, 0xff, sizeof out);
        bcemr_switch_fail_allocation(n);
        assert_int_equal(bcemr_secrets_from_seed(&seed, &out), BCEMR_E_NO_MEMORY);
        assert_true(all_zero(&out, sizeof out));
    }
}

/* ---- BLS ---- */

static void bls_signatures(void **state)
{
    (void)state;
    uint8_t text[] = "what is signed";
    const bcemr_span message = {text, sizeof text};
    bcemr_secret_scalar x = random_scalar(), y = random_scalar();
    bcemr_g2 key, other;
    bcemr_g1_raw signature, bad;
    bcemr_g2_from_secret(&x, &key);
    bcemr_g2_from_secret(&y, &other);
    OK(bcemr_bls_sign(&x, BCEMR_PURPOSE_SIG, message, &signature));
    assert_true(bcemr_bls_holds(context, &key, BCEMR_PURPOSE_SIG, message, &signature));
    assert_false(bcemr_bls_holds(context, &other, BCEMR_PURPOSE_SIG, message, &signature));
    assert_false(bcemr_bls_holds(context, &key, BCEMR_PURPOSE_POP, message, &signature));
    assert_false(bcemr_bls_holds(context, &key, BCEMR_PURPOSE_CRED, message, &signature));
    assert_false(bcemr_bls_holds(context, &key, BCEMR_PURPOSE_CAPSULE, message, &signature));
    for (unsigned bit = 0; bit < 384; bit += 7) {
        bad = signature;
        bad.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(bcemr_bls_holds(context, &key, BCEMR_PURPOSE_SIG, message, &bad));
    }
    bad = signature;
    bad.b[0] ^= 0x20; /* its negative */
    assert_false(bcemr_bls_holds(context, &key, BCEMR_PURPOSE_SIG, message, &bad));
    bad = g1_plus_small(&signature);
    assert_false(bcemr_bls_holds(context, &key, BCEMR_PURPOSE_SIG, message, &bad));
    bad = g1_identity();
    assert_false(bcemr_bls_holds(context, &key, BCEMR_PURPOSE_SIG, message, &bad));
    text[0] ^= 1;
    assert_false(bcemr_bls_holds(context, &key, BCEMR_PURPOSE_SIG, message, &signature));
    assert_int_equal(bcemr_bls_sign(&x, BCEMR_PURPOSE_CAPSULE, message, &bad), BCEMR_E_ARGUMENT);
    assert_true(all_zero(&bad, sizeof bad));
}

/* ---- proofs of possession ---- */

typedef struct holder {
    bcemr_secrets secrets;
    bcemr_publics publics;
    bcemr_hash tls;
    bcemr_hash consensus;
    bcemr_tr_pop pop;
    bcemr_buf proof;
} holder;

static void make_holder(holder *h, const char *role)
{
    memset(h, 0, sizeof *h);
    OK(bcemr_secrets_random(&h->secrets));
    bcemr_secrets_publics(&h->secrets, &h->publics);
    h->tls = random_hash();
    h->consensus = random_hash();
    h->pop = (bcemr_tr_pop){.ledger = random_hash(),
                            .role = bcemr_text(role),
                            .id = bcemr_text("St. Anna"),
                            .x = h->publics.x,
                            .a = {h->publics.a.b, 32},
                            .e = {h->publics.e.b, 32},
                            .box = {h->publics.box.b, 32},
                            .tls = {h->tls.b, 32},
                            .consensus = {h->consensus.b, 32}};
}

static void check_pop(const holder *h, bcemr_verdict verdict)
{
    bcemr_error err;
    assert_int_equal(bcemr_pop_check(context, &h->pop, bcemr_buf_span(&h->proof), &err), verdict);
    if (verdict != BCEMR_VALID)
        assert_int_equal(err.verdict, verdict);
}

static void flip_and_check(holder *h, uint8_t *b, uint64_t n)
{
    for (uint64_t i = 0; i < n; i += 5) {
        b[i] ^= 4;
        check_pop(h, BCEMR_BAD_POP);
        b[i] ^= 4;
    }
}

static void pop_of_a_hospital(void **state)
{
    (void)state;
    holder h, other;
    make_holder(&h, "hospital");
    make_holder(&other, "hospital");
    OK(bcemr_pop_make(&h.secrets.x, &h.secrets.a, &h.pop, &h.proof, NULL));
    assert_int_equal(h.proof.n, 112);
    check_pop(&h, BCEMR_VALID);
    flip_and_check(&h, h.proof.p, 112);
    flip_and_check(&h, h.pop.ledger.b, 32);
    flip_and_check(&h, h.publics.a.b, 32);
    flip_and_check(&h, h.publics.e.b, 32);
    flip_and_check(&h, h.publics.box.b, 32);
    flip_and_check(&h, h.tls.b, 32);
    flip_and_check(&h, h.consensus.b, 32);
    bcemr_tr_pop pop = h.pop;
    h.pop.x = other.publics.x;
    check_pop(&h, BCEMR_BAD_POP);
    h.pop = pop;
    h.pop.e = pop.box; /* swapped keys */
    h.pop.box = pop.e;
    check_pop(&h, BCEMR_BAD_POP);
    h.pop = pop;
    h.pop.id = bcemr_text("St. Anne");
    check_pop(&h, BCEMR_BAD_POP);
    h.pop = pop;
    h.pop.role = bcemr_text("cloud");
    check_pop(&h, BCEMR_BAD_POP);
    h.pop = pop;
    h.pop.consensus = (bcemr_span){NULL, 0};
    check_pop(&h, BCEMR_BAD_POP);
    h.pop = pop;
    bcemr_g1_raw point;
    memcpy(point.b, h.proof.p, 48);
    point = g1_plus_small(&point);
    memcpy(h.proof.p, point.b, 48);
    check_pop(&h, BCEMR_BAD_POP);
    bcemr_buf_free(&h.proof);
}

/* Half a proof, or one without a place for A, is none. */
static void pop_by_halves(void **state)
{
    (void)state;
    holder h;
    static const char *const roles[] = {"hospital", "cloud", "doctor", "authority"};
    for (unsigned r = 0; r < COUNT(roles); r++)
        for (unsigned with = 0; with < 4; with++) {
            make_holder(&h, roles[r]);
            bool a = with & 1, a_named = with & 2;
            if (!a_named)
                h.pop.a = (bcemr_span){NULL, 0};
            OK(bcemr_pop_make(&h.secrets.x, a ? &h.secrets.a : NULL, &h.pop, &h.proof, NULL));
            assert_int_equal(h.proof.n, 48 + (a ? 64 : 0));
            bool right = r == 3 ? !a && !a_named : a && a_named;
            check_pop(&h, right ? BCEMR_VALID : BCEMR_BAD_POP);
            h.proof.n--;
            check_pop(&h, BCEMR_BAD_POP);
            bcemr_buf_free(&h.proof);
        }
}

static void pop_undecided(void **state)
{
    (void)state;
    holder h;
    bcemr_error err;
    make_holder(&h, "cloud");
    OK(bcemr_pop_make(&h.secrets.x, &h.secrets.a, &h.pop, &h.proof, NULL));
    bcemr_tr_pop pop = h.pop;
    h.pop.x = g2_identity();
    assert_int_equal(bcemr_pop_check(context, &h.pop, bcemr_buf_span(&h.proof), &err),
                     BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_POINT_IDENTITY);
    assert_string_equal(err.field, "x");
    h.pop = pop;
    h.pop.role = bcemr_text("");
    assert_int_equal(bcemr_pop_check(context, &h.pop, bcemr_buf_span(&h.proof), &err),
                     BCEMR_UNDECIDED);
    assert_int_equal(err.status, BCEMR_E_ABSENT);
    h.pop = pop;
    bcemr_switch_fail_allocation(1);
    assert_int_equal(bcemr_pop_check(context, &h.pop, bcemr_buf_span(&h.proof), NULL),
                     BCEMR_UNDECIDED);
    bcemr_switch_fail_allocation(0);
    h.proof.p[0] ^= 1;
    check_pop(&h, BCEMR_BAD_POP);
    bcemr_switch_off(BCEMR_BAD_POP);
    check_pop(&h, BCEMR_VALID);
    bcemr_buf_free(&h.proof);
}

/* ---- credentials ---- */

static bcemr_tr_cred make_cred(const bcemr_publics *publics)
{
    return (bcemr_tr_cred){.ledger = random_hash(),
                           .doctor = bcemr_text("dr. who"),
                           .hospital = bcemr_text("St. Anna"),
                           .x = publics->x,
                           .a = publics->a,
                           .e = publics->e,
                           .box = publics->box,
                           .not_before = 1000,
                           .not_after = 2000};
}

static void credentials(void **state)
{
    (void)state;
    bcemr_secret_scalar s = random_scalar(), s2 = random_scalar();
    bcemr_g2 authority, other;
    bcemr_secrets secrets;
    bcemr_publics publics;
    bcemr_g1_raw credential, bad;
    bcemr_error err;
    bcemr_g2_from_secret(&s, &authority);
    bcemr_g2_from_secret(&s2, &other);
    OK(bcemr_secrets_random(&secrets));
    bcemr_secrets_publics(&secrets, &publics);
    bcemr_tr_cred cred = make_cred(&publics), changed[9];
    OK(bcemr_credential_make(&s, &cred, &credential, NULL));
    VALID(bcemr_credential_check(context, &authority, &cred, &credential, NULL));
    assert_int_equal(bcemr_credential_check(context, &other, &cred, &credential, &err),
                     BCEMR_BAD_CREDENTIAL);
    assert_int_equal(err.verdict, BCEMR_BAD_CREDENTIAL);
    for (unsigned i = 0; i < COUNT(changed); i++)
        changed[i] = cred;
    changed[0].ledger.b[3] ^= 1;
    changed[1].doctor = bcemr_text("dr. whom");
    changed[2].hospital = bcemr_text("St. Anne");
    changed[3].x.b[95] ^= 1;
    changed[4].a.b[0] ^= 1;
    changed[5].e = cred.box; /* swapped */
    changed[5].box = cred.e;
    changed[6].box.b[31] ^= 1;
    changed[7].not_before++;
    changed[8].not_after++;
    for (unsigned i = 0; i < COUNT(changed); i++)
        assert_int_equal(
            bcemr_credential_check(context, &authority, &changed[i], &credential, NULL),
            BCEMR_BAD_CREDENTIAL);
    bad = g1_plus_small(&credential);
    assert_int_equal(bcemr_credential_check(context, &authority, &cred, &bad, NULL),
                     BCEMR_BAD_CREDENTIAL);
    bad = g1_identity();
    assert_int_equal(bcemr_credential_check(context, &authority, &cred, &bad, NULL),
                     BCEMR_BAD_CREDENTIAL);
    changed[0] = cred;
    changed[0].doctor = bcemr_text("");
    assert_int_equal(bcemr_credential_check(context, &authority, &changed[0], &credential, &err),
                     BCEMR_UNDECIDED);
    assert_int_not_equal(err.status, BCEMR_OK);
    assert_int_not_equal(bcemr_credential_make(&s, &changed[0], &bad, &err), BCEMR_OK);
    assert_true(all_zero(&bad, sizeof bad));
    bcemr_switch_off(BCEMR_BAD_CREDENTIAL);
    VALID(bcemr_credential_check(context, &other, &cred, &credential, NULL));
}

/* ---- the Schnorr proof ---- */

static void refuse_pok(const bcemr_g1_raw *pkv, bcemr_span message, const bcemr_pok_raw *proof)
{
    bcemr_error err;
    assert_int_equal(bcemr_pok_check(pkv, message, proof, &err), BCEMR_BAD_ACCEPTANCE_PROOF);
    assert_int_equal(err.verdict, BCEMR_BAD_ACCEPTANCE_PROOF);
}

static void schnorr(void **state)
{
    (void)state;
    uint8_t text[] = "the ticket that is accepted";
    const bcemr_span message = {text, sizeof text};
    bcemr_secret_scalar xv = random_scalar(), xw = random_scalar();
    bcemr_g1_raw pkv = g1_of(&xv), pkw = g1_of(&xw), odd;
    bcemr_pok_raw proof, again, bad;
    OK(bcemr_pok_make(&xv, &pkv, message, &proof, NULL));
    OK(bcemr_pok_make(&xv, &pkv, message, &again, NULL));
    VALID(bcemr_pok_check(&pkv, message, &proof, NULL));
    VALID(bcemr_pok_check(&pkv, message, &again, NULL));
    assert_memory_not_equal(proof.commitment.b, again.commitment.b, 48);
    refuse_pok(&pkw, message, &proof);
    OK(bcemr_pok_make(&xw, &pkv, message, &bad, NULL)); /* without knowing xv */
    refuse_pok(&pkv, message, &bad);
    for (unsigned i = 0; i < 80; i++) {
        uint8_t *b = i < 48 ? &bad.commitment.b[i] : &bad.response.b[i - 48];
        bad = proof;
        *b ^= 1;
        refuse_pok(&pkv, message, &bad);
    }
    bad = proof;
    bad.commitment = again.commitment;
    refuse_pok(&pkv, message, &bad);
    bad = proof;
    memset(&bad.response, 0, sizeof bad.response);
    refuse_pok(&pkv, message, &bad);
    bad = proof;
    memset(&bad.response, 0xff, sizeof bad.response);
    refuse_pok(&pkv, message, &bad);
    bad = proof;
    bad.commitment = g1_identity();
    refuse_pok(&pkv, message, &bad);
    bad.commitment = g1_plus_small(&proof.commitment);
    refuse_pok(&pkv, message, &bad);
    odd = g1_plus_small(&pkv);
    refuse_pok(&odd, message, &proof);
    odd = g1_identity(); /* any proof with z g1 = Rk would do for it */
    memcpy(bad.response.b, xw.b, 32);
    bad.commitment = pkw;
    refuse_pok(&odd, message, &bad);
    text[3] ^= 1;
    refuse_pok(&pkv, message, &proof);
    text[3] ^= 1;
    assert_int_equal(bcemr_pok_check(&pkv, (bcemr_span){NULL, 0}, &proof, NULL), BCEMR_UNDECIDED);
    assert_int_not_equal(bcemr_pok_make(&xv, &pkv, (bcemr_span){NULL, 0}, &bad, NULL), BCEMR_OK);
    assert_true(all_zero(&bad, sizeof bad));
    bcemr_switch_off(BCEMR_BAD_ACCEPTANCE_PROOF);
    VALID(bcemr_pok_check(&pkw, message, &proof, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed_keys),
        cmocka_unit_test(ed_signatures),
        cmocka_unit_test(ed_small_order_key),
        cmocka_unit_test(ed_values),
        cmocka_unit_test(x25519_keys),
        cmocka_unit_test(secrets_of_a_seed),
        cmocka_unit_test(secrets_drawn),
        cmocka_unit_test_teardown(secrets_without_memory, switches_on),
        cmocka_unit_test(bls_signatures),
        cmocka_unit_test(pop_of_a_hospital),
        cmocka_unit_test(pop_by_halves),
        cmocka_unit_test_teardown(pop_undecided, switches_on),
        cmocka_unit_test_teardown(credentials, switches_on),
        cmocka_unit_test_teardown(schnorr, switches_on),
    };
    return cmocka_run_group_tests_name("core/keys", tests, make_context, free_context);
}
