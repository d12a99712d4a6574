/* Reads the cases of test/bounce: what became of a message, told a line at a time. README.md there
 * has the form. For unit tests, the fuzzer and bounce-print. */
#ifndef TEST_BOUNCE_STORY_H
#define TEST_BOUNCE_STORY_H

#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "bounce/bounce.h"
#include "mime/walk.h"

enum { STORY_RECIPIENTS = 200, STORY_MEMORY = 16 << 20 };

struct story {
    struct bounce b;
    struct bounce_recipient recipients[STORY_RECIPIENTS];
    struct slice expected; /* what stands under "=== notice" */
    unsigned line;         /* that was not understood; 0: all were */
};

/* "\n", "\r", "\\" and "\xE1" become what they mean. */
static struct slice
story_bytes(struct slice text, struct arena *a)
{
    uint8_t *to = arena_take(a, text.len + 1);
    size_t n = 0;

    for (size_t i = 0; to && i < text.len; i++) {
        uint8_t next = i + 1 < text.len ? text.at[i + 1] : 0;

        if (text.at[i] != '\\' || !next) {
            to[n++] = text.at[i];
        } else if (next == 'x' && i + 3 < text.len && ascii_hex_value(text.at[i + 2]) >= 0 &&
                   ascii_hex_value(text.at[i + 3]) >= 0) {
            to[n++] =
                (uint8_t)(ascii_hex_value(text.at[i + 2]) << 4 | ascii_hex_value(text.at[i + 3]));
            i += 3;
        } else {
            to[n++] = next == 'n' ? '\n' : next == 'r' ? '\r' : next;
            i++;
        }
    }
    return slice_make(to, n);
}

/* "2026-11-22 21:40:05", UTC; 0 where it is no such time. */
static int64_t
story_time(struct slice value)
{
    char text[32];
    struct tm tm = {0};

    if (!slice_to_string(value, text, sizeof(text)) || !strptime(text, "%Y-%m-%d %H:%M:%S", &tm))
        return 0;
    return timegm(&tm);
}

static bool
story_take_action(struct slice value, enum bounce_action *action)
{
    for (int i = 0; i < BOUNCE_ACTIONS; i++) {
        if (slice_eq(value, slice_of(bounce_action_names[i]))) {
            *action = (enum bounce_action)i;
            return true;
        }
    }
    return false;
}

static bool
story_take_recipient(struct bounce_recipient *r, struct slice key, struct slice value,
                     struct arena *a)
{
    const struct {
        const char *key;
        struct slice *to;
    } texts[] = {
        {"written", &r->written}, {"orcpt", &r->orcpt}, {"status", &r->status},
        {"reason", &r->reason},   {"said", &r->said},   {"remote", &r->remote},
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        if (slice_eq(key, slice_of(texts[i].key))) {
            *texts[i].to = story_bytes(value, a);
            return true;
        }
    }
    if (slice_eq(key, SLICE("action")))
        return story_take_action(value, &r->action);
    if (slice_eq(key, SLICE("hidden")))
        return (r->is_hidden = slice_eq(value, SLICE("yes")));
    if (slice_eq(key, SLICE("ours")))
        return (r->is_ours = slice_eq(value, SLICE("yes")));
    if (slice_eq(key, SLICE("tried")))
        return (r->tried = story_time(value)) != 0;
    if (slice_eq(key, SLICE("until")))
        return (r->until = story_time(value)) != 0;
    return false;
}

static bool
story_take_message(struct bounce *b, struct slice key, struct slice value, struct arena *a)
{
    const struct {
        const char *key;
        struct slice *to;
    } texts[] = {
        {"host", &b->host},   {"domain", &b->domain},       {"sender", &b->sender},
        {"envid", &b->envid}, {"reference", &b->reference}, {"postmaster", &b->postmaster},
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        if (slice_eq(key, slice_of(texts[i].key))) {
            *texts[i].to = story_bytes(value, a);
            return true;
        }
    }
    if (slice_eq(key, SLICE("languages"))) {
        b->languages[1] = value;
        slice_cut(&b->languages[1], ' ', &b->languages[0]);
        return true;
    }
    if (slice_eq(key, SLICE("held")))
        return (b->held = id_parse(value.at, value.len)) != 0;
    if (slice_eq(key, SLICE("ret")))
        return (b->wants_whole = slice_eq(value, SLICE("FULL")));
    if (slice_eq(key, SLICE("arrived")))
        return (b->arrived = story_time(value)) != 0;
    return false;
}

