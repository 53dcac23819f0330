/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's world: an authority, two hospitals, two clouds, a team of doctors, a patient and a
 * doctor elsewhere, each with keys of their own and a state machine of the library, one ledger
 * between them. The story (story.h) drives it; a tamper (tamper.h) puts its hand between.
 *
 * Every message from one to another goes through world_carry, every entry through world_post_entry:
 * there bytes are counted, and there someone on the way can change them.
 */
#ifndef BCEMR_DEMO_WORLD_H
#define BCEMR_DEMO_WORLD_H

#include "bcemr/demo/demo.h"
#include "bcemr/files.h"
#include "bcemr/inputs.h"
#include "bcemr/report.h"
#include "bcemr/store.h"
#include "ledger/chain/chain.h"
#include "server/authority.h"
#include "server/cloud.h"
#include "server/hospital.h"

#include <bcemr/doctor.h>
#include <bcemr/patient.h>

enum { WORLD_HOSPITAL_A, WORLD_HOSPITAL_B, WORLD_CLOUD_1, WORLD_CLOUD_2, WORLD_NODES };
#define WORLD_CLOUDS 2
#define WORLD_DOCUMENTS_MAX 64 /* of one doctor */
#define WORLD_HELD_MAX 256     /* of others, open at a time */

/* A supernode. */
typedef struct world_node {
    const char *id;
    bcemr_role role;
    bcemr_secrets secrets;
    bcemr_publics publics;
    bcemr_tr_member member;
    server_local_signer local;
    server_signer signer;
    server_memory_outbox *outbox;
    server_outbox outbox_view;
    files_store *store_files;
    server_store store;
    ledger_cosigner cosigner;
    hospital *hospital;
    cloud *cloud;
} world_node;

/* What a doctor writes who was dealt no document. */
typedef struct world_note {
    char name[64];
    char path[1200];
    inputs_file file; /* points to both */
} world_note;

/* A doctor, of the team or elsewhere. */
typedef struct world_doctor {
    char id[96];
    const char *title;
    uint64_t home; /* node of the doctor's hospital */
    bcemr_secrets secrets;
    bcemr_doctor self;
    bcemr_doctor_visit *visit;
    /* what they bring to the visit */
    uint64_t document_count;
    const inputs_file *documents[WORLD_DOCUMENTS_MAX];
    files_source *files[WORLD_DOCUMENTS_MAX];
    bcemr_source sources[WORLD_DOCUMENTS_MAX];
    world_note note;
    bool waives; /* reads images without the patient */
    /* what came from others, in the doctor's folder */
    char folder[1024];
    files_sink *writing;
    files_source *held[WORLD_HELD_MAX];
    uint64_t held_count;
} world_doctor;

/* Where someone can lay hands on a message. */
typedef enum world_point {
    POINT_REGISTER = 0,
    POINT_TICKET,
    POINT_ACCEPTANCE,
    POINT_GROUP_HELLO,
    POINT_GROUP_REPLY,
    POINT_GROUP_SERVER,
    POINT_GROUP_DOCTOR,
    POINT_GROUP_KEY,
    POINT_INTAKE,
    POINT_PRESENCE,
    POINT_RECEIPT,
    POINT_HEADER,
    POINT_SEAL_R,
    POINT_SEAL_ANSWER,
    POINT_CONFIRMATION,
    POINT_GRANT_POST,
    POINT_GRANT_OFFER,
    POINT_ACCESS_ASK,
    POINT_ACCESS_ANSWER,
    POINT_RECORD_HEADER, /* as a cloud serves it */
    POINT_ENTRY,         /* any entry on its way to the ledger */
    POINT_CONTRIBUTION,  /* files: world_file */
    POINT_PAYLOAD,
    POINTS
} world_point;

typedef struct world world;

/* Changes a message under way, or leaves it. For a file, message holds its path. */
typedef bcemr_status (*world_hand)(world *w, world_point point, bcemr_buf *message);

typedef struct world_phase {
    const char *name;
    double seconds;
    uint64_t bytes;
} world_phase;
#define WORLD_PHASES 5

/* What the patient was given back, by document. */
typedef struct world_opened {
    char path[1024];
    uint64_t bytes;
    bcemr_hash sha256;
    bool identical;
} world_opened;

