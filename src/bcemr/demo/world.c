/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, genesis and nodes of the demo's world, and what goes between its people. */
#include "bcemr/demo/world.h"

#include "bcemr/demo/people.h"
#include "ledger/checkpoint/collector.h"

#include "ledger/checkpoint/collector.h"
#include "ledger/state/sqlite.h"

#include <bcemr/hash.h>
#include <stdio.h>
#include <string.h>

#define CLOCK_DIFFERENCE_MS 120000
#define RETENTION_MS (10LL * 365 * 24 * 3600 * 1000)
#define REISSUES 3
#define COLLECT_MS 10000    /* how long supernodes have to cosign */
#define CHECKPOINT_MS 10000 /* until the collector gives up */

/* ---- what goes between people ---- */

bcemr_status world_carry(world *w, world_point point, const char *to, bcemr_buf *message)
{
    bcemr_status status = w->hand ? w->hand(w, point, message) : BCEMR_OK;
    world_crossed(w, message->n);
    w->by = to;
    return status;
}

bcemr_status world_file(world *w, world_point point, const char *to, const char *path)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf name = BCEMR_BUF_EMPTY;
    DO(bcemr_buf_set(&name, bcemr_span_of(path, strlen(path) + 1)));
    if (w->hand)
        DO(w->hand(w, point, &name));
    w->by = to;
out:
    bcemr_buf_free(&name);
    return status;
}

void world_crossed(world *w, uint64_t bytes)
{
    w->crossed += bytes;
    w->phases[w->phase].bytes += bytes;
}

void world_wait(world *w, int64_t ms)
{
    w->now += ms;
}

bcemr_status world_post_entry(world *w, bcemr_span signed_entry, uint64_t *leaf)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf entry = BCEMR_BUF_EMPTY;
    DO(bcemr_buf_set(&entry, signed_entry));
    DO(world_carry(w, POINT_ENTRY, "ledger", &entry));
    DO(ledger_chain_submit_one(w->chain, w->now, bcemr_buf_span(&entry), leaf, &w->error));
    if (ledger_chain_tau(w->chain) > w->now)
        w->now = ledger_chain_tau(w->chain);
out:
    bcemr_buf_free(&entry);
    return status;
}

static bcemr_status submit(void *user, bcemr_span signed_entry, bcemr_error *err)
{
    world *w = user;
    bcemr_status status = world_post_entry(w, signed_entry, NULL);
    if (err)
        *err = w->error;
    return status;
}

/* Asks every supernode; each answers from what its own log says. */
static bcemr_status collect(world *w, ledger_collector *collector, bcemr_buf *answer)
{
    bcemr_status status = BCEMR_OK;
    for (uint64_t n = 0; n < WORLD_NODES; n++) {
        world_node *node = &w->nodes[n];
        ledger_collector_sent(collector, world_id(node->id));
        bcemr_buf_clear(answer);
        DO(ledger_cosigner_answer(&node->cosigner, bcemr_buf_span(&collector->question), w->now,
                                  bcemr_text("demo"), answer, &w->error));
        DO(ledger_collector_take(collector, w->now, bcemr_buf_span(answer), &w->error));
    }
out:
    return status;
}

bcemr_status world_checkpoint(world *w)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf answer = BCEMR_BUF_EMPTY, cosigned = BCEMR_BUF_EMPTY;
    ledger_collector *collector = bcemr_allocate(sizeof *collector);
    if (!collector)
        DO(BCEMR_E_NO_MEMORY);
    DO(ledger_collector_begin_at(collector, w->chain, w->now, COLLECT_MS, true, &w->error));
    DO(collect(w, collector, &answer));
    DO(ledger_collector_result(collector, w->now, &cosigned, &w->error));
    DO(ledger_chain_keep_cosigned(w->chain, bcemr_buf_span(&cosigned), &w->error));
out:
    if (collector)
        ledger_collector_free(collector);
    bcemr_release(collector);
    bcemr_buf_free(&answer);
    bcemr_buf_free(&cosigned);
    return status;
}

bcemr_status world_pump(world *w, uint64_t node)
{
    bcemr_status status = BCEMR_OK;
    uint64_t refused = 0, size = ledger_chain_size(w->chain);
    bcemr_error err = {0};
    w->error = (bcemr_error){0};
    DO(server_memory_outbox_send(w->nodes[node].outbox, submit, w, &refused, &err));
    if (refused > 0) {
        w->by = "ledger";
        w->error = err;
        return BCEMR_E_REFUSED;
    }
    if (ledger_chain_size(w->chain) > size)
        DO(world_checkpoint(w));
    for (uint64_t n = 0; n < WORLD_NODES; n++)
        if (w->nodes[n].cloud)
            DO(cloud_observe(w->nodes[n].cloud, w->now, &w->error));
out:
    return status;
}

