/* SPDX-License-Identifier: Apache-2.0 */
#include "support/clinic.h"

#include "client/doctor_visit.h"
#include "ledger/checkpoint/collector.h"

#include <stdio.h>
#include <string.h>

/* ---- the ledger ---- */

void clinic_checkpoint(clinic *c)
{
    static ledger_collector collector;
    bcemr_buf cosigned = BCEMR_BUF_EMPTY, answer = BCEMR_BUF_EMPTY;
    must(ledger_collector_begin_at(&collector, c->chain, c->now, 1000, true, NULL));
    for (uint64_t n = 0; n < CLINIC_NODES; n++) {
        bcemr_buf_clear(&answer);
        must(ledger_cosigner_answer(&c->nodes[n].cosigner, bcemr_buf_span(&collector.question),
                                    c->now, (bcemr_span){0}, &answer, NULL));
        must(ledger_collector_take(&collector, c->now, bcemr_buf_span(&answer), NULL));
    }
    must(ledger_collector_result(&collector, c->now + 1000, &cosigned, NULL));
    must(ledger_chain_keep_cosigned(c->chain, bcemr_buf_span(&cosigned), NULL));
    /* After its Rekey a member waits for the others'. */
    for (uint64_t n = 0; n < CLINIC_NODES; n++)
        if (collector.rows[n].part != LEDGER_PART_SIGNED)
            must(ledger_cosigner_resume(&c->nodes[n].cosigner, bcemr_buf_span(&cosigned), NULL));
    ledger_collector_free(&collector);
    bcemr_buf_free(&answer);
    bcemr_buf_free(&cosigned);
}

bcemr_status clinic_post(clinic *c, bcemr_span signed_entry)
{
    c->error = (bcemr_error){0};
    bcemr_status status = ledger_chain_submit_one(c->chain, c->now, signed_entry, NULL, &c->error);
    if (ledger_chain_tau(c->chain) > c->now)
        c->now = ledger_chain_tau(c->chain);
    return status;
}

static bcemr_status submit(void *user, bcemr_span signed_entry, bcemr_error *err)
{
    clinic *c = user;
    bcemr_status status = clinic_post(c, signed_entry);
    if (err)
        *err = c->error;
    return status;
}

bcemr_status clinic_pump(clinic *c, uint64_t node)
{
    uint64_t refused = 0, size = ledger_chain_size(c->chain);
    bcemr_error err = {0};
    must(server_memory_outbox_send(c->nodes[node].box, submit, c, &refused, &err));
    if (ledger_chain_size(c->chain) > size)
        clinic_checkpoint(c);
    for (uint64_t n = 0; n < CLINIC_NODES; n++)
        if (c->nodes[n].cloud)
            must(cloud_observe(c->nodes[n].cloud, c->now, NULL));
    c->error = err;
    return refused > 0 ? BCEMR_E_REFUSED : BCEMR_OK;
}

/* ---- beginning and end ---- */

static void start_role(clinic *c, clinic_node *node)
{
    if (node->local.role == BCEMR_role_HOSPITAL) {
        const hospital_setup setup = {.id = node->id,
                                      .context = c->consortium.context,
                                      .ledger = &c->view,
                                      .signer = &node->signer,
                                      .outbox = &node->outbox,
                                      .store = &node->store};
        must(hospital_new(&setup, &node->hospital, NULL));
    } else {
        const cloud_setup setup = {.id = node->id,
                                   .context = c->consortium.context,
                                   .ledger = &c->view,
                                   .signer = &node->signer,
                                   .outbox = &node->outbox,
                                   .store = &node->store};
        must(cloud_new(&setup, &node->cloud, NULL));
    }
}

static void start_node(clinic *c, uint64_t n)
{
    clinic_node *node = &c->nodes[n];
    consortium_node *member = &c->consortium.nodes[n];
    node->id = bcemr_text(member->id);
    node->local = (server_local_signer){&member->keys, (bcemr_role)member->row.role};
    node->signer = server_signer_local(&node->local);
    must(server_memory_outbox_new(&node->box));
    node->outbox = server_memory_outbox_interface(node->box);
    must(server_memory_store_new(&node->memory));
    node->store = server_memory_store_interface(node->memory);
    must(ledger_cosigner_begin(&node->cosigner, c->chain, node->id, node->signer.checkpoint,
                               node->signer.user, 0, NULL));
    start_role(c, node);
}

