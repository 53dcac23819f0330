/* SPDX-License-Identifier: Apache-2.0 */
/* What the roles stand on: the signer's list, the outbox, the store. */
#include "server/server_test.h"

#include "server/common.h"

static clinic c;

static int play(void **state)
{
    (void)state;
    clinic_play(&c, CLINIC_ADMITTED);
    return 0;
}

static int end(void **state)
{
    (void)state;
    clinic_end(&c);
    return 0;
}

/* ---- signer ---- */

/* Tr("entry") with this role over an entry of this kind. */
static void entry_message(const char *role, const bcemr_type *type, const void *value,
                          bcemr_buf *out)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_buf_clear(out);
    must(bcemr_write(type, value, &entry, NULL));
    must(bcemr_entry_message(role, bcemr_buf_span(&entry), out, NULL));
    bcemr_buf_free(&entry);
}

static bcemr_status ask(uint64_t node, const bcemr_buf *message)
{
    bcemr_ed_signature signature;
    const server_signer *s = &c.nodes[node].signer;
    return s->sign(s->user, bcemr_buf_span(message), &signature, NULL);
}

static void signs_only_what_is_on_its_list(void **state)
{
    (void)state;
    bcemr_buf m = BCEMR_BUF_EMPTY;
    const bcemr_tr_e_abort abort_entry = {c.consortium.ledger, c.vid, BCEMR_abort_reason_OTHER};
    const bcemr_tr_e_erase erase_entry = {
        c.consortium.ledger, c.vid, c.nodes[CLOUD_1].id, BCEMR_asker_PATIENT, {{0}}};
    const bcemr_tr_e_retire retire = {c.consortium.ledger, c.doctors[0].id,
                                      server_hash_span(&c.vid)};
    const bcemr_tr_host host = {c.consortium.ledger, c.vid, c.nodes[CLOUD_1].id};
    const bcemr_tr_terms terms = {c.consortium.ledger, c.vid};
    entry_message("hospital", &bcemr_type_e_abort, &abort_entry, &m);
    assert_status(ask(HOSPITAL_1, &m), BCEMR_OK);
    assert_status(ask(CLOUD_1, &m), BCEMR_E_ARGUMENT);
    entry_message("cloud", &bcemr_type_e_abort, &abort_entry, &m);
    assert_status(ask(HOSPITAL_1, &m), BCEMR_E_ARGUMENT);
    assert_status(ask(CLOUD_1, &m), BCEMR_E_ARGUMENT);
    entry_message("cloud", &bcemr_type_e_erase, &erase_entry, &m);
    assert_status(ask(CLOUD_1, &m), BCEMR_OK);
    entry_message("authority", &bcemr_type_e_retire, &retire, &m);
    assert_status(ask(HOSPITAL_1, &m), BCEMR_E_ARGUMENT);
    bcemr_buf_clear(&m);
    must(bcemr_write_host(&host, &m, NULL));
    assert_status(ask(HOSPITAL_1, &m), BCEMR_OK);
    assert_status(ask(CLOUD_1, &m), BCEMR_E_ARGUMENT);
    m.n--; /* no transcript any more */
    assert_status(ask(HOSPITAL_1, &m), BCEMR_E_ARGUMENT);
    bcemr_buf_clear(&m);
    must(bcemr_write_terms(&terms, &m, NULL));
    assert_status(ask(HOSPITAL_1, &m), BCEMR_E_ARGUMENT);
    bcemr_buf_free(&m);
}

