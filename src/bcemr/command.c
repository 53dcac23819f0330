/* SPDX-License-Identifier: Apache-2.0 */
#include "bcemr/command.h"
#include "bcemr/random.h"
#include "bcemr/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 88

/* Every command has these. */
const command_option command_common[] = {
    {"json", NULL, "print one JSON document instead of text", COMMAND_FLAG, false, 0, 0, 0, NULL},
    {"help", NULL, "print this", COMMAND_FLAG, false, 0, 0, 0, NULL},
    {NULL, NULL, NULL, COMMAND_FLAG, false, 0, 0, 0, NULL}};

/* ---- wrong use ---- */

int command_misuse(const command *c, const char *format, ...)
{
    char raw[1024], text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    report_printable(bcemr_text(raw), text, sizeof text);
    (void)fprintf(stderr, "bcemr%s%s: %s; see `bcemr%s%s --help`\n", c ? " " : "", c ? c->name : "",
                  text, c ? " " : "", c ? c->name : "");
    return COMMAND_MISUSED;
}

/* Letters to insert, remove, change or swap with a neighbour until a is b; at most 63 each. */
static unsigned distance(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    unsigned rows[3][64];
    if (n > 63 || m > 63)
        return 64;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned least = before[j - 1] + (a[i - 1] != b[j - 1]);
            if (before[j] + 1 < least)
                least = before[j] + 1;
            if (now[j - 1] + 1 < least)
                least = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                earlier[j - 2] + 1 < least)
                least = earlier[j - 2] + 1;
            now[j] = least;
        }
    }
    return rows[n % 3][m];
}

const char *command_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    unsigned least = (unsigned)strlen(word) / 3 + 2;
    for (; *words; words++) {
        const unsigned d = distance(word, *words);
        if (d < least) {
            least = d;
            nearest = *words;
        }
    }
    return nearest;
}

/* unknown WHAT "WORD", with the nearest of words (NULL-ended) if one is near */
static int unknown(const command *c, const char *what, const char *dashes, const char *word,
                   const char *const *words)
{
    const char *nearest = command_nearest(word, words);
    if (nearest)
        return command_misuse(c, "unknown %s \"%s%s\", did you mean \"%s%s\"?", what, dashes, word,
                              dashes, nearest);
    return command_misuse(c, "unknown %s \"%s%s\"", what, dashes, word);
}

/* ---- help ---- */

static void wrapped(const char *text, unsigned indent)
{
    unsigned column = indent;
    while (*text) {
        const size_t n = strcspn(text, " ");
        char word[128];
        (void)snprintf(word, sizeof word, "%.*s", (int)n, text);
        const unsigned width = (unsigned)report_width(word);
        if (column > indent && column + 1 + width > WIDTH) {
            (void)printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            (void)putchar(' ');
            column++;
        }
        (void)printf("%.*s", (int)n, text);
        column += width;
        text += n + strspn(text + n, " ");
    }
    (void)putchar('\n');
}

static void option_help(const command_option *o)
{
    char left[64];
    (void)snprintf(left, sizeof left, "  --%s%s%s", o->name, o->value ? " " : "",
                   o->value ? o->value : "");
    (void)printf("%-22s  ", left);
    if (strlen(left) > 22)
        (void)printf("\n%24s", "");
    char text[512];
    (void)snprintf(text, sizeof text, "%s%s", o->text, o->required ? " (must be given)" : "");
    wrapped(text, 24);
}

int command_finish_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "bcemr: standard output took not all of it\n");
        return COMMAND_FAILED;
    }
    return COMMAND_DONE;
}

static int help(const command *c)
{
    (void)printf("bcemr %s: ", c->name);
    wrapped(c->summary, (unsigned)strlen(c->name) + 8);
    const bool optional = c->operand && !c->operand->required;
    (void)printf("\nusage: bcemr %s%s%s%s%s [OPTION...]\n", c->name, c->operand ? " " : "",
                 optional ? "[" : "", c->operand ? c->operand->value : "", optional ? "]" : "");
    if (c->text) {
        (void)putchar('\n');
        wrapped(c->text, 0);
    }
    if (c->operand) {
        (void)printf("\n  %-20s  ", c->operand->value);
        wrapped(c->operand->text, 24);
    }
    (void)printf("\noptions:\n");
    for (const command_option *o = c->options; o->name; o++)
        option_help(o);
    for (const command_option *o = command_common; o->name; o++)
        option_help(o);
    (void)printf("\nexamples:\n");
    for (const command_example *e = c->examples; e->line; e++) {
        (void)printf("  %s\n      ", e->line);
        wrapped(e->text, 6);
    }
    return command_finish_output();
}

static int help_all(void)
{
    (void)printf(
        "bcemr: medical records of several doctors, signed by all, opened by the patient's "
        "consent\n\nusage: bcemr COMMAND [OPTION...]\n\ncommands:\n");
    for (const command *c = command_table; c->name; c++) {
        (void)printf("  %-16s ", c->name);
        wrapped(c->summary, 19);
    }
    (void)printf("\noptions:\n  --help         print this; after a command, what it does\n"
                 "  --version      print the version\n"
                 "\nexit codes: 0 done, 1 refused or failed, 2 wrong use\n");
    return command_finish_output();
}