void clinic_enrol(clinic *c, uint64_t d, uint64_t hospital_node)
{
    consortium_doctor *doctor = &c->consortium.doctors[d];
    bcemr_buf pops = BCEMR_BUF_EMPTY, entry = BCEMR_BUF_EMPTY, signed_entry = BCEMR_BUF_EMPTY;
    bcemr_ed_signature signature;
    authority_wish wish = {.kind = BCEMR_enrol_kind_DOCTOR,
                           .id = bcemr_text(doctor->id),
                           .hospital = c->nodes[hospital_node].id,
                           .keys = doctor->publics,
                           .not_before = c->now - CLINIC_HOUR,
                           .not_after = c->now + 10000 * CLINIC_HOUR};
    must(authority_wish_pops(&c->consortium.ledger, &wish, &doctor->keys, &pops, NULL));
    wish.pops = bcemr_buf_span(&pops);
    must(authority_enrol(&c->authority, &c->view, &wish, &entry, NULL));
    must(hospital_countersign(c->nodes[hospital_node].hospital, bcemr_buf_span(&entry), false,
                              &signature, NULL));
    const bcemr_tr_signer row = {bcemr_text("hospital"), c->nodes[hospital_node].id,
                                 bcemr_span_of(signature.b, sizeof signature.b)};
    must(bcemr_signed_make(bcemr_buf_span(&entry), &row, 1, &signed_entry, NULL));
    must(clinic_post(c, bcemr_buf_span(&signed_entry)));
    bcemr_buf_free(&pops);
    bcemr_buf_free(&entry);
    bcemr_buf_free(&signed_entry);
}

static void make_doctor(clinic *c, uint64_t d)
{
    const consortium_doctor *doctor = &c->consortium.doctors[d];
    char text[128];
    c->doctors[d] = (bcemr_doctor){.context = c->consortium.context,
                                   .ledger = &c->view,
                                   .secrets = &doctor->keys,
                                   .publics = doctor->publics,
                                   .id = bcemr_text(doctor->id)};
    (void)snprintf(text, sizeof text, "what %s found", doctor->id);
    /* doctor-2's is long: its contribution is a stream of chunks */
    for (int i = 0; i < (d == 1 ? 10000 : 1); i++)
        must(bcemr_buf_append(&c->own[d].bytes, bcemr_text(text)));
    c->own[d].span = bcemr_buf_span(&c->own[d].bytes);
}

void clinic_begin(clinic *c)
{
    memset(c, 0, sizeof *c);
    c->now = 1700000000000;
    c->first_cloud = CLOUD_1;
    c->u = 2;
    consortium_begin(&c->consortium);
    ledger_chain_options options = {.context = c->consortium.context};
    must(ledger_state_memory(&options.state));
    must(ledger_chain_open(&c->chain, &options, bcemr_buf_span(&c->consortium.signed_genesis),
                           NULL));
    ledger_chain_view(c->chain, &c->view);
    c->authority = (authority){c->consortium.context,
                               authority_signer_local(&c->consortium.authority.x), c->consortium.p};
    for (uint64_t n = 0; n < CLINIC_NODES; n++)
        start_node(c, n);
    for (uint64_t d = 0; d < CLINIC_DOCTORS; d++) {
        clinic_enrol(c, d, d < CLINIC_TEAM ? HOSPITAL_1 : HOSPITAL_2);
        make_doctor(c, d);
    }
    clinic_checkpoint(c);
    c->wallet = (bcemr_wallet){.context = c->consortium.context, .ledger = &c->view};
    memset(c->wallet.seed.b, 7, sizeof c->wallet.seed.b);
}

void clinic_end(clinic *c)
{
    for (uint64_t d = 0; d < CLINIC_DOCTORS; d++) {
        bcemr_doctor_visit_free(c->visits[d]);
        bcemr_buf_free(&c->own[d].bytes);
        for (uint64_t p = 0; p < BCEMR_TEAM_MAX; p++)
            bcemr_buf_free(&c->parts[d][p].bytes);
    }
    for (uint64_t n = 0; n < CLINIC_NODES; n++) {
        hospital_free(c->nodes[n].hospital);
        cloud_free(c->nodes[n].cloud);
        server_memory_outbox_free(c->nodes[n].box);
        server_memory_store_free(c->nodes[n].memory);
    }
    bcemr_held_grant_free(c->held);
    bcemr_patient_grant_free(&c->grant);
    bcemr_patient_visit_free(&c->visit);
    bcemr_buf_free(&c->header);
    bcemr_buf_free(&c->payload);
    ledger_chain_close(c->chain);
    consortium_end(&c->consortium);
}

/* ---- registration ---- */

