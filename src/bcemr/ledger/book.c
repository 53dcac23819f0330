/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands share: running one, words, progress. */
#include "bcemr/ledger/book.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int failed(book *b, bcemr_status status)
{
    if (b->misused)
        return COMMAND_MISUSED;
    if (b->answered_no && status == BCEMR_OK)
        return COMMAND_FAILED;
    if (b->file.status != BCEMR_OK) {
        report_file_error(&b->r, &b->file);
        return COMMAND_FAILED;
    }
    if (b->error.status == BCEMR_OK)
        b->error = (bcemr_error){.status = status,
                                 .verdict = BCEMR_UNDECIDED,
                                 .index = BCEMR_NOWHERE,
                                 .offset = BCEMR_NOWHERE};
    report_error(&b->r, b->doing, &b->error);
    return COMMAND_FAILED;
}

int book_run(const book_options *options, bcemr_status (*work)(book *b))
{
    struct timespec now = {0, 0};
    book *b = bcemr_allocate(sizeof *b);
    if (!b) {
        (void)fprintf(stderr, "bcemr: %s\n", bcemr_status_text(BCEMR_E_NO_MEMORY));
        return COMMAND_FAILED;
    }
    b->o = options;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    b->now = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    report_begin(&b->r, stdout, stderr, options->json);
    report_json_begin(&b->json);
    book_doing(b, "do this");
    const bcemr_status status = work(b);
    int code = COMMAND_DONE;
    if (status != BCEMR_OK || b->answered_no)
        code = failed(b, status);
    if (status == BCEMR_OK && report_json_print(&b->r, &b->json) != BCEMR_OK)
        code = COMMAND_FAILED;
    if (status != BCEMR_OK)
        json_decref(b->json.root);
    if (!report_end(&b->r))
        code = COMMAND_FAILED;
    ledger_chain_close(b->chain);
    bcemr_buf_free(&b->genesis);
    bcemr_context_free(b->context);
    threads_pool_free(b->pool);
    bcemr_release(b);
    return code;
}

void book_doing(book *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(b->doing, sizeof b->doing, format, arguments);
    va_end(arguments);
}

bcemr_status book_misuse(book *b, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)command_misuse(NULL, "%s", text);
    b->misused = true;
    return BCEMR_E_ARGUMENT;
}

bcemr_status book_context(book *b)
{
    bcemr_status status = BCEMR_OK;
    if (!b->context)
        BOOK_AT(bcemr_context_new(&b->context), "context", NULL);
out:
    return status;
}

bcemr_status book_threads(book *b)
{
    bcemr_status status = BCEMR_OK;
    if (b->pool)
        return status;
    BOOK_AT(threads_pool_new(b->o->threads, &b->pool), "threads", NULL);
    b->parallel = threads_pool_parallel(b->pool);
out:
    return status;
}

const bcemr_progress *book_progress(book *b, const char *what)
{
    b->progress = report_run_begin_count(&b->progress_run, &b->r, what, "entries");
    return &b->progress;
}

double book_progress_end(book *b)
{
    return report_run_end(&b->progress_run);
}

/* ---- words ---- */

char *book_time(int64_t ms, char out[REPORT_NUMBER])
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || strftime(out, REPORT_NUMBER, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)snprintf(out, REPORT_NUMBER, "?");
    return out;
}

const char *book_name(bcemr_span name)
{
    static char texts[4][256];
    static unsigned next;
    next = (next + 1) % 4;
    return report_printable(name, texts[next], sizeof texts[next]);
}

#define SHORT 5 /* bytes of a hash that a line shows */

const char *book_short(bcemr_span hash)
{
    static char texts[4][2 * SHORT + 1];
    static unsigned next;
    next = (next + 1) % 4;
    return report_hex(hash.p, hash.n < SHORT ? hash.n : SHORT, texts[next]);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

uint64_t book_read_hex(const char *text, uint8_t out[32])
{
    const size_t n = strlen(text);
    if (n == 0 || n > 64 || n % 2 != 0)
        return 0;
    for (size_t i = 0; i < n / 2; i++) {
        const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return 0;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return n / 2;
}

/* ---- finding ---- */

#define DIGITS_LEAST 4 /* bytes of a hash that name something */

typedef struct finding {
    uint64_t rows;
    bcemr_hash key;
    uint64_t leaf;
} finding;

static bcemr_status found(void *user, bcemr_span key, bcemr_span value, bool *more)
{
    finding *f = user;
    bcemr_tr_state_mark mark;
    if (key.n != sizeof f->key.b)
        return BCEMR_OK;
    memcpy(f->key.b, key.p, sizeof f->key.b);
    if (bcemr_read_state_mark(value, &mark, NULL) == BCEMR_OK)
        f->leaf = mark.leaf;
    *more = ++f->rows < 2;
    return BCEMR_OK;
}

static bcemr_status find(book *b, ledger_table table, const char *word, finding *f)
{
    bcemr_status status = BCEMR_OK;
    uint8_t bytes[32];
    const bcemr_span prefix = bcemr_span_of(bytes, book_read_hex(word, bytes));
    *f = (finding){.rows = 0};
    if (prefix.n < DIGITS_LEAST)
        return BCEMR_E_NOT_FOUND;
    BOOK_AT(ledger_scan(&b->state, table, prefix, prefix, found, f), "ledger", NULL);
    if (f->rows != 1)
        status = f->rows == 0 ? BCEMR_E_NOT_FOUND : BCEMR_E_REPEATED;
out:
    return status;
}

bcemr_status book_find_entry(book *b, const char *word, uint64_t *leaf)
{
    finding f;
    const size_t n = strspn(word, "0123456789");
    if (word[n] == 0 && n < 16) {
        *leaf = strtoull(word, NULL, 10);
        if (*leaf < ledger_chain_size(b->chain))
            return BCEMR_OK;
    }
    const bcemr_status status = find(b, LEDGER_ENTRIES, word, &f);
    *leaf = f.leaf;
    return status;
}

bcemr_status book_find_visit(book *b, const char *word, bcemr_hash *vid)
{
    finding f;
    const bcemr_status status = find(b, LEDGER_VISITS, word, &f);
    *vid = f.key;
    return status;
}
