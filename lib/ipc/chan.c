/* One packet is read at a time into one buffer of the process; handlers copy what they keep. A
 * packet that brings a descriptor is one frame. */
#include "ipc/chan.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/list.h"
#include "base/map.h"

struct chan {
    struct loop *loop;
    int fd; /* -1: closed */
    struct watch *watch;
    const struct chan_handler *handlers;
    const struct chan_events *events;
    void *ctx;
    struct list backlog; /* struct parcel */
    size_t backlog_bytes;
    bool paused; /* nothing is read */
    bool gathers;
    struct buf gathered; /* frames that leave at the end of this turn */
    bool due;            /* that is planned */
    struct map asks;     /* serial -> struct chan_ask */
    uint32_t last_serial;
    unsigned busy; /* handlers running, and the end of a turn to come: free later */
    bool freed;
};

struct parcel {
    struct list link;
    int fd;
    size_t len;
    uint8_t bytes[];
};

struct chan_ask {
    struct chan *chan;
    uint32_t serial;
    enum msg_type expected;
    chan_answer_fn *fn;
    void *ctx;
};

enum { PACKET_MAX = 65536 };

static struct err
send_packet(int fd, struct slice bytes, int pass)
{
    struct iovec part = {(void *)(uintptr_t)bytes.at, bytes.len};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t sent;

    if (pass >= 0) {
        m.msg_control = control.room;
        m.msg_controllen = sizeof(control.room);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &pass, sizeof(int));
    }
    do
        sent = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? err_os(errno, "sending to a peer") : ERR_OK;
}

/* The bytes of one packet in room and the descriptor with it (-1: none). A packet that is too
 * large, or that brings more than one descriptor, comes back empty: malformed. */
static struct err
receive_packet(int fd, uint8_t room[PACKET_MAX], struct slice *bytes, int *passed)
{
    struct iovec part = {room, PACKET_MAX};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof(control.room)};
    ssize_t got;

    *passed = -1;
    do
        got = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_os(errno, "receiving from a peer");
    struct cmsghdr *c = m.msg_controllen ? CMSG_FIRSTHDR(&m) : NULL;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(passed, CMSG_DATA(c), sizeof(int));
    if (got == 0 && !c)
        return err_make(ERR_CLOSED, "receiving from a peer");
    *bytes = slice_make(room, m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? 0 : (size_t)got);
    return ERR_OK;
}

static void
close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void
set_wants(struct chan *c)
{
    watch_want(c->watch, (c->paused ? 0 : LOOP_READ) | (list_empty(&c->backlog) ? 0 : LOOP_WRITE));
}

static void
drop_parcel(struct chan *c, struct parcel *p)
{
    list_remove(&p->link);
    c->backlog_bytes -= p->len;
    close_fd(p->fd);
    free(p);
}

static void
send_backlog(struct chan *c)
{
    while (!list_empty(&c->backlog)) {
        struct parcel *p = LIST_OF(c->backlog.next, struct parcel, link);
        struct err e = send_packet(c->fd, slice_make(p->bytes, p->len), p->fd);

        if (e.kind == ERR_AGAIN)
            return;
        drop_parcel(c, p); /* a dead peer is noticed by reading */
    }
    set_wants(c);
}

static struct err
keep_parcel(struct chan *c, struct slice bytes, int fd)
{
    struct parcel *p;

    if (c->backlog_bytes + bytes.len > CHAN_BACKLOG_MAX)
        return err_make(ERR_LIMIT, "the backlog of a peer");
    p = heap_grow(NULL, sizeof(*p) + bytes.len);
    p->len = bytes.len;
    p->fd = fd >= 0 ? dup(fd) : -1;
    memcpy(p->bytes, bytes.at, bytes.len);
    list_append(&c->backlog, &p->link);
    c->backlog_bytes += bytes.len;
    set_wants(c);
    return ERR_OK;
}

static struct err
send_bytes(struct chan *c, struct slice bytes, int fd)
{
    struct err e;

    if (!list_empty(&c->backlog))
        return keep_parcel(c, bytes, fd);
    e = send_packet(c->fd, bytes, fd);
    return e.kind == ERR_AGAIN ? keep_parcel(c, bytes, fd) : e;
}

/* A peer that reads nothing will not answer either: reading finds the channel closed and fails the
 * asks. */
static struct err
give_up_at_limit(const struct chan *c, struct err e)
{
    if (e.kind == ERR_LIMIT)
        shutdown(c->fd, SHUT_RDWR);
    return e;
}

