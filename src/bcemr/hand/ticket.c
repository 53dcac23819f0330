/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ticket`: the hospital registers a patient, the patient accepts (section 3). */
#include "bcemr/hand/hand.h"

#include <bcemr/hash.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS 3600000LL
/* Where there is no ledger its id is the hash of this text, so that nothing made by hand is good on
 * a ledger. */
#define NO_LEDGER "BCEMR-V1 by hand: no ledger"

/* Both sides of a registration. */
typedef struct registration {
    keyfile *hospital;
    keyfile *patient;
    bcemr_secrets secrets; /* the hospital's */
    bcemr_visit_keys keys; /* the patient's, of this visit */
    hand_secret *identity;
    bcemr_nonce r2;
    hand_holder team[BCEMR_TEAM_MAX];
    hand_holder clouds[BCEMR_CLOUDS_MAX];
    bcemr_tr_team_doctor rows[BCEMR_TEAM_MAX];
    bcemr_span cloud_ids[BCEMR_CLOUDS_MAX];
    bcemr_buf ticket; /* V */
    bcemr_hash vid;
    bcemr_tr_acceptance acceptance;
    bcemr_ed_signature signature; /* sigma_V */
} registration;

static void registration_free(registration *g)
{
    if (!g)
        return;
    for (uint64_t i = 0; i < BCEMR_TEAM_MAX; i++)
        hand_holder_free(&g->team[i]);
    for (uint64_t i = 0; i < BCEMR_CLOUDS_MAX; i++)
        hand_holder_free(&g->clouds[i]);
    bcemr_buf_free(&g->ticket);
    hand_secret_free(g->identity);
    if (g->hospital)
        keyfile_free(g->hospital);
    if (g->patient)
        keyfile_free(g->patient);
    bcemr_release_wiped(g, sizeof *g);
}

static bcemr_status parse_ledger(hand *h, bcemr_hash *out)
{
    const char *text = h->o->ledger;
    if (!text) {
        bcemr_sha256(bcemr_text(NO_LEDGER), out);
        return BCEMR_OK;
    }
    if (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
        return hand_misuse(h, "--ledger takes 64 lower-case hexadecimal digits");
    for (size_t i = 0; i < 32; i++) {
        const char pair[3] = {text[2 * i], text[2 * i + 1], 0};
        out->b[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return BCEMR_OK;
}

static bcemr_status read_people(hand *h, registration *g)
{
    bcemr_status status = BCEMR_OK;
    const hand_options *o = h->o;
    if (o->doctors.count > BCEMR_TEAM_MAX || o->clouds.count > BCEMR_CLOUDS_MAX)
        return hand_misuse(h, "at most %d doctors and %d clouds", BCEMR_TEAM_MAX, BCEMR_CLOUDS_MAX);
    for (uint64_t i = 0; i < o->doctors.count; i++) {
        HAND(hand_holder_read(h, o->doctors.items[i], BCEMR_key_role_DOCTOR, &g->team[i]));
        g->rows[i] = (bcemr_tr_team_doctor){.doctor = g->team[i].part.id,
                                            .x = g->team[i].part.x,
                                            .e = hand_holder_e(&g->team[i]),
                                            .deadline = h->now + (int64_t)(i + 1) *
                                                                     (int64_t)o->hours * HOUR_MS};
    }
    for (uint64_t i = 0; i < o->clouds.count; i++) {
        HAND(hand_holder_read(h, o->clouds.items[i], BCEMR_key_role_CLOUD, &g->clouds[i]));
        g->cloud_ids[i] = g->clouds[i].part.id;
    }
    HAND(hand_secret_ask(h, o->identity, "identity", "patient's identity", false, g->identity));
    HAND(hand_keys_open(h, o->keys, BCEMR_key_role_HOSPITAL, o->passphrase, "passphrase-file",
                        &g->hospital));
    HAND_AT(keyfile_secrets(g->hospital, &g->secrets), "key file", NULL);
    HAND(hand_keys_open(h, o->patient, BCEMR_key_role_PATIENT, o->patient_passphrase,
                        "patient-passphrase-file", &g->patient));
out:
    return status;
}

/* V as the hospital writes it. */
static bcemr_status write_ticket(hand *h, const bcemr_hash *ledger, registration *g)
{
    bcemr_status status = BCEMR_OK;
    const bcemr_span hospital = bcemr_span_of(g->hospital->id, g->hospital->id_length);
    const bcemr_tr_pid pid = {hospital, bcemr_span_of(g->identity->b, g->identity->n), g->keys.r,
                              g->r2};
    const uint64_t clouds = h->o->clouds.count;
    bcemr_tr_visit v = {.ledger = *ledger,
                        .hospital = hospital,
                        .clouds = BCEMR_LIST_OF(g->cloud_ids, clouds),
                        .u = clouds > 1 ? clouds - 1 : 1,
                        .pkv = g->keys.pkv,
                        .av = g->keys.av_public,
                        .team = BCEMR_LIST_OF(g->rows, h->o->doctors.count),
                        .issued = h->now};
    HAND(bcemr_pseudonym(&pid, &v.pid, &h->error));
    HAND(bcemr_write_visit(&v, &g->ticket, &h->error));
    bcemr_sha256(bcemr_buf_span(&g->ticket), &g->vid);
    bcemr_ed_sign(&g->secrets.a, bcemr_buf_span(&g->ticket), &g->signature);
out:
    return status;
}

/* What the patient sees to before accepting: the order holds together, and it is their keys. */
static bcemr_status accept(hand *h, registration *g)
{
    bcemr_status status = BCEMR_OK;
    bcemr_tr_visit v;
    bcemr_order *order = bcemr_allocate(sizeof *order);
    if (!order)
        HAND_FAIL(BCEMR_E_NO_MEMORY, "ticket", NULL);
    HAND_VALID(bcemr_order_begin(bcemr_buf_span(&g->ticket), order, &h->error), "ticket", "team");
    HAND(bcemr_read_visit(bcemr_buf_span(&g->ticket), &v, &h->error));
    HAND(bcemr_acceptance_make(&g->keys, &g->vid, &g->acceptance, &h->error));
    HAND_VALID(bcemr_acceptance_check(&v, &g->vid, &g->acceptance, &h->error), "acceptance", NULL);
out:
    bcemr_release(order);
    return status;
}

static bcemr_status write_files(hand *h, const bcemr_hash *ledger, const registration *g)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf visit = BCEMR_BUF_EMPTY, intake = BCEMR_BUF_EMPTY, acceptance = BCEMR_BUF_EMPTY;
    hand_outputs outputs = {0};
    const bcemr_tr_intake in = {
        .identity = bcemr_span_of(g->identity->b, g->identity->n), .r = g->keys.r, .r2 = g->r2};
    HAND(bcemr_write_intake(&in, &intake, &h->error));
    HAND(bcemr_write_acceptance(&g->acceptance, &acceptance, &h->error));
    const bcemr_tr_e_admit admit = {*ledger, bcemr_buf_span(&g->ticket), g->signature,
                                    bcemr_buf_span(&acceptance)};
    HAND(hand_visit_append(h, NULL, &bcemr_type_e_admit, &admit, h->now, &visit));
    HAND(hand_output_bytes(h, &outputs, h->o->out, ".intake", bcemr_buf_span(&intake)));
    HAND(hand_output_bytes(h, &outputs, h->o->out, "", bcemr_buf_span(&visit)));
    HAND(hand_output_commit(h, &outputs));
out:
    hand_output_free(&outputs);
    bcemr_buf_free(&visit);
    bcemr_buf_free(&intake);
    bcemr_buf_free(&acceptance);
    return status;
}

static void tell(hand *h, const registration *g)
{
    static const char *const unchecked[] = {"that the doctors are enrolled",
                                            "that hospital and clouds are in the supernode set",
                                            "that the visit's keys are unused", NULL};
    char hex[65], intake[1100];
    (void)snprintf(intake, sizeof intake, "%.1000s.intake", h->o->out);
    report_line(&h->r, "%s's ticket for %u doctor%s, accepted by the patient, in %s",
                hand_name(bcemr_span_of(g->hospital->id, g->hospital->id_length)),
                (unsigned)h->o->doctors.count, h->o->doctors.count == 1 ? "" : "s",
                hand_name(bcemr_text(h->o->out)));
    report_line(&h->r, "  visit %s", report_hex(g->vid.b, 32, hex));
    report_line(&h->r, "  %s says who the patient is: for the team alone",
                hand_name(bcemr_text(intake)));
    report_json_hash(&h->json, NULL, "vid", &g->vid);
    report_json_text(&h->json, NULL, "visit", h->o->out);
    report_json_text(&h->json, NULL, "intake", intake);
    hand_unchecked(h, unchecked);
}

static bcemr_status work(hand *h)
{
    bcemr_status status = BCEMR_OK;
    bcemr_hash ledger;
    bcemr_seed seed = {{0}};
    registration *g = bcemr_allocate(sizeof *g);
    hand_doing(h, "make the ticket");
    if (!g || !(g->identity = hand_secret_new()))
        HAND_FAIL(BCEMR_E_NO_MEMORY, "ticket", NULL);
    HAND(parse_ledger(h, &ledger));
    HAND(read_people(h, g));
    hand_doing(h, "make the ticket");
    memcpy(seed.b, g->patient->secret, sizeof seed.b);
    HAND_AT(bcemr_visit_keys_derive(&seed, &ledger, h->o->number, &g->keys), "wallet", "visit");
    bcemr_random(g->r2.b, sizeof g->r2.b);
    HAND(write_ticket(h, &ledger, g));
    HAND(accept(h, g));
    HAND(write_files(h, &ledger, g));
    tell(h, g);
out:
    bcemr_wipe(&seed, sizeof seed);
    registration_free(g);
    return status;
}

int hand_ticket(const void *options)
{
    return hand_run(options, work);
}
