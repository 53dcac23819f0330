/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands: one table says their names, options and examples. Parsing, help, shell completion
 * (completion.h) and the manual (manual.h) come from it.
 */
#ifndef BCEMR_PROGRAM_COMMAND_H
#define BCEMR_PROGRAM_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What every command returns. */
enum {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1, /* refused or failed */
    COMMAND_MISUSED = 2 /* wrong use */
};

/* Words that followed an option; they point into argv. */
typedef struct command_list {
    const char **items;
    uint64_t count;
} command_list;

/* How an option's value is read, and what stands at its place in the command's struct. */
typedef enum command_kind {
    COMMAND_FLAG,   /* bool */
    COMMAND_TEXT,   /* const char *, not empty */
    COMMAND_NUMBER, /* uint64_t in lo..hi */
    COMMAND_CHOICE, /* const char *, one of choices */
    COMMAND_WORDS   /* command_list: one or more words, as often as it is given */
} command_kind;

typedef struct command_option {
    const char *name;  /* without the dashes */
    const char *value; /* "N", "FILE..."; NULL for a flag */
    const char *text;
    command_kind kind;
    bool required;
    size_t offset; /* into the command's struct */
    uint64_t lo, hi;
    const char *const *choices; /* ends with NULL */
} command_option;

typedef struct command_example {
    const char *line;
    const char *text;
} command_example;

/* Flags of a command. */
enum { COMMAND_MAY_SEED = 1 /* it may replace the system's random source (random.h) */ };

typedef struct command {
    const char *name;                /* one word or several: "demo", "doctor sign" */
    const char *summary;             /* one line, without a full stop */
    const char *text;                /* what more there is to say; NULL for nothing */
    const command_option *options;   /* ends with a NULL name */
    const command_example *examples; /* ends with a NULL line */
    unsigned flags;
    size_t size;          /* of its struct of options */
    const void *defaults; /* such a struct */
    size_t json;          /* where the struct holds the bool of --json, which every command has */
    int (*run)(const void *options);
    const command_option *operand; /* the word without dashes that it takes; NULL: none */
} command;

/* Every command, ended by one without a name. */
extern const command command_table[];
/* The options that every command has besides its own; ends with a NULL name. */
extern const command_option command_common[];

/* Runs what the words say and returns the exit code of the program. */
int command_run(int argc, char **argv);

/* Prints "bcemr: ..." to standard error and returns COMMAND_MISUSED. */
int command_misuse(const command *c, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* Flushes standard output: COMMAND_FAILED, and says so, when it took not all of it. */
int command_finish_output(void);
/* The word of a NULL-ended list nearest to word, NULL when none is near. */
const char *command_nearest(const char *word, const char *const *words);

#endif
