/* SPDX-License-Identifier: Apache-2.0 */
/* `bcemr ledger follow`: a database that follows others, and checks everything again. */
#include "bcemr/ledger/book.h"
#include "ledger/follow/follow.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

typedef struct from {
    book_source opened;
    char fork[1200], guilt[1200]; /* evidence that was kept, empty for none */
    ledger_follow_where told;     /* when it was last spoken of */
} from;

typedef struct following {
    book *b;
    ledger_follower *f;
    from *sources; /* as many as --from names */
    uint64_t count;
    uint64_t size; /* own, when it was last told */
} following;

/* ---- evidence ---- */

/* The first name of this kind that is free beside the own database. */
static bcemr_status keep_file(book *b, bcemr_span bytes, const char *kind, char *path, size_t n)
{
    bcemr_status status = BCEMR_E_EXISTS;
    for (unsigned number = 1; status == BCEMR_E_EXISTS && number < 10000; number++) {
        const int length = snprintf(path, n, "%s.%u.%s", b->o->db, number, kind);
        if (length < 0 || (size_t)length >= n)
            return BCEMR_E_TOO_LONG;
        if (!files_exists(path))
            status = files_write(path, bytes, FILES_NEW, &b->file);
    }
    if (status == BCEMR_OK)
        b->file.status = BCEMR_OK;
    return status;
}

static bcemr_status keep(void *user, const char *source, bcemr_span evidence, bcemr_span guilt,
                         bcemr_error *err)
{
    bcemr_status status = BCEMR_OK;
    following *w = user;
    from *s = NULL;
    ledger_follow_facts facts;
    for (uint64_t i = 0; i < w->count; i++) {
        ledger_follow_describe(w->f, i, &facts);
        if (facts.name == source)
            s = &w->sources[i];
    }
    if (!s)
        return wire_fail(err, BCEMR_E_NOT_FOUND, "follow", "source");
    TRY_AT(keep_file(w->b, evidence, "fork", s->fork, sizeof s->fork), "fork", NULL);
    if (guilt.n > 0)
        TRY_AT(keep_file(w->b, guilt, "guilt", s->guilt, sizeof s->guilt), "guilt", NULL);
out:
    return status;
}

/* ---- sources ---- */

static bcemr_status open_source(following *w, uint64_t i)
{
    bcemr_status status = BCEMR_OK;
    book *b = w->b;
    const char *path = b->o->sources.items[i];
    ledger_source source = {NULL, NULL};
    book_doing(b, "follow %s", path);
    BOOK(book_source_open(b, path, &w->sources[i].opened, &source));
    BOOK(ledger_follow_add(w->f, path, &source, &b->error));
    source = (ledger_source){NULL, NULL};
    w->count++;
out:
    ledger_source_close(&source);
    return status;
}

/* ---- the own database ---- */

static bcemr_status open_own(following *w)
{
    bcemr_status status = BCEMR_OK;
    book *b = w->b;
    bcemr_hash id;
    const ledger_sqlite_options database = {.writes = true};
    ledger_follow_options options = {.context = b->context,
                                     .parallel = &b->parallel,
                                     .ahead = b->o->ahead,
                                     .keep = keep,
                                     .keep_user = w};
    if (b->o->init && !files_exists(b->o->db))
        BOOK(book_begin(b, b->o->db, &id));
    book_doing(b, files_exists(b->o->db) ? "open %s" : "open %s, which --init would make",
               b->o->db);
    BOOK(ledger_sqlite_open(b->o->db, &database, &options.state, &b->error));
    options.genesis = bcemr_buf_span(&b->genesis);
    status = ledger_follow_open(&w->f, &options, &b->error);
    if (status != BCEMR_OK)
        ledger_state_close(&options.state);
out:
    return status;
}

/* ---- telling ---- */

static const char *const wheres[] = {"new", "moved", "same", "behind", "unsigned", "silent", "bad"};

static void say(const ledger_follow_facts *facts, uint64_t own, char *out, size_t n)
{
    char why[512];
    report_error_text(&facts->error, why, sizeof why);
    switch (facts->where) {
    case LEDGER_FOLLOW_UNSIGNED:
        (void)snprintf(out, n,
                       "has %" PRIu64 " entries; the first %" PRIu64
                       " are the same, the others no supernodes have signed yet",
                       facts->size, own);
        break;
    case LEDGER_FOLLOW_BEHIND:
        (void)snprintf(out, n, "has %" PRIu64 " entries, the same", facts->size);
        break;
    case LEDGER_FOLLOW_SILENT:
        (void)snprintf(out, n, "does not answer: %s", why);
        break;
    case LEDGER_FOLLOW_BAD:
        (void)snprintf(out, n, "is not followed any more: %s", why);
        break;
    default:
        (void)snprintf(out, n, "has the same %" PRIu64 " entries", facts->size);
        break;
    }
}