/* ---- parsing ---- */

typedef struct parser {
    const command *c;
    int argc;
    char **argv;
    int at;
    char *values; /* the command's struct */
    bool wants_help;
    bool has_operand;
    uint64_t given; /* a bit for each option of the command */
} parser;

static const command_option *option_named(const command_option *options, const char *name)
{
    for (; options->name; options++) {
        if (strcmp(options->name, name) == 0)
            return options;
    }
    return NULL;
}

static int unknown_option(const parser *p, const char *name)
{
    const char *names[64];
    size_t n = 0;
    for (const command_option *o = p->c->options; o->name && n < 60; o++)
        names[n++] = o->name;
    for (const command_option *o = command_common; o->name; o++)
        names[n++] = o->name;
    names[n] = NULL;
    return unknown(p->c, "option", "--", name, names);
}

static int take_number(const parser *p, const command_option *o, const char *value, uint64_t *out)
{
    uint64_t n = 0;
    const char *c = value;
    for (; *c >= '0' && *c <= '9' && n <= UINT64_MAX / 10 - 1; c++)
        n = n * 10 + (uint64_t)(*c - '0');
    if (c == value || *c != 0 || n < o->lo || n > o->hi)
        return command_misuse(p->c,
                              "--%s takes a number from %" PRIu64 " to %" PRIu64 ", not \"%s\"",
                              o->name, o->lo, o->hi, value);
    *out = n;
    return COMMAND_DONE;
}

static int take_choice(const parser *p, const command_option *o, const char *value,
                       const char **out)
{
    char names[256];
    size_t n = 0;
    for (const char *const *choice = o->choices; *choice; choice++) {
        if (strcmp(*choice, value) == 0) {
            *out = *choice;
            return COMMAND_DONE;
        }
        const int more = snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", *choice);
        n = more > 0 && n + (size_t)more < sizeof names ? n + (size_t)more : sizeof names - 1;
    }
    return command_misuse(p->c, "%s%s takes one of %s, not \"%s\"", o == p->c->operand ? "" : "--",
                          o == p->c->operand ? o->value : o->name, names, value);
}

/* The first word is given; those that follow up to the next option belong to it too. */
static int take_words(parser *p, const char *first, command_list *out)
{
    if (!out->items)
        out->items = bcemr_allocate((uint64_t)p->argc * sizeof out->items[0]);
    if (!out->items) {
        (void)fprintf(stderr, "bcemr: %s\n", bcemr_status_text(BCEMR_E_NO_MEMORY));
        return COMMAND_FAILED;
    }
    out->items[out->count++] = first;
    while (p->at < p->argc && strncmp(p->argv[p->at], "--", 2) != 0)
        out->items[out->count++] = p->argv[p->at++];
    return COMMAND_DONE;
}

/* The first word without dashes, where the command takes one. */
static int take_operand(parser *p, const char *word)
{
    const command_option *o = p->c->operand;
    if (!o || p->has_operand || word[0] == 0)
        return command_misuse(p->c, "unexpected \"%s\"", word);
    p->has_operand = true;
    void *place = p->values + o->offset;
    if (o->kind == COMMAND_CHOICE)
        return take_choice(p, o, word, place);
    *(const char **)place = word;
    return COMMAND_DONE;
}

/* Nothing that must be given is missing. */
static int check_given(const parser *p)
{
    if (p->wants_help)
        return COMMAND_DONE;
    if (p->c->operand && p->c->operand->required && !p->has_operand)
        return command_misuse(p->c, "%s is missing", p->c->operand->value);
    for (const command_option *o = p->c->options; o->name; o++)
        if (o->required && !(p->given >> (o - p->c->options) & 1))
            return command_misuse(p->c, "--%s %s is missing", o->name, o->value);
    return COMMAND_DONE;
}

static int take_option(parser *p, const char *name, const char *value)
{
    const command_option *o = option_named(p->c->options, name);
    const bool is_json = !o && strcmp(name, "json") == 0;
    if (is_json || (!o && strcmp(name, "help") == 0)) {
        if (value)
            return command_misuse(p->c, "--%s takes no value", name);
        if (is_json)
            *(bool *)(void *)(p->values + p->c->json) = true;
        else
            p->wants_help = true;
        return COMMAND_DONE;
    }
    if (!o)
        return unknown_option(p, name);
    p->given |= UINT64_C(1) << (o - p->c->options);
    void *place = p->values + o->offset;
    if (o->kind == COMMAND_FLAG) {
        if (value)
            return command_misuse(p->c, "--%s takes no value", name);
        *(bool *)place = true;
        return COMMAND_DONE;
    }
    if (!value && p->at < p->argc)
        value = p->argv[p->at++];
    if (!value || value[0] == 0 || strncmp(value, "--", 2) == 0)
        return command_misuse(p->c, "--%s needs a value: --%s %s", name, name, o->value);
    if (o->kind == COMMAND_NUMBER)
        return take_number(p, o, value, place);
    if (o->kind == COMMAND_CHOICE)
        return take_choice(p, o, value, place);
    if (o->kind == COMMAND_WORDS)
        return take_words(p, value, place);
    *(const char **)place = value;
    return COMMAND_DONE;
}