bcemr_status clinic_register(clinic *c, bcemr_buf *ticket)
{
    bcemr_buf message = BCEMR_BUF_EMPTY;
    hospital_place team[CLINIC_TEAM];
    const bcemr_span clouds[2] = {c->nodes[CLOUD_1].id, c->nodes[CLOUD_2].id};
    for (uint64_t i = 0; i < CLINIC_TEAM; i++)
        team[i] = (hospital_place){c->doctors[i].id, c->now + (8 + (int64_t)i) * CLINIC_HOUR};
    const hospital_plan plan = {team, CLINIC_TEAM, clouds + (c->first_cloud - CLOUD_1),
                                CLOUD_2 - c->first_cloud + 1, c->u};
    bcemr_patient_visit_free(&c->visit);
    must(bcemr_patient_register(&c->wallet, bcemr_text("Ann Example 1970-01-01"),
                                bcemr_text("tired"), &c->visit, &message, NULL));
    bcemr_status status = hospital_register(c->nodes[HOSPITAL_1].hospital, bcemr_buf_span(&message),
                                            &plan, c->now, ticket, &c->vid, &c->error);
    bcemr_buf_free(&message);
    return status;
}

bcemr_status clinic_admit(clinic *c)
{
    bcemr_buf ticket = BCEMR_BUF_EMPTY, acceptance = BCEMR_BUF_EMPTY;
    must(clinic_register(c, &ticket));
    must(bcemr_patient_accept(&c->wallet, &c->visit, bcemr_buf_span(&ticket), c->now, &acceptance,
                              NULL));
    must(hospital_accept(c->nodes[HOSPITAL_1].hospital, &c->vid, bcemr_buf_span(&acceptance),
                         c->now, NULL));
    bcemr_buf_free(&ticket);
    bcemr_buf_free(&acceptance);
    return clinic_pump(c, HOSPITAL_1);
}

bcemr_status clinic_join(clinic *c, uint64_t d)
{
    hospital *h = c->nodes[HOSPITAL_1].hospital;
    bcemr_buf m[6] = {{0}};
    uint64_t run = 0;
    if (!c->visits[d])
        must(bcemr_doctor_visit_new(&c->doctors[d], &c->visits[d]));
    bcemr_status status =
        hospital_group_hello(h, &c->vid, c->doctors[d].id, c->now, &run, &m[0], &c->error);
    if (status == BCEMR_OK) {
        must(bcemr_doctor_hello(c->visits[d], bcemr_buf_span(&m[0]), c->now, &m[1], NULL));
        must(hospital_group_server(h, run, bcemr_buf_span(&m[1]), c->now, &m[2], NULL));
        must(bcemr_doctor_prove(c->visits[d], bcemr_buf_span(&m[2]), c->now, &m[3], NULL));
        must(hospital_group_key(h, run, bcemr_buf_span(&m[3]), c->now, &m[4], NULL));
        must(bcemr_doctor_group_key(c->visits[d], bcemr_buf_span(&m[4]), c->now, NULL));
        must(hospital_intake(h, &c->vid, c->doctors[d].id, &m[5], NULL));
        must(bcemr_doctor_intake(c->visits[d], bcemr_buf_span(&m[5]), NULL));
    }
    for (int i = 0; i < 6; i++)
        bcemr_buf_free(&m[i]);
    return status;
}

/* ---- diagnoses ---- */

static clinic *current; /* whose documents are being moved */
static uint64_t mover;

static bcemr_status put_part(void *user, uint64_t place, uint64_t index,
                             const bcemr_tr_document *document, bcemr_sink *sink)
{
    (void)user;
    (void)index;
    (void)document;
    bcemr_buf_clear(&current->parts[mover][place].bytes);
    *sink = bcemr_sink_buffer(&current->parts[mover][place].bytes);
    return BCEMR_OK;
}

static bcemr_status get_part(void *user, uint64_t place, uint64_t index,
                             const bcemr_tr_document *document, bcemr_source *source)
{
    (void)user;
    (void)index;
    (void)document;
    clinic_file *file = &current->parts[mover][place];
    file->span = bcemr_buf_span(&file->bytes);
    *source = bcemr_source_bytes(&file->span);
    return BCEMR_OK;
}

static bcemr_documents documents_of(clinic *c, uint64_t d)
{
    current = c;
    mover = d;
    return (bcemr_documents){NULL, put_part, get_part};
}

static void take_before(clinic *c, uint64_t d)
{
    hospital *h = c->nodes[HOSPITAL_1].hospital;
    const bcemr_documents documents = documents_of(c, d);
    bcemr_source sealed;
    uint64_t k = 0;
    for (uint64_t place = 1;; place++) {
        bcemr_status status =
            hospital_relay(h, &c->vid, c->doctors[d].id, place, &sealed, &k, &c->error);
        if (status != BCEMR_OK)
            return; /* no more of them */
        bcemr_error err = {0};
        status = bcemr_doctor_take(c->visits[d], place, k, &sealed, NULL, &documents, &err);
        hospital_relay_close(h, &sealed);
        must(status);
    }
}