void world_phase_begin(world *w, uint64_t phase, const char *name)
{
    w->phase = phase;
    w->phases[phase].name = name;
    w->phase_began = report_now();
    report_title(w->r, "%u. %s", (unsigned)phase + 1, name);
}

void world_phase_end(world *w)
{
    w->phases[w->phase].seconds += report_now() - w->phase_began;
}

/* ---- keys ---- */

static bcemr_status make_node_keys(world *w, uint64_t n)
{
    bcemr_status status = BCEMR_OK;
    world_node *node = &w->nodes[n];
    bool is_hospital = people_nodes[n].role == BCEMR_role_HOSPITAL;
    node->id = people_nodes[n].id;
    node->role = people_nodes[n].role;
    DO(bcemr_secrets_random(&node->secrets));
    bcemr_secrets_publics(&node->secrets, &node->publics);
    node->member = (bcemr_tr_member){.role = (uint64_t)node->role,
                                     .id = world_id(node->id),
                                     .x = node->publics.x,
                                     .a = node->publics.a};
    if (is_hospital) {
        node->member.e = bcemr_span_of(node->publics.e.b, 32);
        node->member.box = bcemr_span_of(node->publics.box.b, 32);
    }
    /* No TLS in one process: the key whose hash stands here is the node's own A. */
    bcemr_sha256(bcemr_span_of(node->publics.a.b, 32), &node->member.tls);
    node->local = (server_local_signer){&node->secrets, node->role};
    node->signer = server_signer_local(&node->local);
out:
    return status;
}

static bcemr_status make_authority(world *w)
{
    bcemr_status status = BCEMR_OK;
    bcemr_g2 p;
    DO(bcemr_secret_scalar_random(&w->authority_secret));
    bcemr_g2_from_secret(&w->authority_secret, &p);
    w->authority.context = w->context;
    w->authority.signer = authority_signer_local(&w->authority_secret);
    bcemr_g2_encode(&p, &w->authority.p);
out:
    return status;
}

/* ---- genesis and nodes ---- */

static bcemr_status make_genesis(world *w)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf draft = BCEMR_BUF_EMPTY, pops[WORLD_NODES] = {{0}};
    bcemr_span rows[WORLD_NODES];
    bcemr_tr_member members[WORLD_NODES];
    for (uint64_t n = 0; n < WORLD_NODES; n++)
        members[n] = w->nodes[n].member;
    const authority_parameters parameters = {.reissues = REISSUES,
                                             .clock_difference = CLOCK_DIFFERENCE_MS,
                                             .retention = (uint64_t)RETENTION_MS,
                                             .quotas = {1000, 1000, 100},
                                             .members = members,
                                             .member_count = WORLD_NODES};
    w->by = "authority";
    DO(authority_genesis_draft(&w->authority, &parameters, &draft, &w->ledger, &w->error));
    for (uint64_t n = 0; n < WORLD_NODES; n++) {
        bcemr_tr_pop pop;
        bcemr_member_pop(&w->ledger, &members[n], &pop);
        DO(bcemr_pop_make(&w->nodes[n].secrets.x, &w->nodes[n].secrets.a, &pop, &pops[n],
                          &w->error));
        rows[n] = bcemr_buf_span(&pops[n]);
        world_crossed(w, rows[n].n);
    }
    DO(authority_genesis_sign(&w->authority, bcemr_buf_span(&draft), rows, WORLD_NODES, &w->genesis,
                              &w->error));
    world_crossed(w, w->genesis.n * WORLD_NODES);
out:
    bcemr_buf_free(&draft);
    for (uint64_t n = 0; n < WORLD_NODES; n++)
        bcemr_buf_free(&pops[n]);
    return status;
}

static bcemr_status open_chain(world *w)
{
    bcemr_status status = BCEMR_OK;
    ledger_chain_options options = {.context = w->context, .parallel = &w->parallel};
    const ledger_sqlite_options database = {.writes = true};
    DO(ledger_sqlite_create(w->database, &database, &w->error));
    DO(ledger_sqlite_open(w->database, &database, &options.state, &w->error));
    status = ledger_chain_open(&w->chain, &options, bcemr_buf_span(&w->genesis), &w->error);
    if (status != BCEMR_OK) {
        ledger_state_close(&options.state);
        goto out;
    }
    ledger_chain_view(w->chain, &w->view);
out:
    return status;
}