static int parse(parser *p)
{
    while (p->at < p->argc) {
        const char *word = p->argv[p->at++];
        if (strcmp(word, "-h") == 0)
            word = "--help";
        if (strncmp(word, "--", 2) != 0) {
            const int taken = take_operand(p, word);
            if (taken != COMMAND_DONE)
                return taken;
            continue;
        }
        const char *equals = strchr(word, '=');
        char name[64];
        const size_t n = equals ? (size_t)(equals - word) - 2 : strlen(word + 2);
        if (n >= sizeof name)
            return command_misuse(p->c, "unknown option \"%.60s...\"", word);
        memcpy(name, word + 2, n);
        name[n] = 0;
        const int code = take_option(p, name, equals ? equals + 1 : NULL);
        if (code != COMMAND_DONE)
            return code;
    }
    return check_given(p);
}

/* ---- dispatch ---- */

/* How many words of argv name c; 0 when they do not. */
static int names_command(const command *c, int argc, char **argv)
{
    const char *rest = c->name;
    for (int i = 0; i < argc; i++) {
        const size_t n = strlen(argv[i]);
        if (strncmp(rest, argv[i], n) != 0 || (rest[n] != ' ' && rest[n] != 0))
            return 0;
        if (rest[n] == 0)
            return i + 1;
        rest += n + 1;
    }
    return 0;
}

static const command *command_named(int argc, char **argv, int *words)
{
    for (const command *c = command_table; c->name; c++) {
        *words = names_command(c, argc, argv);
        if (*words > 0)
            return c;
    }
    return NULL;
}

/* Whether first is the first of the several words of a command. */
static bool begins_command(const command *c, const char *first)
{
    const size_t n = strlen(first);
    return n > 0 && strncmp(c->name, first, n) == 0 && c->name[n] == ' ';
}

/* "keys" alone: which of them there are; on out when that was asked for. */
static int name_group(const char *first, bool asks)
{
    char names[512];
    size_t n = 0;
    names[0] = 0;
    for (const command *c = command_table; c->name; c++) {
        if (!begins_command(c, first))
            continue;
        if (asks) {
            (void)printf("  %-16s ", c->name);
            wrapped(c->summary, 19);
        }
        const int more = snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "",
                                  c->name + strlen(first) + 1);
        n = more > 0 && n + (size_t)more < sizeof names ? n + (size_t)more : sizeof names - 1;
    }
    return asks ? command_finish_output()
                : command_misuse(NULL, "\"%s\" needs one more word: %s", first, names);
}

static bool is_group(const char *first)
{
    for (const command *c = command_table; c->name; c++)
        if (begins_command(c, first))
            return true;
    return false;
}

static int unknown_command(const char *word)
{
    const char *names[128];
    size_t n = 0;
    for (const command *c = command_table; c->name && n < 127; c++)
        names[n++] = c->name;
    names[n] = NULL;
    if (word[0] == '-')
        return command_misuse(NULL, "unknown option \"%s\"", word);
    return unknown(NULL, "command", "", word, names);
}

static int run(const command *c, int argc, char **argv)
{
    parser p = {.c = c, .argc = argc, .argv = argv, .values = bcemr_allocate(c->size)};
    if (!p.values) {
        (void)fprintf(stderr, "bcemr: %s\n", bcemr_status_text(BCEMR_E_NO_MEMORY));
        return COMMAND_FAILED;
    }
    memcpy(p.values, c->defaults, c->size);
    int code = parse(&p);
    if (code == COMMAND_DONE && p.wants_help) {
        code = help(c);
    } else if (code == COMMAND_DONE) {
        if (c->flags & COMMAND_MAY_SEED)
            random_permit();
        code = c->run(p.values);
    }
    for (const command_option *o = c->options; o->name; o++) {
        if (o->kind == COMMAND_WORDS)
            bcemr_release((void *)((command_list *)(void *)(p.values + o->offset))->items);
    }
    bcemr_release(p.values);
    return code;
}

int command_run(int argc, char **argv)
{
    if (argc < 2)
        return command_misuse(NULL, "which command?");
    const char *first = argv[1];
    const bool asks = strcmp(first, "help") == 0;
    if (strcmp(first, "--version") == 0) {
        (void)printf("bcemr %s\n", BCEMR_VERSION);
        return command_finish_output();
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || (asks && argc == 2))
        return help_all();
    int words = 0;
    const command *c = command_named(argc - 1 - asks, argv + 1 + asks, &words);
    if (!c && is_group(argv[1 + asks])) {
        const char *second = argc > 2 ? argv[2] : "";
        return name_group(argv[1 + asks],
                          asks || strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0);
    }
    if (!c)
        return unknown_command(argv[1 + asks]);
    if (asks)
        return help(c);
    return run(c, argc - 1 - words, argv + 1 + words);
}