void clinic_prepare(clinic *c, uint64_t d)
{
    bcemr_buf presence = BCEMR_BUF_EMPTY;
    bcemr_nonce nonce;
    bcemr_tr_document document = {.name = bcemr_text("report.txt"),
                                  .media_type = bcemr_text("text/plain")};
    const bcemr_source source = bcemr_source_bytes(&c->own[d].span);
    const bcemr_span keyword = c->doctors[d].id;
    c->now += 60000;
    take_before(c, d);
    must(bcemr_doctor_ask_presence(c->visits[d], &nonce, NULL));
    must(bcemr_patient_present(&c->wallet, &c->visit, c->doctors[d].id, &nonce, c->now, &presence,
                               NULL));
    must(bcemr_doctor_presence(c->visits[d], bcemr_buf_span(&presence), c->now, NULL));
    must(bcemr_doctor_diagnose(c->visits[d], &document, &source, 1, &keyword, 1, NULL, 0, NULL,
                               NULL));
    bcemr_buf_free(&presence);
}

void clinic_hand_over(clinic *c, uint64_t d, bcemr_buf *sealed)
{
    const bcemr_source source = bcemr_source_bytes(&c->own[d].span);
    const bcemr_sink sink = bcemr_sink_buffer(sealed);
    bcemr_buf_clear(sealed);
    must(bcemr_doctor_hand_over(c->visits[d], &source, c->now, NULL, &sink, NULL));
}

bcemr_status clinic_take(clinic *c, uint64_t d, const bcemr_buf *sealed, bcemr_buf *receipt,
                         bcemr_ed_signature *signature)
{
    const bcemr_span bytes = bcemr_buf_span(sealed);
    const bcemr_source source = bcemr_source_bytes(&bytes);
    c->error = (bcemr_error){0};
    return hospital_take(c->nodes[HOSPITAL_1].hospital, &c->vid, c->doctors[d].id,
                         bcemr_doctor_version(c->visits[d]), &source, c->now, receipt, signature,
                         &c->error);
}

bcemr_status clinic_sign(clinic *c, uint64_t d, const bcemr_buf *receipt,
                         const bcemr_ed_signature *signature)
{
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    must(bcemr_doctor_sign(c->visits[d], bcemr_buf_span(receipt), signature, c->now, &entry, NULL));
    bcemr_status status = clinic_post(c, bcemr_buf_span(&entry));
    clinic_checkpoint(c);
    bcemr_buf_free(&entry);
    return status;
}

void clinic_diagnose(clinic *c, uint64_t first, uint64_t last)
{
    for (uint64_t d = first; d <= last; d++) {
        bcemr_buf sealed = BCEMR_BUF_EMPTY, receipt = BCEMR_BUF_EMPTY;
        bcemr_ed_signature signature;
        clinic_prepare(c, d);
        clinic_hand_over(c, d, &sealed);
        must(clinic_take(c, d, &sealed, &receipt, &signature));
        must(clinic_sign(c, d, &receipt, &signature));
        bcemr_buf_free(&sealed);
        bcemr_buf_free(&receipt);
    }
}

/* ---- the seal ---- */

void clinic_seal(clinic *c, uint64_t d)
{
    const bcemr_source source = bcemr_source_bytes(&c->own[d].span);
    const bcemr_documents documents = documents_of(c, d);
    const bcemr_sink sink = bcemr_sink_buffer(&c->payload);
    bcemr_buf_clear(&c->payload);
    bcemr_buf_clear(&c->header);
    c->visits[d]->sealed = false; /* as a dishonest doctor might: another record, the same svk */
    must(bcemr_doctor_seal(c->visits[d], &source, &documents, NULL, &sink, &c->header, NULL));
    c->payload_span = bcemr_buf_span(&c->payload);
}

bcemr_status clinic_upload(clinic *c, uint64_t node, bcemr_span from, bcemr_buf *confirmation)
{
    const bcemr_source payload = bcemr_source_bytes(&c->payload_span);
    const cloud_upload upload = {
        .vid = c->vid, .from = from, .header = bcemr_buf_span(&c->header), .payload = &payload};
    c->error = (bcemr_error){0};
    bcemr_buf_clear(confirmation);
    return cloud_take_record(c->nodes[node].cloud, &upload, confirmation, &c->error);
}

