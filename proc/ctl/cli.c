/* The command line: options from option.def, the verb from verb.def, and their help. Options may
 * stand anywhere; `--` ends them. */
#include <stdlib.h>

#include "base/ensure.h"
#include "base/suggest.h"
#include "conf/conf.h"
#include "ctl.h"

#define ANY SIZE_MAX

static const struct verb verbs[] = {
#define VERB(name, action, usage, least, most, needs, function)                                    \
    {name, action, usage, least, most, VERB_NEEDS_##needs, verb_##function, TEXT_help_##function},
#include "verb.def"
#undef VERB
};

struct option_row {
    const char *name; /* with _ for - */
    char letter;
    const char *value, *verbs;
    enum text help;
};

static const struct option_row option_rows[OPTION_COUNT] = {
#define OPTION(name, letter, value, verbs) {#name, letter, value, verbs, TEXT_option_##name},
#include "option.def"
#undef OPTION
};

enum { NAME_MAX_LEN = 32 }; /* bytes of an option's or verb's name, with a NUL */

/* What the user typed, before it is known to make sense. */
struct line {
    struct ctl *ctl;
    char **words; /* all that are not options */
    size_t count;
    bool foreign; /* --lang names a language that the command itself does not speak */
};

/* Does a word, without its dashes, name this option? */
static bool
names_option(struct slice word, const char *name)
{
    size_t i = 0;

    for (; i < word.len && name[i]; i++)
        if (word.at[i] != (name[i] == '_' ? '-' : name[i]))
            return false;
    return i == word.len && !name[i];
}

static const struct option_row *
find_option(const char *word, const char **value)
{
    bool is_long = word[1] == '-';
    struct slice rest = slice_of(word + (is_long ? 2 : 1)), name = rest;

    *value = NULL;
    if (is_long && slice_cut(&rest, '=', &name))
        *value = (const char *)rest.at ? (const char *)rest.at : "";
    else if (!is_long && rest.len > 1)
        *value = word + 2;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];

        if (is_long ? names_option(name, row->name) : word[1] == row->letter)
            return row;
    }
    return NULL;
}

static int
take_option(struct ctl *c, char **argv, int argc, int *at)
{
    const char *value, *word = argv[*at];
    const struct option_row *row = find_option(word, &value);

    if (!row)
        return FAIL(unknown_option, word);
    if (row->value[0] && !value) {
        if (*at + 1 >= argc)
            return FAIL(option_needs_value, word, row->value);
        value = argv[++*at];
    } else if (!row->value[0] && value) {
        return FAIL(option_takes_no_value, word);
    }
    c->options[row - option_rows] = value ? value : "";
    return 0;
}

/* "-ERR [AUTH] wrong password" begins like an option, but no option's name is so. */
static bool
is_text(const char *word)
{
    const char *value;

    return strchr(word, ' ') && !find_option(word, &value);
}

/* Sorts argv into options and words. */
static int
read_line(struct line *l, int argc, char **argv)
{
    bool only_words = false;

    for (int i = 1; i < argc; i++) {
        int status = 0;

        if (only_words || argv[i][0] != '-' || argv[i][1] == '\0' || is_text(argv[i]))
            l->words[l->count++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            only_words = true;
        else
            status = take_option(l->ctl, argv, argc, &i);
        if (status)
            return status;
    }
    return 0;
}

/* Is "name" or "name action" in the list? An empty list takes all. */
static bool
takes_option(const struct option_row *row, const struct verb *v)
{
    struct slice rest = slice_of(row->verbs), one;
    bool more = rest.len > 0;

    if (!more)
        return true;
    while (more) {
        more = slice_cut(&rest, ',', &one);
        if (!slice_take_prefix(&one, slice_of(v->name)))
            continue;
        slice_take_prefix(&one, SLICE(" "));
        if (slice_eq(one, slice_of(v->action)))
            return true;
    }
    return false;
}

/* The name as it is typed. */
static void
write_name(const struct option_row *row, char name[NAME_MAX_LEN])
{
    snprintf(name, NAME_MAX_LEN, "%s", row->name);
    for (char *at = name; *at; at++)
        if (*at == '_')
            *at = '-';
}

static void
print_usage(FILE *to, const struct verb *v)
{
    fprintf(to, "  valija %s%s%s%s%s\n", v->name, v->action[0] ? " " : "", v->action,
            v->usage[0] ? " " : "", v->usage);
}

/* The options of one verb, or with NULL those that all take. */
static void
print_options(FILE *to, const struct verb *v)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        char name[NAME_MAX_LEN];

        if (v ? !row->verbs[0] || !takes_option(row, v) : row->verbs[0] != '\0')
            continue;
        write_name(row, name);
        fprintf(to, "  %c%c --%s%s%s\n        %s\n", row->letter ? '-' : ' ',
                row->letter ? row->letter : ' ', name, row->value[0] ? " " : "", row->value,
                text_get(row->help));
    }
}