static void confirms_and_votes_only_on_their_kinds(void **state)
{
    (void)state;
    bcemr_g1_raw out;
    bcemr_buf m = BCEMR_BUF_EMPTY, plain = BCEMR_BUF_EMPTY;
    const server_signer *h = &c.nodes[HOSPITAL_1].signer, *k = &c.nodes[CLOUD_1].signer;
    const bcemr_tr_e_abort abort_entry = {c.consortium.ledger, c.vid, BCEMR_abort_reason_OTHER};
    bcemr_group_keys keys;
    bcemr_x25519_secret once = {{1}};
    const bcemr_tr_group transcript = {0};
    entry_message("set", &bcemr_type_e_abort, &abort_entry, &m);
    assert_status(h->vote(h->user, bcemr_buf_span(&m), &out, NULL), BCEMR_E_ARGUMENT);
    assert_status(h->confirm(h->user, bcemr_buf_span(&m), &out, NULL), BCEMR_E_ARGUMENT);
    assert_status(k->group_keys(k->user, &once, &transcript, &keys, NULL), BCEMR_E_ARGUMENT);
    assert_status(k->unseal(k->user, bcemr_buf_span(&m), BCEMR_BAD_WRAPPED, &plain, NULL),
                  BCEMR_E_ARGUMENT);
    entry_message("authority", &bcemr_type_e_abort, &abort_entry, &m);
    assert_status(c.authority.signer.entry(c.authority.signer.user, bcemr_buf_span(&m), &out, NULL),
                  BCEMR_E_ARGUMENT);
    const bcemr_tr_pop pop = {
        .ledger = c.consortium.ledger, .role = bcemr_text("hospital"), .x = c.consortium.p};
    assert_status(c.authority.signer.pop(c.authority.signer.user, &pop, &plain, NULL),
                  BCEMR_E_ARGUMENT);
    bcemr_buf_free(&m);
    bcemr_buf_free(&plain);
}

static void opens_boxes_to_the_hospital(void **state)
{
    (void)state;
    bcemr_buf box = BCEMR_BUF_EMPTY, plain = BCEMR_BUF_EMPTY;
    const server_signer *h = &c.nodes[HOSPITAL_1].signer;
    bcemr_error err = {0};
    must(bcemr_sealed_box(&c.consortium.nodes[HOSPITAL_1].publics.box, bcemr_text("for you"), &box,
                          NULL));
    assert_status(h->unseal(h->user, bcemr_buf_span(&box), BCEMR_BAD_WRAPPED, &plain, NULL),
                  BCEMR_OK);
    assert_true(bcemr_span_equal(bcemr_buf_span(&plain), bcemr_text("for you")));
    box.p[0] ^= 1;
    assert_refused(h->unseal(h->user, bcemr_buf_span(&box), BCEMR_BAD_WRAPPED, &plain, &err), err,
                   BCEMR_BAD_WRAPPED);
    bcemr_buf_free(&box);
    bcemr_buf_free(&plain);
}

/* ---- outbox ---- */

static void make_entry(uint8_t n, bcemr_buf *out, bcemr_hash *name)
{
    bcemr_signed_parts parts;
    const bcemr_tr_e_abort entry = {c.consortium.ledger, {{n}}, BCEMR_abort_reason_OTHER};
    bcemr_buf_clear(out);
    must(bcemr_signed_make_value(&bcemr_type_e_abort, &entry, NULL, 0, out, NULL));
    must(bcemr_signed_read(bcemr_buf_span(out), &parts, NULL));
    *name = parts.entry_hash;
}

static server_outbox_state state_of(const server_outbox *o, const bcemr_hash *name,
                                    uint32_t *reason)
{
    server_outbox_state state;
    must(o->state(o->user, name, &state, reason));
    return state;
}

