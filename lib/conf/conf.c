/* From text to struct conf: line by line, then what the lines left open. Every mistake is noted and
 * reading goes on; only a text without errors becomes a result. */
#include <stdio.h>

#include "base/ensure.h"
#include "base/suggest.h"
#include "conf/conf_private.h"

/* What the other limits let a result hold at most, so that reaching it is our bug. */
enum { ARENA_CAP = 16 << 20 };

enum { ONCE = true, MANY = false };

static const struct conf_key keys[KEY_COUNT] = {
#define KEY(id, word, usage, times, fallback, example, help)                                       \
    {word, word " " usage, times, conf_read_##id},
#include "conf/keys.def"
#undef KEY
};

static const char *const key_words[KEY_COUNT] = {
#define KEY(id, word, usage, times, fallback, example, help) word,
#include "conf/keys.def"
#undef KEY
};

void *
conf_take(struct conf_parser *p, size_t n)
{
    void *at = arena_take(p->conf->arena, n);

    ensure(at);
    return at;
}

const char *
conf_keep(struct conf_parser *p, struct slice s)
{
    char *copy = conf_take(p, s.len + 1);

    ensure(slice_to_string(s, copy, s.len + 1));
    return copy;
}

struct slice
conf_number(char room[CONF_DIGITS], uint64_t number)
{
    return slice_make(room,
                      (size_t)snprintf(room, CONF_DIGITS, "%llu", (unsigned long long)number));
}

void
conf_complain(struct conf_parser *p, const struct conf_word *word, enum conf_mistake_id id,
              struct slice first, struct slice second)
{
    conf_fault_put(p->mistakes,
                   &(struct conf_fault){p->line, word->column, id, {first, second}, {NULL, 0}});
}

void
conf_complain_unknown(struct conf_parser *p, const struct conf_word *word, enum conf_mistake_id id,
                      const char *const *names, size_t count)
{
    struct conf_fault fault = {.line = p->line, .column = word->column, .id = id};

    fault.args[0] = word->text;
    if (p->mistakes->count < CONF_MISTAKES_MAX) /* else nobody will see the hint: it costs time */
        fault.hint = suggest_name(word->text, names, count);
    conf_fault_put(p->mistakes, &fault);
}

static bool
is_value(struct slice want)
{
    return want.at[0] >= 'A' && want.at[0] <= 'Z';
}

/* The next word of a usage. True: it begins what may be left out. */
static bool
take_want(struct slice *usage, struct slice *want, bool *more)
{
    bool optional;

    *more = slice_cut(usage, ' ', want);
    optional = slice_take_prefix(want, SLICE("["));
    if (want->at[want->len - 1] == ']')
        want->len--;
    return optional;
}

/* Up to the bracket that closes what was left out. */
static struct conf_word *
leave_out(struct slice *usage, struct slice want, bool *more, struct conf_word *values)
{
    for (;;) {
        if (is_value(want))
            *values++ = (struct conf_word){0};
        if (want.at[want.len] == ']')
            return values;
        take_want(usage, &want, more);
    }
}

/* Holds the words of a line against the usage of its directive and keeps the values: capitals stand
 * for one, small letters for themselves, brackets around what may be left out. */
static bool
take_values(struct conf_parser *p, const struct conf_words *words, struct conf_word *values)
{
    struct slice usage = slice_of(p->key->usage), want;
    struct conf_word end = {.column = words->end};
    const struct conf_word *word = words->at, *behind = words->at + words->count;
    bool more = slice_cut(&usage, ' ', &want);

    if (words->count > 1 && slice_eq(words->at[1].text, SLICE("="))) {
        conf_complain(p, &words->at[1], MISTAKE_EQUALS, slice_of(p->key->usage), SLICE(""));
        return false;
    }
    for (word++; more;) {
        if (take_want(&usage, &want, &more) && (word == behind || !slice_eq(word->text, want))) {
            values = leave_out(&usage, want, &more, values);
            continue;
        }
        if (word == behind) {
            conf_complain(p, &end, MISTAKE_MISSING, want, slice_of(p->key->usage));
            return false;
        }
        if (is_value(want)) {
            *values++ = *word;
        } else if (!slice_eq(word->text, want)) {
            conf_complain(p, word, MISTAKE_WRONG_WORD, word->text, want);
            return false;
        }
        word++;
    }
    if (word < behind) {
        conf_complain(p, word, MISTAKE_EXTRA, word->text, slice_of(p->key->usage));
        return false;
    }
    return true;
}

static void
read_directive(struct conf_parser *p, const struct conf_words *words)
{
    const struct conf_word *word = &words->at[0];
    struct conf_word values[CONF_WORDS_MAX];
    char digits[CONF_DIGITS];
    size_t k = 0;

    while (k < KEY_COUNT && !slice_eq(word->text, slice_of(keys[k].word)))
        k++;
    if (k == KEY_COUNT) {
        conf_complain_unknown(p, word, MISTAKE_UNKNOWN_KEY, key_words, KEY_COUNT);
        return;
    }
    p->key = &keys[k];
    if (keys[k].once && p->key_lines[k]) {
        conf_complain(p, word, MISTAKE_REPEATED, word->text, conf_number(digits, p->key_lines[k]));
        return;
    }
    if (!p->key_lines[k])
        p->key_lines[k] = p->line;
    if (take_values(p, words, values))
        keys[k].read(p, values);
}

static void
read_line(struct conf_parser *p, struct slice line)
{
    struct conf_fault fault = {.line = p->line, .column = 1};
    struct conf_words words;
    char digits[CONF_DIGITS];

    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    if (line.len > CONF_LINE_MAX) {
        fault.id = MISTAKE_LINE_LONG;
        fault.args[0] = conf_number(digits, CONF_LINE_MAX);
        conf_fault_put(p->mistakes, &fault);
    } else if (!conf_words_cut(line, &words, &fault)) {
        conf_fault_put(p->mistakes, &fault);
    } else if (words.count) {
        read_directive(p, &words);
    }
}

static void
read_lines(struct conf_parser *p)
{
    struct slice text = p->input->text, line;
    char digits[CONF_DIGITS];
    bool more = true;

    if (text.len > CONF_FILE_MAX) {
        conf_complain(p, &(struct conf_word){0}, MISTAKE_FILE_LARGE,
                      conf_number(digits, CONF_FILE_MAX), SLICE(""));
        return;
    }
    slice_take_prefix(&text, SLICE("\xef\xbb\xbf")); /* the byte order mark some editors write */
    while (more) {
        more = slice_cut(&text, '\n', &line);
        p->line++;
        read_line(p, line);
    }
}

static void
settle_hostname(struct conf_parser *p)
{
    struct slice name = slice_of(p->input->system_name);
    bool full, good;

    if (p->conf->hostname)
        return;
    good = conf_name_good(name, &full);
    if (!good || !full)
        conf_complain(p, &(struct conf_word){0}, MISTAKE_SYSTEM_NAME, name, SLICE(""));
    p->conf->hostname = conf_keep(p, good ? name : SLICE("localhost"));
}

static void
settle_folders(struct conf_parser *p)
{
    struct conf *c = p->conf;
    struct conf_word run = {SLICE(CONF_RUN), 0};
    char path[CONF_PATH_MAX + sizeof("/run")];

    if (p->input->state)
        c->state = conf_path_keep(p, &(struct conf_word){slice_of(p->input->state), 0});
    else if (!c->state)
        c->state = CONF_STATE;
    if (c->run || !c->state)
        return;
    if (strcmp(c->state, CONF_STATE) != 0) {
        snprintf(path, sizeof(path), "%s/run", c->state);
        run.text = slice_of(path);
    }
    c->run = conf_path_keep(p, &run);
}

static void
settle_trust(struct conf_parser *p)
{
    if (!p->conf->trust_anchor_named)
        p->conf->trust_anchor = CONF_TRUST_ANCHOR;
    if (!p->conf->authorities_named)
        p->conf->authorities = CONF_AUTHORITIES;
}

/* A listener the file has no line for. */
static void
add_default(struct conf_parser *p, enum conf_protocol protocol, const char *address)
{
    struct conf_word values[] = {{slice_of(conf_protocols[protocol].name), 0},
                                 {slice_of(address), 0}};

    p->key = &keys[KEY_listen];
    conf_read_listen(p, values);
}

static void
settle_listens(struct conf_parser *p)
{
    struct conf *c = p->conf;
    char address[CONF_PATH_MAX + sizeof("unix:/sendmail")];
    bool system = false, others = false;

    for (size_t i = 0; i < c->listen_count; i++) {
        system = system || c->listens[i].protocol == CONF_system;
        others = others || c->listens[i].protocol != CONF_system;
    }
    for (int i = 0; i < CONF_PROTOCOL_COUNT && !others; i++) {
        const struct conf_protocol_row *row = &conf_protocols[i];

        snprintf(address, sizeof(address), "*:%u", row->port);
        if (row->port && (row->kind != CONF_TLS || c->tls_count))
            add_default(p, (enum conf_protocol)i, address);
    }
    snprintf(address, sizeof(address), "unix:%s/sendmail", c->run ? c->run : "");
    if (!system)
        add_default(p, CONF_system, address);
}

/* Certificates for the listeners that need them, and the default one in front. */
static void
settle_tls(struct conf_parser *p)
{
    struct conf *c = p->conf;

    for (size_t i = 0; i < c->listen_count && !p->key_lines[KEY_tls]; i++) {
        const struct conf_protocol_row *row = &conf_protocols[c->listens[i].protocol];

        p->line = c->listens[i].line;
        if (row->kind == CONF_TLS)
            conf_complain(p, &(struct conf_word){.column = 1}, MISTAKE_NEEDS_TLS,
                          slice_of(row->name), SLICE(""));
    }
    for (size_t i = 1; i < c->tls_count; i++) {
        struct conf_tls first = c->tls[i];

        if (strcmp(first.name, "*") != 0)
            continue;
        memmove(&c->tls[1], &c->tls[0], i * sizeof(first));
        c->tls[0] = first;
    }
}

const struct conf *
conf_parse(const struct conf_input *input, struct conf_mistakes *mistakes)
{
    struct arena *arena = arena_new("conf", ARENA_CAP);
    struct conf *c = arena_take(arena, sizeof(*c));
    struct conf_parser p = {.conf = c, .mistakes = mistakes, .input = input};

    c->arena = arena;
    limits_init(&c->limits);
    conf_mistakes_init(mistakes, input->file);
    read_lines(&p);
    p.line = 0; /* what follows concerns the file as a whole */
    settle_hostname(&p);
    settle_folders(&p);
    settle_listens(&p);
    settle_tls(&p);
    settle_trust(&p);
    if (mistakes->errors == 0)
        return c;
    arena_free(arena);
    return NULL;
}

void
conf_free(const struct conf *c)
{
    if (c)
        arena_free(c->arena); /* c itself is in there */
}
