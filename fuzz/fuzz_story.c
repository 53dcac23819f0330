/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole visit in which someone on the way changes messages: three bytes of input a change (which
 * message, where, what). Whatever is done, nobody crashes, and a story that is told to its end ends
 * with the documents that went in.
 */
#include "fuzz.h"

#include "bcemr/demo/stage.h"
#include "bcemr/demo/story.h"

#include <bcemr/hash.h>
#include <stdio.h>
#include <string.h>

static const uint8_t *changes;
static size_t change_count;
static unsigned message_number;

static bcemr_status meddle(world *w, world_point point, bcemr_buf *message)
{
    (void)w;
    if (point == POINT_CONTRIBUTION || point == POINT_PAYLOAD)
        return BCEMR_OK; /* files: the payload's own target changes them */
    message_number++;
    for (size_t i = 0; i + 3 <= change_count; i += 3)
        if (changes[i] == (uint8_t)message_number && message->n > 0)
            message->p[(changes[i + 1] * message->n) / 256] ^= changes[i + 2];
    return BCEMR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static stage s;
    static report r;
    static unsigned runs;
    char base[1100];
    if (size > 30)
        return 0;
    if (!s.context) {
        const demo_options options = {.doctors = 3, .threads = 1};
        report_begin(&r, stdout, stderr, false);
        r.quiet = true;
        MUST(stage_open_scratch(&s, &r, &options));
        s.doctors = 3;
    }
    world *w = bcemr_allocate(sizeof *w);
    MUST(w);
    changes = data;
    change_count = size;
    message_number = 0;
    (void)snprintf(base, sizeof base, "%s/%u", s.folder, runs++);
    MUST(stage_world(&s, w, base) == BCEMR_OK);
    w->hand = meddle;
    if (story_until(w, WORLD_PHASES) == BCEMR_OK) {
        MUST(w->opened_count > 0);
        for (uint64_t i = 0, n = 0; i < w->team_count; i++)
            for (uint64_t d = 0; d < w->team[i].document_count; d++, n++)
                MUST(n < w->opened_count &&
                     bcemr_hash_equal(&w->team[i].documents[d]->sha256, &w->opened[n].sha256));
    } else {
        MUST(w->opened_count == 0);
    }
    world_close(w);
    bcemr_release(w);
    stage_remove(base);
    return 0;
}
