/* Messages are read from the packs here, so that a RETR costs no other role anything. */
#include <unistd.h>

#include "base/log.h"
#include "pop3.h"

enum { CHUNK = 64 * 1024 };

static int
find_pack(const struct pop3_session *s, uint32_t number)
{
    for (size_t i = 0; i < s->pack_count; i++)
        if (s->packs[i].number == number)
            return s->packs[i].fd;
    return -1;
}

static void
keep_pack(struct pop3_session *s, uint32_t number, int fd)
{
    struct pop3_pack *p = &s->packs[s->pack_next];

    if (s->pack_count == POP3_PACKS_KEPT)
        close(p->fd);
    else
        s->pack_count++;
    *p = (struct pop3_pack){number, fd};
    s->pack_next = (s->pack_next + 1) % POP3_PACKS_KEPT;
}

static void
begin_sending(struct conn *c)
{
    struct pop3_session *s = pop3_session_of(c);

    s->waiting = false; /* from now on pop3_produce() goes on whenever there is room */
    s->sending = true;
    s->sent = 0;
    pop3_server_body_begin(&s->server);
    pop3_stuff_init(&s->stuff, s->server.ask.lines);
}

static void
on_pack(struct conn *c, const union msg_any *m, int fd)
{
    struct pop3_session *s = pop3_session_of(c);

    if (!m || m->store_pack_answer.verdict != STORE_OK || fd < 0) {
        if (fd >= 0)
            close(fd);
        pop3_resume_reason(c, POP3_SYS_TEMP);
        return;
    }
    keep_pack(s, s->entry->pack, fd);
    begin_sending(c);
}

void
pop3_ask_body(struct conn *c)
{
    struct pop3_session *s = pop3_session_of(c);
    struct store_pack m = {.lock = s->lock};

    s->entry = &s->entries[s->server.ask.message];
    m.pack = s->entry->pack;
    if (find_pack(s, m.pack) >= 0)
        begin_sending(c);
    else
        conn_ask(c, ROLE_store, pop3_store_of(c), MSG_store_pack, &m, -1, MSG_store_pack_answer,
                 on_pack);
}

/* The next bytes of the message; len 0 at its end or where the pack gave none. */
static struct slice
read_chunk(const struct pop3_session *s, size_t most)
{
    static uint8_t room[CHUNK];
    uint64_t left = s->entry->size - s->sent;
    size_t n = left < most ? left : most;
    ssize_t got = n ? pread(find_pack(s, s->entry->pack), room, n < CHUNK ? n : CHUNK,
                            (off_t)(s->entry->offset + s->sent))
                    : 0;

    return slice_make(room, got > 0 ? (size_t)got : 0);
}

static void
finish_sending(struct conn *c, enum reason reason)
{
    pop3_session_of(c)->sending = false;
    pop3_resume_reason(c, reason);
}

bool
pop3_produce(struct conn *c)
{
    struct pop3_session *s = pop3_session_of(c);
    size_t before = c->out.len;
    struct slice chunk;

    if (!s->sending) {
        if (pop3_server_has_more(&s->server))
            pop3_server_feed(&s->server, (struct slice){NULL, 0});
        return c->out.len > before;
    }
    if (s->sent == s->entry->size || s->stuff.over) {
        if (!pop3_stuff_end(&s->stuff, &c->out))
            return false;
        finish_sending(c, REASON_NONE);
        return true;
    }
    chunk = read_chunk(s, buf_space(&c->out));
    if (chunk.len == 0) {
        LOG(storage, slice_of(c->id), log_number("account", s->account),
            log_string("error", "a message could not be read"));
        finish_sending(c, POP3_SYS_TEMP);
        return true;
    }
    s->sent += pop3_stuff_feed(&s->stuff, chunk, &c->out);
    return c->out.len > before;
}