static struct err
send_gathered(struct chan *c)
{
    struct slice bytes = buf_slice(&c->gathered);

    buf_reset(&c->gathered);
    return bytes.len ? give_up_at_limit(c, send_bytes(c, bytes, -1)) : ERR_OK;
}

static void finish_free(struct chan *c);

void
chan_flush(struct chan *c)
{
    if (c->fd >= 0)
        (void)send_gathered(c); /* a dead peer is noticed by reading */
}

static void
on_last(void *ctx)
{
    struct chan *c = ctx;

    c->due = false;
    chan_flush(c);
    if (--c->busy == 0 && c->freed)
        finish_free(c);
}

static void
send_at_end(struct chan *c)
{
    if (c->due)
        return;
    c->due = true;
    c->busy++;
    loop_last(c->loop, on_last, c);
}

static struct err
send_frame(struct chan *c, struct msg_header header, const void *message, int fd)
{
    static uint8_t room[MSG_FRAME_MAX];
    struct buf frame = {.at = room, .room = sizeof(room), .cap = sizeof(room)};
    bool alone;

    if (c->fd < 0)
        return err_make(ERR_CLOSED, "sending to a peer");
    ensure(
        msg_frame_put(&frame, header, message)); /* what is larger is the caller's to pass by fd */
    alone = !c->gathers || fd >= 0 || frame.len > CHAN_GATHER_BYTES;
    if (alone || c->gathered.len + frame.len > CHAN_GATHER_BYTES)
        (void)send_gathered(c); /* where it fails, so does what follows */
    if (alone)
        return send_bytes(c, buf_slice(&frame), fd);
    buf_put(&c->gathered, buf_slice(&frame));
    send_at_end(c);
    return ERR_OK;
}

static void
finish_ask(struct chan_ask *ask, const union msg_any *answer, int fd)
{
    map_take(&ask->chan->asks, ask->serial);
    ask->fn(ask->ctx, answer, fd);
    free(ask);
}

static bool
take_answer(struct chan *c, struct msg_header header, const union msg_any *m, int fd)
{
    struct chan_ask *ask = map_get(&c->asks, header.serial);

    if (ask && ask->expected != header.type)
        return false;
    if (ask)
        finish_ask(ask, m, fd);
    else
        close_fd(fd); /* cancelled meanwhile */
    return true;
}

static bool
take_call(struct chan *c, struct msg_header header, const union msg_any *m, int fd)
{
    for (const struct chan_handler *h = c->handlers; h && h->run; h++) {
        struct chan_call call = {c, header.serial, fd};

        if (h->type != header.type)
            continue;
        h->run(c->ctx, &call, m);
        close_fd(call.fd);
        return true;
    }
    return false;
}

/* The first frame of a packet; after a malformed one the rest means nothing. */
static void
take_frame(struct chan *c, struct slice *packet, int fd)
{
    struct msg_header header;
    union msg_any m;
    bool good = msg_frame_next(packet, &header, &m);

    if (good)
        good = header.answer ? take_answer(c, header, &m, fd) : take_call(c, header, &m, fd);
    if (good)
        return;
    *packet = (struct slice){NULL, 0};
    close_fd(fd);
    if (c->events->on_bad && !c->freed)
        c->events->on_bad(c->ctx, c);
}

static unsigned
take_packet(struct chan *c, struct slice packet, int fd)
{
    unsigned frames = 0;

    do {
        take_frame(c, &packet, fd);
        fd = -1;
        frames++;
    } while (packet.len && !c->freed);
    return frames;
}

static void
finish_free(struct chan *c)
{
    while (!list_empty(&c->backlog))
        drop_parcel(c, LIST_OF(c->backlog.next, struct parcel, link));
    map_clear(&c->asks);
    buf_clear(&c->gathered);
    free(c);
}

/* Until there is no more, or too much for one turn. Into a room of its own where a handler drains
 * another channel: its own packet lies in the first.
 */
static void
read_frames(struct chan *c)
{
    static uint8_t first[PACKET_MAX];
    static unsigned depth;
    uint8_t *room = depth++ ? heap_grow(NULL, PACKET_MAX) : first;
    bool closed = false;

    c->busy++;
    for (unsigned frames = 0;
         frames < CHAN_FRAMES_PER_TURN && !c->freed && !c->paused && !closed;) {
        struct slice packet = {NULL, 0};
        int fd;
        struct err e = receive_packet(c->fd, room, &packet, &fd);

        if (e.kind == ERR_AGAIN)
            break;
        if (err_is(e))
            closed = true;
        else
            frames += take_packet(c, packet, fd);
    }
    if (closed && !c->freed)
        c->events->on_closed(c->ctx, c);
    if (--c->busy == 0 && c->freed)
        finish_free(c);
    if (--depth)
        free(room);
}

