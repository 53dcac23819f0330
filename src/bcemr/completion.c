/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripts ask no program when they run: the table is written into them. In both, `words` of a
 * command are found by its name, and the word before the cursor says whether a value, a file or an
 * option comes now.
 */
#include "bcemr/completion.h"

#include "bcemr/command.h"
#include "bcemr/report.h"

#include <string.h>

const char *const completion_shells[] = {"bash", "zsh", NULL};

static bool takes_file(const command_option *o)
{
    return o->value && (strncmp(o->value, "FILE", 4) == 0 || strcmp(o->value, "DIR") == 0 ||
                        strcmp(o->value, "VISIT") == 0);
}

static void print_choices(const command_option *o)
{
    for (const char *const *choice = o->choices; *choice; choice++)
        (void)printf("%s%s", choice == o->choices ? "" : " ", *choice);
}

/* The next word of each command that begins with one of two words: "keys" takes new, show, ... */
static void print_groups(const char *line)
{
    for (const command *c = command_table; c->name; c++) {
        const size_t n = strcspn(c->name, " ");
        bool first = c->name[n] == ' ';
        for (const command *d = command_table; d != c; d++)
            first = first && strncmp(d->name, c->name, n + 1) != 0;
        if (!first)
            continue;
        (void)printf(line, (int)n, c->name);
        for (const command *d = command_table; d->name; d++)
            if (strncmp(d->name, c->name, n + 1) == 0)
                (void)printf(" %s", d->name + n + 1);
        (void)printf("' ;;\n");
    }
}

static void print_first_words(void)
{
    for (const command *c = command_table; c->name; c++) {
        const size_t n = strcspn(c->name, " ");
        bool first = true;
        for (const command *d = command_table; d != c; d++)
            first = first &&
                    (strncmp(d->name, c->name, n) != 0 || (d->name[n] != ' ' && d->name[n] != 0));
        if (first)
            (void)printf("%.*s ", (int)n, c->name);
    }
    (void)printf("help --help --version");
}

/* A line for each command: its options; for each option of it: what its value is. */
static void print_options(const command_option *options)
{
    for (const command_option *o = options; o->name; o++)
        (void)printf(" --%s", o->name);
}

static void print_value(const char *name, const command_option *o)
{
    if (!o->value || (!o->choices && !takes_file(o)))
        return;
    (void)printf("    '%s %s%s') ", name, o->name ? "--" : "", o->name ? o->name : "");
    if (o->choices) {
        (void)printf("choices='");
        print_choices(o);
        (void)printf("' ;;\n");
    } else {
        (void)printf("files=1 ;;\n");
    }
}

/* The part that both shells understand: sets options, choices and files for command and place. */
static void print_tables(void)
{
    (void)printf("_bcemr_look_up() { # COMMAND OPTION\n  options='' choices='' files=''\n"
                 "  case \"$1\" in\n");
    for (const command *c = command_table; c->name; c++) {
        (void)printf("    '%s') options='", c->name);
        for (const command_option *o = c->options; o->name; o++)
            (void)printf("--%s ", o->name);
        print_options(command_common);
        (void)printf("' ;;\n");
    }
    print_groups("    '%.*s') options='");
    (void)printf("    '') options='");
    print_first_words();
    (void)printf("' ;;\n  esac\n  case \"$1 $2\" in\n");
    for (const command *c = command_table; c->name; c++) {
        if (c->operand)
            print_value(c->name, c->operand);
        for (const command_option *o = c->options; o->name; o++)
            print_value(c->name, o);
    }
    (void)printf("  esac\n}\n\n");
}

/* Options whose values go on until the next option, and flags, which have none. */
static void print_kinds(void)
{
    (void)printf("_bcemr_kind() { # COMMAND OPTION\n  case \"$1 $2\" in\n");
    for (const command *c = command_table; c->name; c++) {
        for (const command_option *o = c->options; o->name; o++)
            (void)printf("    '%s --%s') kind=%s ;;\n", c->name, o->name,
                         o->kind == COMMAND_FLAG    ? "flag"
                         : o->kind == COMMAND_WORDS ? "many"
                                                    : "one");
    }
    (void)printf("    *) kind=flag ;;\n  esac\n}\n\n");
}

