/* text.def and failure.def in the chosen language. The choice is the process's: a command has one
 * user. */
#include "text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { LANGUAGES = 2, SENTENCE_MAX = 16384 };

static const char *const languages[LANGUAGES] = {"en", "es"};

static const char *const texts[][LANGUAGES] = {
#define TEXT(id, en, es) [TEXT_##id] = {en, es},
#include "text.def"
#undef TEXT
};

static const struct {
    const char *id;
    int status;
    const char *text[LANGUAGES];
} failures[] = {
#define FAILURE(id, status, en, es) [FAILURE_##id] = {#id, status, {en, es}},
#include "failure.def"
#undef FAILURE
};

static struct {
    size_t language;
    bool json;
} chosen;

static const char *
environment_language(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < COUNT(names); i++) {
        const char *value = getenv(names[i]);

        if (value && value[0])
            return value;
    }
    return languages[0];
}

bool
text_start(const char *language, bool json)
{
    const char *name = language ? language : environment_language();

    chosen.json = json;
    chosen.language = 0;
    for (size_t i = 0; i < LANGUAGES; i++) {
        if (strncmp(name, languages[i], 2) != 0 || ascii_is_alnum((uint8_t)name[2]))
            continue;
        chosen.language = i;
        return true;
    }
    return false;
}

const char *
text_get(enum text t)
{
    return texts[t][chosen.language];
}

const char *
text_language(void)
{
    return languages[chosen.language];
}

/* Arguments come from anywhere; control characters in them could speak to the terminal. */
static void
put_argument(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_put_byte(out, (uint8_t)*text < ' ' || *text == 0x7f ? '?' : (uint8_t)*text);
}

/* A sentence with its arguments, as a string in room. */
static const char *
fill_in(const char *sentence, const char *const *args, char room[SENTENCE_MAX])
{
    struct buf out = {.at = (uint8_t *)room, .room = SENTENCE_MAX - 1, .cap = SENTENCE_MAX - 1};
    size_t count = 0;

    while (args[count])
        count++;
    for (const char *at = sentence; *at; at++) {
        size_t which = at[0] == '{' && at[1] >= '1' && at[1] <= '9' && at[2] == '}'
                           ? (size_t)(at[1] - '0')
                           : 0;

        if (which == 0 || which >= count) {
            buf_put_byte(&out, (uint8_t)*at);
            continue;
        }
        put_argument(&out, args[which]);
        at += 2;
    }
    room[out.len] = '\0';
    return room;
}

void
text_print(FILE *to, enum text t, const char *const *args)
{
    char room[SENTENCE_MAX];

    fprintf(to, "%s\n", fill_in(text_get(t), args, room));
}

void
text_prompt(int fd, enum text t, const char *const *args)
{
    char room[SENTENCE_MAX];

    dprintf(fd, "%s ", fill_in(text_get(t), args, room));
}

int
text_fail(enum failure f, const char *const *args)
{
    char room[SENTENCE_MAX];
    const char *said = fill_in(failures[f].text[chosen.language], args, room);

    fflush(stdout);
    if (!chosen.json) {
        fprintf(stderr, "valija: %s\n", said);
        return failures[f].status;
    }
    json_t *line = json_pack("{s:s, s:i, s:s}", "error", failures[f].id, "exit", failures[f].status,
                             "text", said);

    if (line)
        json_dumpf(line, stderr, JSON_COMPACT);
    fputc('\n', stderr);
    json_decref(line);
    return failures[f].status;
}