static void tell_source(book *b, const from *s, const ledger_follow_facts *facts, uint64_t own)
{
    char text[1024];
    const bool good = facts->where != LEDGER_FOLLOW_BAD && facts->where != LEDGER_FOLLOW_SILENT;
    say(facts, own, text, sizeof text);
    report_mark(&b->r, good, "%s %s", facts->name, text);
    if (facts->taken > 0)
        report_line(&b->r, "    %" PRIu64 " entries came from it, each checked by the rules",
                    facts->taken);
    if (facts->place != BCEMR_NOWHERE)
        report_line(&b->r, "    the first entry that differs is number %" PRIu64, facts->place);
    if (facts->own)
        report_line(&b->r,
                    "    %s holds from there on what no supernodes have signed: make it anew to "
                    "follow what they signed",
                    b->o->db);
    if (s->fork[0])
        report_line(&b->r, "    evidence: %s", s->fork);
    if (s->guilt[0])
        report_line(&b->r, "    proof against who signed both: %s", s->guilt);
}

static void tell_source_json(book *b, json_t *list, const from *s, const ledger_follow_facts *facts)
{
    char why[512];
    json_t *o = report_json_item(&b->json, list);
    report_json_text(&b->json, o, "path", facts->name);
    report_json_text(&b->json, o, "state", wheres[facts->where]);
    report_json_number(&b->json, o, "size", facts->size);
    report_json_number(&b->json, o, "cosigned", facts->cosigned);
    report_json_number(&b->json, o, "taken", facts->taken);
    if (facts->place != BCEMR_NOWHERE)
        report_json_number(&b->json, o, "place", facts->place);
    if (facts->error.status != BCEMR_OK) {
        report_json_text(&b->json, o, "name",
                         facts->error.status == BCEMR_E_REFUSED
                             ? bcemr_verdict_name(facts->error.verdict)
                             : bcemr_status_name(facts->error.status));
        report_json_text(&b->json, o, "text", report_error_text(&facts->error, why, sizeof why));
    }
    if (s->fork[0])
        report_json_text(&b->json, o, "evidence", s->fork);
    if (s->guilt[0])
        report_json_text(&b->json, o, "guilt", s->guilt);
    if (facts->own)
        report_json_bool(&b->json, o, "own_was_ahead", true);
}

/* How far what the supernodes signed reaches in the own log; 0: nowhere. */
static bcemr_status signed_size(book *b, const ledger_chain *chain, uint64_t *size)
{
    bcemr_status status = BCEMR_OK;
    bcemr_buf held = BCEMR_BUF_EMPTY;
    bcemr_ledger_view view;
    bcemr_tr_cosigned cosigned;
    bcemr_tr_checkpoint checkpoint;
    *size = 0;
    ledger_chain_view(chain, &view);
    status = view.checkpoint(view.user, &held);
    if (status == BCEMR_E_NOT_FOUND)
        return BCEMR_OK;
    BOOK_AT(status, "cosigned", NULL);
    BOOK(bcemr_read_cosigned(bcemr_buf_span(&held), &cosigned, &b->error));
    BOOK(bcemr_read_checkpoint(cosigned.checkpoint, &checkpoint, &b->error));
    *size = checkpoint.size;
out:
    bcemr_buf_free(&held);
    return status;
}

static bcemr_status tell_own(following *w, double seconds)
{
    bcemr_status status = BCEMR_OK;
    book *b = w->b;
    const ledger_chain *chain = ledger_follow_chain(w->f);
    const uint64_t size = ledger_chain_size(chain);
    uint64_t is_signed = 0;
    bcemr_hash root;
    char hex[65];
    BOOK_AT(ledger_chain_root(chain, size, &root), "ledger", "root");
    BOOK(signed_size(b, chain, &is_signed));
    report_step(&b->r, "ledger", seconds, REPORT_NO_BYTES,
                "%s has %" PRIu64 " entries; supernodes have signed the first %" PRIu64, b->o->db,
                size, is_signed);
    report_line(&b->r, "    root %s", report_hex(root.b, sizeof root.b, hex));
    report_json_hash(&b->json, NULL, "ledger", ledger_chain_id(chain));
    report_json_number(&b->json, NULL, "size", size);
    report_json_hash(&b->json, NULL, "root", &root);
    report_json_number(&b->json, NULL, "cosigned", is_signed);
    w->size = size;
out:
    return status;
}