static void sends_until_it_is_in(void **state)
{
    (void)state;
    server_memory_outbox *box = NULL;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_hash one, two;
    bcemr_span waiting;
    uint32_t reason = 0;
    must(server_memory_outbox_new(&box));
    const server_outbox o = server_memory_outbox_interface(box);
    assert_status(server_memory_outbox_next(box, &waiting), BCEMR_E_NOT_FOUND);
    make_entry(1, &entry, &one);
    assert_int_equal(state_of(&o, &one, &reason), SERVER_OUTBOX_UNKNOWN);
    must(o.put(o.user, bcemr_buf_span(&entry), NULL));
    must(o.put(o.user, bcemr_buf_span(&entry), NULL)); /* once is enough */
    make_entry(2, &entry, &two);
    must(o.put(o.user, bcemr_buf_span(&entry), NULL));
    assert_int_equal(state_of(&o, &one, &reason), SERVER_OUTBOX_WAITING);
    server_memory_outbox_done(box, BCEMR_E_REFUSED, 42);
    assert_int_equal(state_of(&o, &one, &reason), SERVER_OUTBOX_REFUSED);
    assert_int_equal(reason, 42);
    server_memory_outbox_done(box, BCEMR_OK, 0);
    assert_int_equal(state_of(&o, &two, &reason), SERVER_OUTBOX_IN);
    must(o.put(o.user, bcemr_buf_span(&entry), NULL)); /* it is in: nothing to send */
    assert_status(server_memory_outbox_next(box, &waiting), BCEMR_E_NOT_FOUND);
    make_entry(1, &entry, &one);
    must(o.put(o.user, bcemr_buf_span(&entry), NULL)); /* refused: it waits anew */
    assert_int_equal(state_of(&o, &one, &reason), SERVER_OUTBOX_WAITING);
    assert_int_not_equal(o.put(o.user, bcemr_text("no entry"), NULL), BCEMR_OK);
    server_memory_outbox_free(box);
    bcemr_buf_free(&entry);
}

static void forgets_what_ended_but_nothing_that_waits(void **state)
{
    (void)state;
    server_memory_outbox *box = NULL;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_hash first, last;
    bcemr_span waiting;
    uint32_t reason = 0;
    must(server_memory_outbox_new(&box));
    server_memory_outbox_limit(box, 4);
    const server_outbox o = server_memory_outbox_interface(box);
    make_entry(0, &entry, &first);
    for (uint8_t n = 1; n < 50; n++) {
        make_entry(n, &entry, &last);
        assert_status(o.put(o.user, bcemr_buf_span(&entry), NULL), BCEMR_OK);
        server_memory_outbox_done(box, n % 2 ? BCEMR_E_REFUSED : BCEMR_OK, 42);
        assert_int_equal(state_of(&o, &last, &reason),
                         n % 2 ? SERVER_OUTBOX_REFUSED : SERVER_OUTBOX_IN);
        if (n == 1)
            first = last;
    }
    assert_int_equal(state_of(&o, &first, &reason), SERVER_OUTBOX_UNKNOWN);
    for (uint8_t n = 50; n < 54; n++) {
        make_entry(n, &entry, &last);
        assert_status(o.put(o.user, bcemr_buf_span(&entry), NULL), BCEMR_OK);
    }
    make_entry(54, &entry, &first);
    assert_status(o.put(o.user, bcemr_buf_span(&entry), NULL), BCEMR_E_TOO_MANY);
    for (uint8_t n = 0; n < 4; n++) {
        assert_status(server_memory_outbox_next(box, &waiting), BCEMR_OK);
        server_memory_outbox_done(box, BCEMR_OK, 0);
    }
    assert_int_equal(state_of(&o, &last, &reason), SERVER_OUTBOX_IN);
    server_memory_outbox_free(box);
    bcemr_buf_free(&entry);
}

static bcemr_status lost(void *user, bcemr_span signed_entry, bcemr_error *err)
{
    (void)user;
    (void)signed_entry;
    (void)err;
    return BCEMR_E_IO;
}

static void keeps_what_could_not_be_sent(void **state)
{
    (void)state;
    server_memory_outbox *box = NULL;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    bcemr_hash one;
    bcemr_span waiting;
    uint64_t refused = 9;
    must(server_memory_outbox_new(&box));
    const server_outbox o = server_memory_outbox_interface(box);
    make_entry(1, &entry, &one);
    must(o.put(o.user, bcemr_buf_span(&entry), NULL));
    assert_status(server_memory_outbox_send(box, lost, NULL, &refused, NULL), BCEMR_E_IO);
    assert_int_equal(refused, 0);
    assert_status(server_memory_outbox_next(box, &waiting), BCEMR_OK);
    assert_true(bcemr_span_equal(waiting, bcemr_buf_span(&entry)));
    server_memory_outbox_free(box);
    bcemr_buf_free(&entry);
}