struct world {
    report *r;
    const inputs *inputs;
    const bcemr_context *context;
    bcemr_parallel parallel;
    bcemr_progress progress;
    bcemr_run run;
    int64_t now;       /* the story's clock, ms since 1970 UTC */
    char base[1024];   /* what people look into: opened/ */
    char folder[1024]; /* working files; goes with the world */
    /* the ledger */
    char database[1024];
    bcemr_buf genesis; /* leaf 0's signed entry */
    bcemr_hash ledger;
    ledger_chain *chain;
    bcemr_ledger_view view;
    /* the people */
    bcemr_secret_scalar authority_secret;
    authority authority;
    world_node nodes[WORLD_NODES];
    uint64_t team_count;
    world_doctor *team;
    world_doctor elsewhere;
    bcemr_wallet wallet;
    bcemr_span identity, symptoms;
    /* the visit */
    bcemr_patient_visit visit;
    bcemr_hash vid;
    uint64_t clouds_needed; /* u of the ticket, 0 for the default */
    bcemr_buf header;
    char payload[1024]; /* the sealed payload as the last doctor made it */
    bcemr_patient_grant grant;
    bcemr_held_grant *held;
    bcemr_hash gid;
    uint64_t opened_count;
    world_opened *opened;
    bcemr_buf content_head; /* of what was opened */
    /* what happened */
    world_phase phases[WORLD_PHASES];
    uint64_t phase; /* current, from 0 */
    double phase_began;
    uint64_t crossed; /* bytes since the step began */
    const char *by;   /* who made the step that is going on */
    bcemr_error error;
    files_error file_error;
    /* someone on the way */
    world_hand hand;
    /* a cloud that serves other bytes than it took */
    bcemr_source (*lie)(world *w, bcemr_source payload);
    bcemr_source truth;
    uint64_t lie_offset;
    /* what an attack keeps for itself */
    bcemr_buf kept;
    uint64_t kept_count;
    bcemr_g1_raw kept_point;
};

/* Everything of phase 1 that is not on the ledger yet: keys, genesis, nodes. small: keep it cheap
 * (tampers make many worlds). team_count doctors; folder must exist, database must not. Errors: in
 * w->error or w->file_error. w is to be closed in any case. */
BCEMR_MUST_USE bcemr_status world_open(world *w, report *r, const inputs *in, uint64_t team_count,
                                       const bcemr_context *context, const bcemr_parallel *parallel,
                                       int64_t now, const char *folder, const char *database);
void world_close(world *w);

/* A message crosses. who names who is about to take it: what is refused next is refused by them. */
BCEMR_MUST_USE bcemr_status world_carry(world *w, world_point point, const char *to,
                                        bcemr_buf *message);
/* A file crosses: the same for its path. */
BCEMR_MUST_USE bcemr_status world_file(world *w, world_point point, const char *to,
                                       const char *path);
/* A doctor's folder, as bcemr_doctor_take and _seal use it; flush after taking, close after
 * sealing. */
bcemr_documents world_documents(world_doctor *doctor);
BCEMR_MUST_USE bcemr_status world_documents_flush(world_doctor *doctor, files_error *err);
void world_documents_close(world_doctor *doctor);
/* Bytes of a file that crosses (payloads, contributions). */
void world_crossed(world *w, uint64_t bytes);
/* An entry goes to the ledger; E_REFUSED with the reason in w->error. leaf: NULL allowed. */
BCEMR_MUST_USE bcemr_status world_post_entry(world *w, bcemr_span signed_entry, uint64_t *leaf);
/* All that waits in a node's outbox goes to the ledger, then the supernodes cosign a checkpoint. */
BCEMR_MUST_USE bcemr_status world_pump(world *w, uint64_t node);
BCEMR_MUST_USE bcemr_status world_checkpoint(world *w);
/* The story's clock goes on. */
void world_wait(world *w, int64_t ms);

/* Starts a phase: its name and number are shown, its time runs. */
void world_phase_begin(world *w, uint64_t phase, const char *name);
void world_phase_end(world *w);

/* "1 document", "2 documents". */
static inline const char *world_plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* "who" for the report and for who caught an attack. */
static inline bcemr_span world_id(const char *id)
{
    return bcemr_text(id);
}

/* w->by = who; runs call, whose error goes to w->error. */
#define BY(w, who, call) ((w)->by = (who), (call))
#define DO(call)                                                                                   \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != BCEMR_OK) {                                                                  \
            if (w->error.status == BCEMR_OK)                                                       \
                w->error = (bcemr_error){.status = status,                                         \
                                         .verdict = BCEMR_UNDECIDED,                               \
                                         .index = BCEMR_NOWHERE,                                   \
                                         .offset = BCEMR_NOWHERE};                                 \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

#endif