static void
on_ready(void *ctx, unsigned ready)
{
    struct chan *c = ctx;

    if (ready & LOOP_WRITE)
        send_backlog(c);
    if (ready & LOOP_READ)
        read_frames(c);
}

struct chan *
chan_new(struct loop *l, int fd, const struct chan_handler *handlers,
         const struct chan_events *events, void *ctx)
{
    struct chan *c = heap_take(sizeof(*c));

    *c = (struct chan){.loop = l, .fd = fd, .handlers = handlers, .events = events, .ctx = ctx};
    list_init(&c->backlog);
    buf_init(&c->gathered, CHAN_GATHER_BYTES);
    c->watch = loop_watch(l, fd, LOOP_READ, on_ready, c);
    return c;
}

void
chan_gather(struct chan *c)
{
    c->gathers = true;
}

void
chan_pause(struct chan *c, bool paused)
{
    c->paused = paused;
    if (c->fd >= 0)
        set_wants(c);
}

void
chan_free(struct chan *c)
{
    if (!c || c->freed)
        return;
    c->freed = true;
    watch_free(c->watch);
    close(c->fd);
    c->fd = -1;
    for (size_t at = 0; c->asks.count; at = 0)
        finish_ask(map_next(&c->asks, &at), NULL, -1);
    if (c->busy == 0)
        finish_free(c);
}

struct err
chan_send(struct chan *c, enum msg_type type, const void *message, int fd)
{
    return send_frame(c, (struct msg_header){.type = type}, message, fd);
}

struct err
chan_answer(const struct chan_call *call, enum msg_type type, const void *message, int fd)
{
    return send_frame(call->chan, (struct msg_header){type, call->serial, 1}, message, fd);
}

struct chan_ask *
chan_ask(struct chan *c, enum msg_type type, const void *message, int fd, enum msg_type expected,
         chan_answer_fn *fn, void *ctx)
{
    struct chan_ask *ask = heap_take(sizeof(*ask));
    struct err e;

    do
        c->last_serial++;
    while (c->last_serial == 0 || map_get(&c->asks, c->last_serial));
    *ask = (struct chan_ask){c, c->last_serial, expected, fn, ctx};
    map_put(&c->asks, ask->serial, ask);
    e = send_frame(c, (struct msg_header){.type = type, .serial = ask->serial}, message, fd);
    (void)give_up_at_limit(c, e);
    return ask;
}

void
chan_ask_cancel(struct chan_ask *ask)
{
    map_take(&ask->chan->asks, ask->serial);
    free(ask);
}

bool
chan_ask_now(int fd, enum msg_type type, const void *message, int send_fd, enum msg_type expected,
             union msg_any *answer, int *answer_fd, struct buf *room, int ms)
{
    static uint32_t serial;
    static uint8_t packet[PACKET_MAX];
    uint64_t end = clock_steady_ms() + (uint64_t)ms;
    struct msg_header header = {type, ++serial, 0};

    buf_reset(room);
    if (!msg_frame_put(room, header, message) || err_is(send_packet(fd, buf_slice(room), send_fd)))
        return false;
    for (uint64_t now = clock_steady_ms(); now < end; now = clock_steady_ms()) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        struct slice frame;
        int passed;
        struct err e;

        if (poll(&wait, 1, (int)(end - now)) < 0)
            continue;
        e = receive_packet(fd, packet, &frame, &passed);
        if (e.kind == ERR_AGAIN)
            continue;
        if (err_is(e))
            return false;
        buf_reset(room);
        if (buf_put(room, frame) && msg_frame_take(buf_slice(room), &header, answer) &&
            header.answer && header.serial == serial && header.type == expected) {
            if (answer_fd)
                *answer_fd = passed;
            else
                close_fd(passed);
            return true;
        }
        close_fd(passed); /* an answer that came too late for its question */
    }
    return false;
}

void
chan_drain(struct chan *c)
{
    if (c->fd >= 0)
        read_frames(c);
}

size_t
chan_backlog(const struct chan *c)
{
    return c->backlog_bytes + c->gathered.len;
}
