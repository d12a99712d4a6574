/* The commands of the TRANSACTION state (RFC 1939 sections 5 and 7). Marks live in a bitmap and the
 * totals move with them, so that only the listings walk the table; they go on as `out` drains. */
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "pop3/server_private.h"

enum { ENTRY_MAX = 64 }; /* a number and a size, or a number and two more in hexadecimal; CR LF */

bool
pop3_server_is_deleted(const struct pop3_server *s, size_t at)
{
    ensure(at < s->count);
    return s->marks[at / 8] & 1 << at % 8;
}

/* The place in the table that a message number means. False: refused. */
static bool
find(struct pop3_server *s, struct slice text, size_t *at)
{
    uint64_t number;

    if (!slice_to_u64(text, &number) || number == 0 || number > s->count) {
        pop3_say_about(s, POP3_NO_MESSAGE, text); /* rfc1939#4-d */
        return false;
    }
    *at = (size_t)number - 1;
    if (pop3_server_is_deleted(s, *at)) {
        pop3_say_number(s, POP3_DELETED, number); /* rfc1939#5-a */
        return false;
    }
    return true;
}

/* "number SP size" (rfc1939#5-c), or "number SP id" of 1 to 70 printable characters (rfc1939#7-d).
 * Returns its length. */
static int
format_entry(const struct pop3_server *s, enum pop3_listing kind, size_t at, char entry[ENTRY_MAX])
{
    const struct pop3_message *m = &s->messages[at];

    if (kind == POP3_LISTING_SIZES)
        return snprintf(entry, ENTRY_MAX, "%zu %llu", at + 1, (unsigned long long)m->size);
    return snprintf(entry, ENTRY_MAX, "%zu %llx.%llx", at + 1, (unsigned long long)s->uid_validity,
                    (unsigned long long)m->uid);
}

void
pop3_listing_continue(struct pop3_server *s)
{
    char entry[ENTRY_MAX];

    for (; s->listed < s->count; s->listed++) {
        if (buf_space(s->out) < 2 * ENTRY_MAX) /* the last line, too */
            return;
        if (pop3_server_is_deleted(s, s->listed))
            continue;
        buf_put(s->out, slice_make(entry, (size_t)format_entry(s, s->listing, s->listed, entry)));
        buf_put(s->out, SLICE("\r\n"));
    }
    buf_put(s->out, SLICE(".\r\n"));
    s->listing = POP3_LISTING_NONE;
}

static void
say_totals(struct pop3_server *s, enum reason r, const char *between, const char *after)
{
    char text[96];

    snprintf(text, sizeof(text), "%zu%s%llu%s", s->count - s->marked, between,
             (unsigned long long)s->octets, after);
    pop3_say_about(s, r, slice_of(text));
}

/* stat = "STAT"    rfc1939#5-b */
void
pop3_cmd_stat(struct pop3_server *s, struct slice args)
{
    (void)args;
    say_totals(s, POP3_FACTS, " ", "");
}

/* False: it was about one message, and is done. */
static bool
list_all(struct pop3_server *s, struct slice args, enum pop3_listing kind)
{
    char entry[ENTRY_MAX];
    size_t at;

    if (args.len && find(s, args, &at)) {
        format_entry(s, kind, at, entry);
        pop3_say_about(s, POP3_FACTS, slice_of(entry));
    }
    if (args.len)
        return false;
    s->listing = kind; /* feed goes on with it */
    s->listed = 0;
    return true;
}

/* list = "LIST" [SP number]    rfc1939#5-c */
void
pop3_cmd_list(struct pop3_server *s, struct slice args)
{
    if (list_all(s, args, POP3_LISTING_SIZES))
        say_totals(s, POP3_LIST, " messages (", " octets)");
}

/* uidl = "UIDL" [SP number]    rfc1939#7-c */
void
pop3_cmd_uidl(struct pop3_server *s, struct slice args)
{
    if (list_all(s, args, POP3_LISTING_IDS))
        pop3_say(s, POP3_UIDL);
}

static void
ask_body(struct pop3_server *s, size_t at, uint64_t lines)
{
    s->ask = (struct pop3_ask){
        .kind = POP3_ASK_BODY, .user = secret_get(&s->user), .message = at, .lines = lines};
}

/* retr = "RETR" SP number    rfc1939#5-d */
void
pop3_cmd_retr(struct pop3_server *s, struct slice args)
{
    size_t at;

    if (find(s, args, &at))
        ask_body(s, at, POP3_ALL_LINES);
}

/* top = "TOP" SP number SP lines    rfc1939#7-a */
void
pop3_cmd_top(struct pop3_server *s, struct slice args)
{
    struct slice number;
    uint64_t lines;
    size_t at;

    if (!slice_cut(&args, ' ', &number) || !slice_to_u64(args, &lines) || lines == POP3_ALL_LINES)
        pop3_say(s, POP3_BAD_ARGS);
    else if (find(s, number, &at))
        ask_body(s, at, lines);
}

void
pop3_server_body_begin(struct pop3_server *s)
{
    ensure(s->ask.kind == POP3_ASK_BODY && !s->sending);
    s->sending = true;
    if (s->ask.lines == POP3_ALL_LINES)
        pop3_say_number(s, POP3_BODY, s->messages[s->ask.message].size);
    else
        pop3_say_number(s, POP3_TOP, s->ask.message + 1);
}

void
pop3_body_answered(struct pop3_server *s, struct pop3_ask ask, const struct pop3_answer *a)
{
    (void)ask;
    ensure(a->reason || s->sending);
    if (s->sending)
        s->closing = a->reason != REASON_NONE; /* half a message: no reply can stand here */
    else
        pop3_say(s, a->reason);
    s->sending = false;
}

/* dele = "DELE" SP number    rfc1939#5-e */
void
pop3_cmd_dele(struct pop3_server *s, struct slice args)
{
    size_t at;

    if (!find(s, args, &at))
        return;
    s->marks[at / 8] |= (uint8_t)(1 << at % 8);
    s->marked++;
    s->octets -= s->messages[at].size;
    pop3_say_number(s, POP3_MARKED, at + 1);
}

/* rset = "RSET"    rfc1939#5-g */
void
pop3_cmd_rset(struct pop3_server *s, struct slice args)
{
    (void)args;
    for (size_t i = 0; s->marked && i < s->count; i++)
        if (pop3_server_is_deleted(s, i))
            s->octets += s->messages[i].size;
    memset(s->marks, 0, s->count / 8 + 1);
    s->marked = 0;
    pop3_say_number(s, POP3_UNMARKED, s->count);
}

/* noop = "NOOP"    rfc1939#5-f */
void
pop3_cmd_noop(struct pop3_server *s, struct slice args)
{
    (void)args;
    pop3_say(s, POP3_NOTHING_DONE);
}

/* rfc1939#6-b: the session ends whether all was deleted or not */
void
pop3_commit_answered(struct pop3_server *s, struct pop3_ask ask, const struct pop3_answer *a)
{
    (void)ask;
    s->closing = true;
    pop3_say(s, a->reason ? a->reason : POP3_BYE);
}