bcemr_status clinic_check_seal(clinic *c, uint64_t d)
{
    bcemr_buf box = BCEMR_BUF_EMPTY, answer = BCEMR_BUF_EMPTY;
    const bcemr_source payload = bcemr_source_bytes(&c->payload_span);
    c->error = (bcemr_error){0};
    must(bcemr_doctor_show_r(c->visits[d], &box, NULL));
    bcemr_status status =
        hospital_check_seal(c->nodes[HOSPITAL_1].hospital, &c->vid, c->doctors[d].id,
                            bcemr_buf_span(&box), &payload, c->now, &answer, &c->error);
    if (status == BCEMR_OK)
        must(bcemr_doctor_sealed(c->visits[d], bcemr_buf_span(&answer), NULL));
    bcemr_buf_free(&box);
    bcemr_buf_free(&answer);
    return status;
}

void clinic_to_sealed(clinic *c, uint64_t first, uint64_t last)
{
    bcemr_buf confirmation = BCEMR_BUF_EMPTY;
    hospital *h = c->nodes[HOSPITAL_1].hospital;
    clinic_seal(c, 2);
    must(clinic_check_seal(c, 2));
    for (uint64_t n = first; n <= last; n++) {
        must(clinic_upload(c, n, c->doctors[2].id, &confirmation));
        must(hospital_confirmation(h, bcemr_buf_span(&confirmation), NULL));
    }
    must(hospital_seal(h, &c->vid, NULL));
    must(clinic_pump(c, HOSPITAL_1));
    bcemr_buf_free(&confirmation);
}

void clinic_go(clinic *c, clinic_stage stage)
{
    must(clinic_admit(c));
    for (uint64_t d = 0; stage >= CLINIC_JOINED && d < CLINIC_TEAM; d++)
        must(clinic_join(c, d));
    if (stage >= CLINIC_SIGNED)
        clinic_diagnose(c, 0, CLINIC_TEAM - 1);
    if (stage >= CLINIC_SEALED)
        clinic_to_sealed(c, c->first_cloud, CLOUD_2);
}

void clinic_play(clinic *c, clinic_stage stage)
{
    clinic_begin(c);
    clinic_go(c, stage);
}

/* ---- sharing ---- */

void clinic_grant(clinic *c, uint64_t d, uint64_t clouds)
{
    const bcemr_span ids[2] = {c->nodes[CLOUD_1].id, c->nodes[CLOUD_2].id};
    const bcemr_patient_visit *visits[1] = {&c->visit};
    const bcemr_grant_wish wish = {.doctor = c->doctors[d].id,
                                   .scope = BCEMR_scope_READ,
                                   .expiry = c->now + 100 * CLINIC_HOUR,
                                   .purpose = bcemr_text("second opinion"),
                                   .clouds = ids,
                                   .cloud_count = clouds,
                                   .visits = visits,
                                   .visit_count = 1};
    bcemr_patient_grant_free(&c->grant);
    must(bcemr_patient_grant_make(&c->wallet, &wish, c->now, &c->grant, NULL));
}

bcemr_status clinic_consent(clinic *c, uint64_t node)
{
    c->error = (bcemr_error){0};
    bcemr_status status = cloud_take_grant(
        c->nodes[node].cloud, bcemr_buf_span(&c->grant.posts[node - CLOUD_1]), c->now, &c->error);
    return status == BCEMR_OK ? clinic_pump(c, node) : status;
}

void clinic_ask(clinic *c, uint64_t d, uint64_t node, bcemr_buf *ask)
{
    bcemr_buf offer = BCEMR_BUF_EMPTY;
    bcemr_nonce nonce;
    const uint8_t visits[1] = {1};
    if (!c->held) {
        must(cloud_offer(c->nodes[node].cloud, c->doctors[d].id, 0, c->now, &offer, NULL));
        must(bcemr_doctor_take_offer(&c->doctors[d], bcemr_buf_span(&offer), &c->held, NULL));
    }
    must(cloud_nonce(c->nodes[node].cloud, c->doctors[d].id, c->now, &nonce, NULL));
    bcemr_buf_clear(ask);
    must(bcemr_doctor_ask(&c->doctors[d], c->held, c->nodes[node].id, bcemr_span_of(visits, 1),
                          BCEMR_access_reason_TREATMENT, &nonce, c->now, ask, NULL));
    bcemr_buf_free(&offer);
}

bcemr_status clinic_access(clinic *c, uint64_t node, const bcemr_buf *ask)
{
    c->error = (bcemr_error){0};
    return cloud_access(c->nodes[node].cloud, bcemr_buf_span(ask), c->now, &c->gid, &c->error);
}