/* ---- store ---- */

static bcemr_status put(const server_store *s, const char *name, const char *text)
{
    const bcemr_span bytes = bcemr_text(text);
    const bcemr_source source = bcemr_source_bytes(&bytes);
    return server_store_put(s, name, &source, NULL);
}

static void assert_holds(const server_store *s, const char *name, const char *text)
{
    bcemr_source source;
    uint8_t out[64];
    must(s->open(s->user, name, &source, NULL));
    assert_int_equal(source.length, strlen(text));
    must(source.read(source.user, 0, out, source.length));
    assert_memory_equal(out, text, strlen(text));
    assert_status(source.read(source.user, 1, out, source.length), BCEMR_E_ARGUMENT);
    s->close(s->user, &source);
}

static void objects_appear_whole_or_not_at_all(void **state)
{
    (void)state;
    server_memory_store *memory = NULL;
    bcemr_source source, old;
    bcemr_sink sink;
    void *writing = NULL;
    uint8_t out[8];
    must(server_memory_store_new(&memory));
    const server_store s = server_memory_store_interface(memory);
    assert_status(put(&s, "UPPER", "x"), BCEMR_E_ARGUMENT);
    assert_status(put(&s, "", "x"), BCEMR_E_ARGUMENT);
    assert_status(put(&s, "a/b", "x"), BCEMR_E_ARGUMENT);
    must(s.begin(s.user, "one", &sink, &writing, NULL));
    must(sink.write(sink.user, bcemr_text("abc")));
    assert_status(s.open(s.user, "one", &source, NULL), BCEMR_E_NOT_FOUND);
    must(s.finish(s.user, writing, false, NULL));
    assert_status(s.open(s.user, "one", &source, NULL), BCEMR_E_NOT_FOUND);
    assert_status(put(&s, "one", "abc"), BCEMR_OK);
    must(s.open(s.user, "one", &old, NULL));
    assert_status(put(&s, "one", "other"), BCEMR_OK);
    assert_holds(&s, "one", "other");
    must(s.remove(s.user, "one", NULL));
    must(s.remove(s.user, "one", NULL));
    must(old.read(old.user, 0, out, 3)); /* readable until closed */
    assert_memory_equal(out, "abc", 3);
    s.close(s.user, &old);
    assert_int_equal(server_memory_store_count(memory), 0);
    server_memory_store_free(memory);
}

static void the_store_can_fail_both_ways(void **state)
{
    (void)state;
    server_memory_store *memory = NULL;
    must(server_memory_store_new(&memory));
    const server_store s = server_memory_store_interface(memory);
    server_memory_store_fail(memory, 2, false);
    assert_status(put(&s, "one", "a"), BCEMR_OK);
    assert_status(put(&s, "one", "b"), BCEMR_E_IO);
    assert_holds(&s, "one", "a");
    server_memory_store_fail(memory, 1, true);
    assert_status(put(&s, "one", "c"), BCEMR_E_IO);
    assert_holds(&s, "one", "c");
    server_memory_store_free(memory);
}

#define ADMITTED(test) cmocka_unit_test_setup_teardown(test, play, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADMITTED(signs_only_what_is_on_its_list),
        ADMITTED(confirms_and_votes_only_on_their_kinds),
        ADMITTED(opens_boxes_to_the_hospital),
        ADMITTED(sends_until_it_is_in),
        ADMITTED(forgets_what_ended_but_nothing_that_waits),
        ADMITTED(keeps_what_could_not_be_sent),
        ADMITTED(objects_appear_whole_or_not_at_all),
        ADMITTED(the_store_can_fail_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
