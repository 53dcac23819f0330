/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page, in mdoc. */
#include "bcemr/manual.h"

#include "bcemr/command.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* When the words of this page last changed in a way worth a date. */
#define MANUAL_DATE "November 23, 2026"

/* A text as roff takes it: nothing of it is a request, an escape or a macro's argument. */
static void put_text(const char *text)
{
    (void)fputs("\\&", stdout);
    for (const char *c = text; *c; c++) {
        if (*c == '\\')
            (void)fputs("\\e", stdout);
        else if (*c == '-')
            (void)fputs("\\-", stdout);
        else if (*c == '"')
            (void)fputs("\\(dq", stdout);
        else if (*c == '`' || *c == '\'')
            (void)fputs(*c == '`' ? "\\(ga" : "\\(aq", stdout);
        else
            (void)putchar(*c);
    }
}

/* Sentences on lines of their own, as mdoc wants them. */
static void put_sentences(const char *text)
{
    const char *end;
    while ((end = strstr(text, ". ")) != NULL) {
        char sentence[1024];
        const size_t n = (size_t)(end - text) + 1;
        (void)snprintf(sentence, sizeof sentence, "%.*s", (int)n, text);
        put_text(sentence);
        (void)putchar('\n');
        text = end + 2;
    }
    put_text(text);
    (void)putchar('\n');
}

static void put_options(const command_option *options)
{
    for (const command_option *o = options; o->name; o++) {
        (void)fputs(".It Fl \\-", stdout);
        put_text(o->name);
        if (o->value) {
            (void)fputs(" Ar ", stdout);
            put_text(o->value);
        }
        (void)putchar('\n');
        put_sentences(o->text);
        if (o->required)
            (void)puts("(must be given)");
    }
}

static void put_command(const command *c)
{
    (void)fputs(".Ss bcemr ", stdout);
    put_text(c->name);
    (void)printf("\n.Nm Cm ");
    put_text(c->name);
    if (c->operand)
        (void)printf(" %sAr %s", c->operand->required ? "" : "Op ", c->operand->value);
    (void)fputs(" Op Ar option ...\n.Pp\n", stdout);
    char summary[256];
    (void)snprintf(summary, sizeof summary, "%c%s.", toupper((unsigned char)c->summary[0]),
                   c->summary + 1);
    put_sentences(summary);
    if (c->text)
        put_sentences(c->text);
    if (!c->operand && !c->options->name)
        return;
    (void)puts(".Bl -tag -width Ds");
    if (c->operand) {
        (void)printf(".It Ar %s\n", c->operand->value);
        put_sentences(c->operand->text);
    }
    put_options(c->options);
    (void)puts(".El");
}

static void put_examples(void)
{
    (void)puts(".Sh EXAMPLES");
    for (const command *c = command_table; c->name; c++) {
        for (const command_example *e = c->examples; e->line; e++) {
            char text[512];
            if (c != command_table || e != c->examples)
                (void)puts(".Pp");
            (void)snprintf(text, sizeof text, "%c%s:", toupper((unsigned char)e->text[0]),
                           e->text + 1);
            put_sentences(text);
            (void)fputs(".Pp\n.Dl ", stdout);
            put_text(e->line);
            (void)putchar('\n');
        }
    }
}

int manual_main(const void *options)
{
    const manual_options *o = options;
    if (o->json)
        return command_misuse(NULL, "a manual page is not to be had as JSON");
    (void)puts(
        ".\\\" made by `bcemr manual` from the table of commands\n"
        ".Dd " MANUAL_DATE "\n.Dt BCEMR 1\n.Os\n.Sh NAME\n.Nm bcemr\n"
        ".Nd medical records of several doctors, opened by the patient\\(aqs consent\n"
        ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar option ...\n.Nm\n.Fl \\-help | "
        "\\-version\n.Sh DESCRIPTION\n.Nm\nkeeps records that several doctors sign in "
        "order and that nobody opens without the patient.\nEvery command has these options:\n"
        ".Bl -tag -width Ds");
    put_options(command_common);
    (void)puts(".El\n.Pp\nSecrets are read from files that nobody else may read, or asked for at "
               "the terminal, and are never arguments.\nFiles appear whole or not at all, and none "
               "is written over unasked.\n.Sh COMMANDS");
    for (const command *c = command_table; c->name; c++)
        put_command(c);
    (void)puts(".Sh EXIT STATUS\n.Bl -tag -width Ds\n.It 0\nDone.\n.It 1\nRefused or failed; the "
               "error has a name.\n.It 2\nWrong use.\n.El");
    put_examples();
    return command_finish_output();
}