static bcemr_status start_node(world *w, world_node *node)
{
    bcemr_status status = BCEMR_OK;
    char folder[1200];
    DO(ledger_cosigner_begin(&node->cosigner, w->chain, world_id(node->id), node->signer.checkpoint,
                             node->signer.user, 0, &w->error));
    DO(server_memory_outbox_new(&node->outbox));
    node->outbox_view = server_memory_outbox_interface(node->outbox);
    (void)snprintf(folder, sizeof folder, "%s/store-%u", w->folder, (unsigned)(node - w->nodes));
    DO(files_store_new(folder, &node->store_files, &w->file_error));
    node->store = files_store_interface(node->store_files);
    if (node->role == BCEMR_role_HOSPITAL) {
        const hospital_setup setup = {.id = world_id(node->id),
                                      .context = w->context,
                                      .ledger = &w->view,
                                      .signer = &node->signer,
                                      .outbox = &node->outbox_view,
                                      .store = &node->store,
                                      .run = &w->run};
        DO(hospital_new(&setup, &node->hospital, &w->error));
    } else {
        const cloud_setup setup = {.id = world_id(node->id),
                                   .context = w->context,
                                   .ledger = &w->view,
                                   .signer = &node->signer,
                                   .outbox = &node->outbox_view,
                                   .store = &node->store,
                                   .run = &w->run};
        DO(cloud_new(&setup, &node->cloud, &w->error));
    }
out:
    return status;
}

bcemr_status world_open(world *w, report *r, const inputs *in, uint64_t team_count,
                        const bcemr_context *context, const bcemr_parallel *parallel, int64_t now,
                        const char *folder, const char *database)
{
    bcemr_status status = BCEMR_OK;
    memset(w, 0, sizeof *w);
    w->r = r;
    w->inputs = in;
    w->context = context;
    w->parallel = *parallel;
    w->run = (bcemr_run){.parallel = &w->parallel};
    w->now = now;
    w->team_count = team_count;
    w->identity = bcemr_text(people_identity);
    w->symptoms = bcemr_text(people_symptoms);
    (void)snprintf(w->folder, sizeof w->folder, "%s", folder);
    (void)snprintf(w->database, sizeof w->database, "%s", database);
    w->team = bcemr_allocate(team_count * sizeof *w->team);
    if (!w->team)
        DO(BCEMR_E_NO_MEMORY);
    DO(make_authority(w));
    for (uint64_t n = 0; n < WORLD_NODES; n++)
        DO(make_node_keys(w, n));
    DO(make_genesis(w));
    DO(open_chain(w));
    for (uint64_t n = 0; n < WORLD_NODES; n++)
        DO(start_node(w, &w->nodes[n]));
    DO(world_checkpoint(w));
    w->wallet = (bcemr_wallet){.context = w->context, .ledger = &w->view};
    bcemr_random(w->wallet.seed.b, sizeof w->wallet.seed.b);
out:
    return status;
}

static void close_node(world_node *node)
{
    hospital_free(node->hospital);
    cloud_free(node->cloud);
    server_memory_outbox_free(node->outbox);
    files_store_free(node->store_files);
    bcemr_secrets_wipe(&node->secrets);
}

static void close_doctor(world_doctor *doctor)
{
    bcemr_doctor_visit_free(doctor->visit);
    world_documents_close(doctor);
    for (uint64_t d = 0; d < doctor->document_count; d++)
        files_source_close(doctor->files[d]);
    bcemr_secrets_wipe(&doctor->secrets);
}

void world_close(world *w)
{
    for (uint64_t i = 0; w->team && i < w->team_count; i++)
        close_doctor(&w->team[i]);
    close_doctor(&w->elsewhere);
    bcemr_release(w->team);
    bcemr_held_grant_free(w->held);
    bcemr_patient_grant_free(&w->grant);
    bcemr_patient_visit_free(&w->visit);
    for (uint64_t n = 0; n < WORLD_NODES; n++)
        close_node(&w->nodes[n]);
    if (w->chain)
        ledger_chain_close(w->chain);
    bcemr_release(w->opened);
    bcemr_buf_free(&w->content_head);
    bcemr_buf_free(&w->genesis);
    bcemr_buf_free(&w->header);
    bcemr_buf_free(&w->kept);
    bcemr_wipe(&w->authority_secret, sizeof w->authority_secret);
    bcemr_wipe(&w->wallet, sizeof w->wallet);
    memset(w, 0, sizeof *w);
}