/* Sources of which there is something new to say; all: each of them. */
static void tell_sources(following *w, bool all)
{
    ledger_follow_facts facts;
    const uint64_t own = ledger_chain_size(ledger_follow_chain(w->f));
    json_t *list = all ? report_json_list(&w->b->json, NULL, "sources") : NULL;
    for (uint64_t i = 0; i < w->count; i++) {
        from *s = &w->sources[i];
        ledger_follow_describe(w->f, i, &facts);
        if (all || facts.where != s->told)
            tell_source(w->b, s, &facts, own);
        if (all)
            tell_source_json(w->b, list, s, &facts);
        s->told = facts.where;
    }
}

/* ---- following ---- */

static int64_t clock_now(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* How many sources are bad, and how many are that or silent. */
static uint64_t count_bad(const following *w, uint64_t *unheard)
{
    ledger_follow_facts facts;
    uint64_t bad = 0;
    *unheard = 0;
    for (uint64_t i = 0; i < w->count; i++) {
        ledger_follow_describe(w->f, i, &facts);
        bad += facts.where == LEDGER_FOLLOW_BAD;
        *unheard += facts.where == LEDGER_FOLLOW_BAD || facts.where == LEDGER_FOLLOW_SILENT;
    }
    return bad;
}

static bcemr_status follow_once(following *w)
{
    bcemr_status status = BCEMR_OK;
    book *b = w->b;
    book_doing(b, "follow into %s", b->o->db);
    const bcemr_progress *progress = book_progress(b, "following");
    status = ledger_follow_run(w->f, clock_now(), progress, &b->error);
    const double seconds = book_progress_end(b);
    BOOK(status);
    if (w->size != ledger_chain_size(ledger_follow_chain(w->f)))
        BOOK(tell_own(w, seconds));
out:
    return status;
}

/* Until it is stopped, or no source is left. */
static bcemr_status watch(following *w)
{
    bcemr_status status = BCEMR_OK;
    uint64_t unheard;
    const struct timespec pause = {.tv_sec = (time_t)w->b->o->watch, .tv_nsec = 0};
    while (count_bad(w, &unheard) < w->count) {
        (void)fflush(w->b->r.out);
        (void)nanosleep(&pause, NULL);
        status = follow_once(w);
        if (status != BCEMR_OK)
            break;
        tell_sources(w, false);
    }
    return status;
}

static bcemr_status open_all(following *w)
{
    bcemr_status status = BCEMR_OK;
    book *b = w->b;
    BOOK(book_context(b));
    BOOK(book_threads(b));
    BOOK(book_genesis(b));
    BOOK(open_own(w));
    for (uint64_t i = 0; i < b->o->sources.count; i++)
        BOOK(open_source(w, i));
out:
    return status;
}

static bcemr_status work(book *b)
{
    bcemr_status status = BCEMR_OK;
    following w = {.b = b};
    const uint64_t count = b->o->sources.count;
    uint64_t unheard = 0;
    if (b->o->watch > 0 && b->o->json)
        return book_misuse(b, "--watch has no end, so there is no document for --json");
    if (count > LEDGER_FOLLOW_SOURCES_MAX)
        return book_misuse(b, "at most %d sources are followed", LEDGER_FOLLOW_SOURCES_MAX);
    if (b->o->init && !b->o->genesis)
        return book_misuse(b, "--init needs --genesis");
    w.sources = bcemr_allocate(count * sizeof *w.sources);
    if (!w.sources)
        BOOK_FAIL(BCEMR_E_NO_MEMORY, "follow", NULL);
    BOOK(open_all(&w));
    BOOK(follow_once(&w));
    if (w.size == 0)
        BOOK(tell_own(&w, REPORT_NO_TIME));
    tell_sources(&w, true);
    if (b->o->watch > 0)
        BOOK(watch(&w));
    (void)count_bad(&w, &unheard);
    b->answered_no = unheard > 0;
out:
    ledger_follow_close(w.f);
    for (uint64_t i = 0; w.sources && i < count; i++)
        book_source_free(&w.sources[i].opened);
    bcemr_release(w.sources);
    return status;
}

int book_follow(const void *options)
{
    return book_run(options, work);
}