static int
help_all(FILE *to)
{
    fprintf(to, "%s\n\n", text_get(TEXT_help_head));
    for (size_t i = 0; i < COUNT(verbs); i++)
        print_usage(to, &verbs[i]);
    fprintf(to, "\n%s\n", text_get(TEXT_help_options));
    print_options(to, NULL);
    fprintf(to, "\n%s\n", text_get(TEXT_help_tail));
    return 0;
}

static int
help_group(FILE *to, const char *name)
{
    fprintf(to, "%s\n", text_get(TEXT_help_usage));
    for (size_t i = 0; i < COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, name) != 0)
            continue;
        print_usage(to, &verbs[i]);
        fprintf(to, "        %s\n", text_get(verbs[i].help));
        print_options(to, &verbs[i]);
    }
    fprintf(to, "%s\n", text_get(TEXT_help_options));
    print_options(to, NULL);
    return 0;
}

static int
help_verb(FILE *to, const struct verb *v)
{
    fprintf(to, "%s\n", text_get(TEXT_help_usage));
    print_usage(to, v);
    fprintf(to, "\n%s\n\n%s\n", text_get(v->help), text_get(TEXT_help_options));
    print_options(to, v);
    print_options(to, NULL);
    return 0;
}

/* The verb that the first words name. taken: how many of them; 0 with NULL: not even the first is
 * known. */
static const struct verb *
find_verb(const struct line *l, size_t *taken)
{
    *taken = 0;
    for (size_t i = 0; l->count && i < COUNT(verbs); i++) {
        if (strcmp(l->words[0], verbs[i].name) != 0)
            continue;
        *taken = 1;
        if (!verbs[i].action[0])
            return &verbs[i];
        if (l->count < 2 || strcmp(l->words[1], verbs[i].action) != 0)
            continue;
        *taken = 2;
        return &verbs[i];
    }
    return NULL;
}

/* Nothing fits the words: say which one, and what was probably meant. */
static int
complain_verb(const struct line *l, size_t known)
{
    const char *names[COUNT(verbs)], *word = l->words[known];
    char guess[NAME_MAX_LEN];
    size_t count = 0;

    for (size_t i = 0; i < COUNT(verbs); i++)
        if (known == 0 || strcmp(verbs[i].name, l->words[0]) == 0)
            names[count++] = known ? verbs[i].action : verbs[i].name;
    slice_to_string(suggest_name(slice_of(word), names, count), guess, sizeof(guess));
    if (guess[0])
        return FAIL(unknown_verb_guess, word, guess);
    return FAIL(unknown_verb, word);
}

static int
run_verb(struct line *l, const struct verb *v, size_t taken)
{
    struct ctl *c = l->ctl;
    char name[NAME_MAX_LEN];
    int status;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!c->options[i] || takes_option(&option_rows[i], v))
            continue;
        write_name(&option_rows[i], name);
        return FAIL(option_elsewhere, name, option_rows[i].verbs);
    }
    c->args = l->words + taken;
    c->count = l->count - taken;
    if (c->count < v->least || c->count > v->most) {
        status = c->count < v->least ? FAIL(too_few_words) : FAIL(too_many_words);
        print_usage(stderr, v);
        return status;
    }
    status = v->needs == VERB_NEEDS_SERVICE ? ctl_connect(c) : 0;
    if (status == 0)
        status = v->run(c);
    ctl_clear(c);
    if (fflush(stdout) != 0 || ferror(stdout))
        return status ? status : FAIL(output_failed);
    return status;
}

static int
run_words(struct line *l)
{
    bool help = ctl_has(l->ctl, OPTION_help);
    size_t taken;
    const struct verb *v;

    if (ctl_has(l->ctl, OPTION_version))
        return verb_version(l->ctl);
    if (l->count && strcmp(l->words[0], "help") == 0) {
        help = true;
        l->words++;
        l->count--;
    }
    v = find_verb(l, &taken);
    if (l->foreign && !(v && v->needs == VERB_NEEDS_CATALOGUE))
        return FAIL(unknown_language, l->ctl->options[OPTION_lang]);
    if (v)
        return help ? help_verb(stdout, v) : run_verb(l, v, taken);
    if (l->count == 0) {
        help_all(help ? stdout : stderr);
        return help ? 0 : EX_USAGE;
    }
    if (taken == 0 || l->count > taken)
        return complain_verb(l, taken);
    help_group(help ? stdout : stderr, l->words[0]);
    return help ? 0 : EX_USAGE;
}

int
cli_run(int argc, char **argv)
{
    struct ctl c = {0};
    struct line l = {.ctl = &c};
    char **words = heap_take(sizeof(*words) * (size_t)(argc + 1));
    int status;

    l.words = words;
    text_start(NULL, false);
    status = read_line(&l, argc, argv);
    l.foreign = status == 0 && !text_start(c.options[OPTION_lang], ctl_has(&c, OPTION_json)) &&
                ctl_has(&c, OPTION_lang);
    if (status == 0)
        status = run_words(&l);
    free(words);
    return status;
}