/* Walks the words before the cursor: which command, and which option still waits for a value. */
static const char walk[] =
    "_bcemr_walk() { # WORD...\n"
    "  command='' waiting='' operand=''\n"
    "  local word kind=flag group=1 skip=\n"
    "  for word in \"$@\"; do\n"
    "    if [ -n \"$skip\" ]; then skip=; waiting=; continue; fi\n"
    "    case \"$word\" in\n"
    "      --*=*) waiting= ;;\n"
    "      --*)\n"
    "        group=\n"
    "        _bcemr_kind \"$command\" \"$word\"\n"
    "        waiting=\n"
    "        case $kind in one) waiting=$word skip=1 ;; many) waiting=$word ;; esac ;;\n"
    "      *)\n"
    "        if [ -n \"$group\" ]; then\n"
    "          _bcemr_look_up \"${command:+$command }$word\" ''\n"
    "          if [ -n \"$options\" ]; then\n"
    "            command=\"${command:+$command }$word\"\n"
    "            continue\n"
    "          fi\n"
    "          group=\n"
    "          command=${command:-?}\n"
    "        fi\n"
    "        [ -n \"$waiting\" ] || operand=1 ;;\n"
    "    esac\n"
    "  done\n"
    "}\n\n";

static const char bash_end[] =
    "_bcemr() {\n"
    "  local command waiting operand options choices files current=${COMP_WORDS[COMP_CWORD]}\n"
    "  _bcemr_walk \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
    "  _bcemr_look_up \"$command\" \"$waiting\"\n"
    "  COMPREPLY=()\n"
    "  if [ -n \"$choices\" ] && [ -n \"$waiting$operand\" -o \"${current#-}\" = \"$current\" ]; "
    "then\n"
    "    COMPREPLY=($(compgen -W \"$choices\" -- \"$current\"))\n"
    "  elif [ \"${current#-}\" = \"$current\" ] && [ -n \"$files\" ] && [ -n \"$waiting\" -o -z "
    "\"$operand\" ]; then\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
    "  elif [ -z \"$waiting\" -o \"${current#-}\" != \"$current\" ]; then\n"
    "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
    "  fi\n"
    "}\n"
    "complete -F _bcemr bcemr\n";

static const char zsh_end[] =
    "_bcemr() {\n"
    "  emulate -L zsh\n"
    "  local command waiting operand options choices files current=${words[CURRENT]}\n"
    "  _bcemr_walk \"${(@)words[2,CURRENT-1]}\"\n"
    "  _bcemr_look_up \"$command\" \"$waiting\"\n"
    "  if [[ -n $choices && $current != -* ]]; then\n"
    "    compadd -- ${=choices}\n"
    "  elif [[ -n $files && $current != -* && ( -n $waiting || -z $operand ) ]]; then\n"
    "    _files\n"
    "  elif [[ -z $waiting || $current == -* ]]; then\n"
    "    compadd -- ${=options}\n"
    "  fi\n"
    "}\n"
    "compdef _bcemr bcemr\n";

int completion_main(const void *options)
{
    const completion_options *o = options;
    const bool is_zsh = strcmp(o->shell, "zsh") == 0;
    if (o->json)
        return command_misuse(NULL, "a script for a shell is not to be had as JSON");
    (void)printf("%s# %s completion for bcemr, made by `bcemr completion %s`\n\n",
                 is_zsh ? "#compdef bcemr\n" : "", o->shell, o->shell);
    print_tables();
    print_kinds();
    (void)fputs(walk, stdout);
    (void)fputs(is_zsh ? zsh_end : bash_end, stdout);
    return command_finish_output();
}