static bool
story_take_line(struct story *s, struct slice line, struct arena *a)
{
    struct slice value = line, key;

    if (slice_trim(line).len == 0 || line.at[0] == '#')
        return true;
    if (!slice_cut(&value, ':', &key))
        return false;
    value = slice_trim(value);
    if (slice_eq(key, SLICE("recipient"))) {
        if (s->b.count == STORY_RECIPIENTS)
            return false;
        s->recipients[s->b.count++].address = story_bytes(value, a);
        return value.len > 0;
    }
    if (s->b.count && story_take_recipient(&s->recipients[s->b.count - 1], key, value, a))
        return true;
    return story_take_message(&s->b, key, value, a);
}

static bool
story_is_whole(const struct story *s)
{
    for (size_t i = 0; i < s->b.count; i++)
        if (s->recipients[i].is_hidden && s->recipients[i].written.len == 0)
            return false;
    return s->b.count && s->b.host.len && (s->b.sender.len || s->b.postmaster.len);
}

/* A notice as people read it: quoted-printable parts decoded, lines ending in LF. */
static inline void
story_put_readable(struct buf *out, struct slice notice)
{
    struct mime_part parts[16];
    size_t count = mime_walk(notice, parts, COUNT(parts)), at = 0;
    struct buf text;
    struct slice line;

    buf_init(&text, out->cap);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].encoding != MIME_QUOTED_PRINTABLE)
            continue;
        buf_put(&text, slice_make(notice.at + at, (size_t)(parts[i].body.at - notice.at) - at));
        mime_decoded_put(&text, parts[i].body, parts[i].encoding);
        at = (size_t)(parts[i].body.at + parts[i].body.len - notice.at);
    }
    buf_put(&text, slice_tail(notice, at));
    for (struct slice rest = buf_slice(&text); slice_cut(&rest, '\n', &line);) {
        line.len -= line.len && line.at[line.len - 1] == '\r';
        buf_put(out, line);
        buf_put_byte(out, '\n');
    }
    buf_clear(&text);
}

/* What follows the line `mark`, cut off *text with it; empty where there is none. */
static struct slice
story_cut(struct slice *text, const char *mark)
{
    const uint8_t *at = text->len ? memmem(text->at, text->len, mark, strlen(mark)) : NULL;
    struct slice rest = {NULL, 0};

    if (at) {
        rest = slice_tail(*text, (size_t)(at - text->at) + strlen(mark));
        text->len = (size_t)(at - text->at) + 1;
    }
    return rest;
}

/* False: a line was not understood, or something is missing. The story holds parts of text. */
static bool
story_read(struct story *s, struct slice text, struct arena *a)
{
    struct slice line;

    *s = (struct story){0};
    s->b = (struct bounce){
        .host = SLICE("mail.here.example"),
        .domain = SLICE("here.example"),
        .sender = SLICE("luis@here.example"),
        .languages = {SLICE("en")},
        .recipients = s->recipients,
        .id = UINT64_C(0x123456789abcdef),
        .now = 1795383605, /* 2026-11-22 21:40:05 UTC */
        .offset = 60,
    };
    s->expected = story_cut(&text, "\n=== notice\n");
    s->b.original = story_cut(&text, "\n=== original\n");
    for (unsigned n = 1; text.len; n++) {
        slice_cut(&text, '\n', &line);
        if (!story_take_line(s, line, a)) {
            s->line = n;
            return false;
        }
    }
    return story_is_whole(s);
}

#endif
