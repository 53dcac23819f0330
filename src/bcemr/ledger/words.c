/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in plain words: who did what. */
#include "bcemr/ledger/book.h"

#include <bcemr/hash.h>
#include <inttypes.h>
#include <string.h>

typedef struct saying {
    const ledger_chain *chain;
    const bcemr_leaf_parts *leaf;
    bcemr_span entry;
    char *out;
    size_t n;
} saying;

static void say(const saying *s, const char *format, ...) REPORT_FORMAT(2, 3);
static void say(const saying *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(s->out, s->n, format, arguments);
    va_end(arguments);
}

static bcemr_span bytes_of(const bcemr_hash *hash)
{
    return bcemr_span_of(hash->b, sizeof hash->b);
}

/* "patient left": a value of a table in small letters. */
static const char *value_text(const char *table, uint64_t number)
{
    const char *text = bcemr_value_text(table, number);
    return text ? text : "unknown";
}

/* Who signed a row of this role first, "" for nobody. */
static const char *signer_of(const saying *s, const char *role)
{
    bcemr_tr_signer row;
    bcemr_iter iter = bcemr_list_begin(&bcemr_type_signer, &s->leaf->parts.signers);
    while (bcemr_list_next(&iter, &row))
        if (bcemr_span_equal(row.role, bcemr_text(role)))
            return book_name(row.who);
    return "";
}

/* ---- sets ---- */

static void say_genesis(const saying *s)
{
    bcemr_tr_genesis e;
    if (bcemr_read_genesis(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "the ledger begins with %" PRIu64 " supernodes, rule version %" PRIu64,
            e.members.count, e.rules);
}

static void say_join(const saying *s)
{
    bcemr_tr_e_join e;
    bcemr_tr_member m;
    if (bcemr_read_e_join(s->entry, &e, NULL) == BCEMR_OK &&
        bcemr_read_member(e.member, &m, NULL) == BCEMR_OK)
        say(s, "%s %s joined the supernodes, which are set %" PRIu64 " now",
            bcemr_role_name(m.role), book_name(m.id), e.number);
}

static void say_leave(const saying *s)
{
    bcemr_tr_e_leave e;
    bcemr_tr_member m;
    if (bcemr_read_e_leave(s->entry, &e, NULL) == BCEMR_OK &&
        bcemr_read_member(e.member, &m, NULL) == BCEMR_OK)
        say(s, "%s %s left the supernodes, which are set %" PRIu64 " now", bcemr_role_name(m.role),
            book_name(m.id), e.number);
}

static void say_rekey(const saying *s)
{
    bcemr_tr_e_rekey e;
    bcemr_tr_member m;
    if (bcemr_read_e_rekey(s->entry, &e, NULL) == BCEMR_OK &&
        bcemr_read_member(e.member, &m, NULL) == BCEMR_OK)
        say(s, "%s %s changed its keys%s: set %" PRIu64, bcemr_role_name(m.role), book_name(m.id),
            e.lost == BCEMR_yes_no_YES ? ", the old one lost" : "", e.number);
}

static void say_upgrade(const saying *s)
{
    bcemr_tr_e_upgrade e;
    if (bcemr_read_e_upgrade(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "rule version %" PRIu64 " holds from block %" PRIu64 " on", e.rules, e.height);
}

/* ---- enrolments ---- */

static void say_enrol(const saying *s)
{
    char until[REPORT_NUMBER];
    bcemr_tr_e_enrol e;
    if (bcemr_read_e_enrol(s->entry, &e, NULL) != BCEMR_OK)
        return;
    book_time(e.not_after, until);
    if (e.kind == BCEMR_enrol_kind_DOCTOR)
        say(s, "%s enrolled doctor %s until %s", book_name(e.hospital), book_name(e.doctor), until);
    else
        say(s, "the authority enrolled reader %s until %s", book_name(e.doctor), until);
}

static void say_retire(const saying *s)
{
    bcemr_tr_e_retire e;
    if (bcemr_read_e_retire(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "the authority retired %s", book_name(e.doctor));
}

/* ---- visits ---- */

/* The visit's hospital, as the chain knows it. */
static const char *hospital_of(const saying *s, const bcemr_hash *vid)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_visit record;
    bcemr_tr_visit visit;
    const char *name = "the hospital";
    if (s->chain && ledger_chain_visit(s->chain, vid, &held, &record, NULL) == BCEMR_OK &&
        bcemr_read_visit(record.visit, &visit, NULL) == BCEMR_OK)
        name = book_name(visit.hospital);
    bcemr_buf_free(&held);
    return name;
}

/* Who stands at a place: those who have signed stay there. */
static const char *doctor_of(const saying *s, const bcemr_hash *vid, uint64_t i)
{
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_tr_state_sign record;
    bcemr_tr_sign context;
    const char *name = "a doctor";
    if (s->chain && ledger_chain_sign(s->chain, vid, i, &held, &record, NULL) == BCEMR_OK &&
        bcemr_read_sign(record.context, &context, NULL) == BCEMR_OK)
        name = book_name(context.doctor);
    bcemr_buf_free(&held);
    return name;
}

static void say_admit(const saying *s)
{
    bcemr_tr_e_admit e;
    bcemr_tr_visit v;
    bcemr_hash vid;
    if (bcemr_read_e_admit(s->entry, &e, NULL) != BCEMR_OK ||
        bcemr_read_visit(e.visit, &v, NULL) != BCEMR_OK)
        return;
    bcemr_sha256(e.visit, &vid);
    say(s, "%s admitted visit %s: %" PRIu64 " doctors, %" PRIu64 " clouds", book_name(v.hospital),
        book_short(bytes_of(&vid)), v.team.count, v.clouds.count);
}

static void say_amend(const saying *s)
{
    bcemr_tr_e_amend e;
    bcemr_tr_amend a;
    if (bcemr_read_e_amend(s->entry, &e, NULL) == BCEMR_OK &&
        bcemr_read_amend(e.amend, &a, NULL) == BCEMR_OK)
        say(s, "%s changed the order of visit %s from doctor %" PRIu64 " on",
            hospital_of(s, &a.vid), book_short(bytes_of(&a.vid)), a.signed_count + 1);
}

static void say_sign(const saying *s)
{
    bcemr_tr_e_sign e;
    if (bcemr_read_e_sign(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "%s signed%s as doctor %" PRIu64 "%s of visit %s", doctor_of(s, &e.vid, e.i),
            e.k > 0 ? " anew" : "", e.i, e.svk.n > 0 ? ", the last," : "",
            book_short(bytes_of(&e.vid)));
}

static void say_reissue(const saying *s)
{
    bcemr_tr_e_reissue e;
    if (bcemr_read_e_reissue(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "%s%s asked %s to sign visit %s anew: %s", signer_of(s, "doctor"),
            signer_of(s, "hospital"), doctor_of(s, &e.vid, e.i), book_short(bytes_of(&e.vid)),
            value_text("reissue_reason", e.reason));
}

static void say_abort(const saying *s)
{
    bcemr_tr_e_abort e;
    if (bcemr_read_e_abort(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "%s ended visit %s without a record: %s", signer_of(s, "hospital"),
            book_short(bytes_of(&e.vid)), value_text("abort_reason", e.reason));
}

static void say_seal(const saying *s)
{
    bcemr_tr_e_seal e;
    bcemr_tr_case c;
    uint64_t clouds = 0;
    if (bcemr_read_e_seal(s->entry, &e, NULL) != BCEMR_OK ||
        bcemr_read_case(e.record_case, &c, NULL) != BCEMR_OK)
        return;
    for (uint64_t i = 1; i < 8 * e.confirmers.n; i++)
        clouds += bcemr_bitmap_get(e.confirmers, i);
    say(s, "%s and %" PRIu64 " cloud%s sealed the case of visit %s", hospital_of(s, &c.vid), clouds,
        clouds == 1 ? "" : "s", book_short(bytes_of(&c.vid)));
}

static void say_case_header(const saying *s)
{
    bcemr_tr_case_header e;
    if (bcemr_read_case_header(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "case block %" PRIu64 " holds visit %s", e.height, book_short(bytes_of(&e.vid)));
}

static void say_confirm(const saying *s)
{
    bcemr_tr_e_confirm e;
    if (bcemr_read_e_confirm(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "%s holds the record of visit %s, too", book_name(e.cloud),
            book_short(bytes_of(&e.vid)));
}

/* ---- sharing ---- */

static void say_consent(const saying *s)
{
    bcemr_tr_e_consent e;
    if (bcemr_read_e_consent(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "%s took a consent, revocable by %s", book_name(e.cloud),
            book_short(bcemr_span_of(e.revoker.b, sizeof e.revoker.b)));
}

static void say_revoke(const saying *s)
{
    bcemr_tr_e_revoke e;
    if (bcemr_read_e_revoke(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "%s revoked", book_short(bcemr_span_of(e.revoker.b, sizeof e.revoker.b)));
}

static void say_access(const saying *s)
{
    bcemr_tr_e_access e;
    if (bcemr_read_e_access(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "%s gave access %s", book_name(e.cloud),
            book_short(bcemr_span_of(e.handle.b, sizeof e.handle.b)));
}

static void say_erase(const saying *s)
{
    bcemr_tr_e_erase e;
    if (bcemr_read_e_erase(s->entry, &e, NULL) == BCEMR_OK)
        say(s, "%s erased the record of visit %s, asked by the %s", book_name(e.cloud),
            book_short(bytes_of(&e.vid)), e.by == BCEMR_asker_PATIENT ? "patient" : "hospital");
}

static const struct {
    const bcemr_type *type;
    void (*say)(const saying *);
} kinds[] = {
    {&bcemr_type_genesis, say_genesis},   {&bcemr_type_e_join, say_join},
    {&bcemr_type_e_leave, say_leave},     {&bcemr_type_e_rekey, say_rekey},
    {&bcemr_type_e_upgrade, say_upgrade}, {&bcemr_type_e_enrol, say_enrol},
    {&bcemr_type_e_retire, say_retire},   {&bcemr_type_e_admit, say_admit},
    {&bcemr_type_e_amend, say_amend},     {&bcemr_type_e_sign, say_sign},
    {&bcemr_type_e_reissue, say_reissue}, {&bcemr_type_e_abort, say_abort},
    {&bcemr_type_e_seal, say_seal},       {&bcemr_type_case_header, say_case_header},
    {&bcemr_type_e_confirm, say_confirm}, {&bcemr_type_e_consent, say_consent},
    {&bcemr_type_e_revoke, say_revoke},   {&bcemr_type_e_access, say_access},
    {&bcemr_type_e_erase, say_erase},
};

const char *const book_kinds[] = {"genesis", "Join",   "Leave",  "Rekey",       "Upgrade",
                                  "Enrol",   "Retire", "Admit",  "Amend",       "Sign",
                                  "Reissue", "Abort",  "Seal",   "case-header", "Confirm",
                                  "Consent", "Revoke", "Access", "Erase",       NULL};

char *book_entry_text(const ledger_chain *chain, const bcemr_leaf_parts *leaf, char *out, size_t n)
{
    const saying s = {chain, leaf, leaf->parts.entry, out, n};
    (void)snprintf(out, n, "%s", bcemr_type_label(leaf->parts.type));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].type == leaf->parts.type)
            kinds[i].say(&s);
    return out;
}

/* ---- which visit ---- */

/* The field vid of a type that has one, by the table of types. */
static bool field_vid(const bcemr_type *type, bcemr_span bytes, bcemr_hash *vid)
{
    bcemr_span at;
    if (!book_field(type, bytes, "vid", &at) || at.n != sizeof vid->b)
        return false;
    memcpy(vid->b, at.p, sizeof vid->b);
    return true;
}

bool book_entry_visit(const bcemr_leaf_parts *leaf, bcemr_hash *vid)
{
    static const struct {
        const bcemr_type *type;
        const char *field;
        const bcemr_type *inner;
    } nested[] = {{&bcemr_type_e_amend, "amend", &bcemr_type_amend},
                  {&bcemr_type_e_seal, "record_case", &bcemr_type_case}};
    const bcemr_type *type = leaf->parts.type;
    bcemr_span inner;
    if (type == &bcemr_type_e_admit && book_field(type, leaf->parts.entry, "visit", &inner)) {
        bcemr_sha256(inner, vid);
        return true;
    }
    for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++)
        if (nested[i].type == type && book_field(type, leaf->parts.entry, nested[i].field, &inner))
            return field_vid(nested[i].inner, inner, vid);
    return field_vid(type, leaf->parts.entry, vid);
}
