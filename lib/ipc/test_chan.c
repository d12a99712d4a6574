/* Channels: what is sent arrives in its order, and every question is answered once, whatever
 * happens to the peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ensure.h"
#include "ipc/chan.h"

struct side {
    struct loop *loop;
    struct chan *chan;
    unsigned calls, answers, nulls, closed, bad;
    uint32_t wait;
    int got_fd;
    struct side *drains; /* with each call */
};

static void
on_login(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct side *s = ctx;

    s->calls++;
    if (call->fd >= 0) {
        s->got_fd = call->fd;
        call->fd = -1;
    }
    if (call->serial)
        chan_answer(call, MSG_guard_login_answer,
                    &(struct guard_login_answer){m->guard_login.delay + 1}, -1);
}

static void
on_answer(void *ctx, const union msg_any *answer, int fd)
{
    struct side *s = ctx;

    (void)fd;
    s->answers += answer != NULL;
    s->nulls += answer == NULL;
    if (answer)
        s->wait = answer->guard_login_answer.wait;
    loop_stop(s->loop);
}

static void
on_closed(void *ctx, struct chan *c)
{
    struct side *s = ctx;

    s->closed++;
    s->chan = NULL;
    chan_free(c);
    loop_stop(s->loop);
}

static void
on_bad(void *ctx, struct chan *c)
{
    struct side *s = ctx;

    (void)c;
    s->bad++;
    loop_stop(s->loop);
}

static const struct chan_handler handlers[] = {{MSG_guard_login, on_login}, {MSG_NONE, NULL}};
static const struct chan_events events = {on_closed, on_bad};

static void
open_pair(struct loop *l, struct side *a, struct side *b)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    *a = (struct side){.loop = l, .got_fd = -1};
    *b = *a;
    a->chan = chan_new(l, ends[0], NULL, &events, a);
    b->chan = chan_new(l, ends[1], handlers, &events, b);
}

struct pair {
    struct loop *loop;
    struct side a, b;
};

static int
begin(void **state)
{
    struct pair *p = heap_take(sizeof(*p));

    p->loop = loop_new();
    open_pair(p->loop, &p->a, &p->b);
    *state = p;
    return 0;
}

static int
end(void **state)
{
    struct pair *p = *state;

    chan_free(p->a.chan);
    chan_free(p->b.chan);
    loop_free(p->loop);
    free(p);
    return 0;
}

static void
ask(struct pair *p, const struct guard_login *m, int fd)
{
    chan_ask(p->a.chan, MSG_guard_login, m, fd, MSG_guard_login_answer, on_answer, &p->a);
}

static void
a_question_gets_its_answer(void **state)
{
    struct pair *p = *state;
    struct guard_login m = {1, 41};

    ask(p, &m, -1);
    loop_run(p->loop);
    assert_int_equal(p->a.answers, 1);
    assert_int_equal(p->a.wait, 42);
}

static void
a_question_to_a_peer_that_dies_is_answered_with_nothing(void **state)
{
    struct pair *p = *state;
    struct guard_login m = {1, 41};

    ask(p, &m, -1);
    chan_free(p->b.chan);
    p->b.chan = NULL;
    loop_run(p->loop);
    assert_int_equal(p->a.nulls, 1);
    assert_int_equal(p->a.closed, 1);
}

static void
a_cancelled_question_is_never_answered(void **state)
{
    struct pair *p = *state;
    struct guard_login m = {1, 41};

    chan_ask_cancel(
        chan_ask(p->a.chan, MSG_guard_login, &m, -1, MSG_guard_login_answer, on_answer, &p->b));
    ask(p, &m, -1);
    loop_run(p->loop);
    assert_int_equal(p->a.answers, 1);
    assert_int_equal(p->b.answers, 0);
}

static void
a_descriptor_travels_with_its_message(void **state)
{
    struct pair *p = *state;
    struct guard_login m = {1, 41};
    int fd = memfd_create("test", 0);
    char got[5] = "";

    assert_int_equal(write(fd, "mail", 4), 4);
    ask(p, &m, fd);
    loop_run(p->loop);
    assert_int_equal(pread(p->b.got_fd, got, 4, 0), 4);
    assert_string_equal(got, "mail");
    close(p->b.got_fd);
    close(fd);
}

static void
what_a_slow_peer_does_not_read_is_kept_in_order(void **state)
{
    struct pair *p = *state;
    struct guard_login m = {1, 0};

    for (m.delay = 0; m.delay < 5000; m.delay++)
        assert_false(err_is(chan_send(p->a.chan, MSG_guard_login, &m, -1)));
    assert_true(chan_backlog(p->a.chan) > 0);
    ask(p, &m, -1);
    loop_run(p->loop);
    assert_int_equal(p->b.calls, 5001);
    assert_int_equal(p->a.wait, 5001);
}

static void
stop(void *ctx)
{
    loop_stop(ctx);
}

static void
a_paused_channel_takes_nothing_until_it_goes_on(void **state)
{
    struct pair *p = *state;
    struct guard_login m = {1, 41};
    struct timer *t;

    chan_pause(p->b.chan, true);
    assert_false(err_is(chan_send(p->a.chan, MSG_guard_login, &m, -1)));
    ask(p, &m, -1);
    t = loop_after(p->loop, 1, stop, p->loop);
    loop_run(p->loop);
    chan_drain(p->b.chan);
    assert_int_equal(p->b.calls, 0);
    chan_pause(p->b.chan, false);
    loop_run(p->loop);
    assert_int_equal(p->b.calls, 2);
    assert_int_equal(p->a.wait, 42);
    timer_free(t);
}

/* As one packet, and with a descriptor between them as three; in their order either way. */
static void
what_is_gathered_in_a_turn_leaves_together_at_its_end(void **state)
{
    static uint8_t packet[65536];
    struct loop *l = loop_new();
    struct guard_login m = {1, 0};
    struct msg_header header;
    union msg_any got;
    struct slice rest;
    struct side a, b;
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    a = (struct side){.loop = l, .got_fd = -1};
    a.chan = chan_new(l, ends[0], NULL, &events, &a);
    chan_gather(a.chan);
    for (m.delay = 0; m.delay < 3; m.delay++)
        assert_false(err_is(chan_send(a.chan, MSG_guard_login, &m, -1)));
    assert_true(recv(ends[1], packet, sizeof(packet), 0) < 0);
    loop_stop(l);
    loop_run(l);
    rest = slice_make(packet, (size_t)recv(ends[1], packet, sizeof(packet), 0));
    for (unsigned i = 0; i < 3; i++) {
        assert_true(msg_frame_next(&rest, &header, &got));
        assert_int_equal(got.guard_login.delay, i);
    }
    assert_int_equal(rest.len, 0);
    chan_free(a.chan);

    close(ends[1]);
    open_pair(l, &a, &b);
    chan_gather(a.chan);
    for (m.delay = 0; m.delay < 3; m.delay++)
        chan_send(a.chan, MSG_guard_login, &m, m.delay == 1 ? STDERR_FILENO : -1);
    chan_ask(a.chan, MSG_guard_login, &m, -1, MSG_guard_login_answer, on_answer, &a);
    loop_run(l);
    assert_int_equal(b.calls, 4);
    assert_int_equal(a.wait, 4);
    close(b.got_fd);
    chan_free(a.chan);
    chan_free(b.chan);
    loop_free(l);
}

/* More than the end of the turn can hold: a peer's small frames do not grow without bound. */
static void
what_is_gathered_is_bounded_and_complete(void **state)
{
    struct pair *p = *state;
    struct guard_login m = {1, 0};

    chan_gather(p->a.chan);
    chan_gather(p->b.chan);
    for (m.delay = 0; m.delay < 5000; m.delay++)
        assert_false(err_is(chan_send(p->a.chan, MSG_guard_login, &m, -1)));
    ask(p, &m, -1);
    loop_run(p->loop);
    assert_int_equal(p->b.calls, 5001);
    assert_int_equal(p->a.wait, 5001);
}

static void
on_login_drain(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct side *s = ctx;

    (void)call;
    chan_drain(s->drains->chan);
    s->calls = s->calls * 10 + m->guard_login.delay;
    loop_stop(s->loop);
}

/* The packet being handled, with the frames to come, stays as it is. */
static void
draining_another_channel_leaves_this_packet_alone(void **state)
{
    static const struct chan_handler draining[] = {{MSG_guard_login, on_login_drain},
                                                   {MSG_NONE, NULL}};
    struct loop *l = loop_new();
    struct guard_login m = {1, 0};
    struct side a, b, c, d;
    int ends[2];

    (void)state;
    open_pair(l, &c, &d);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    a = (struct side){.loop = l, .got_fd = -1};
    b = (struct side){.loop = l, .got_fd = -1, .drains = &d};
    a.chan = chan_new(l, ends[0], NULL, &events, &a);
    b.chan = chan_new(l, ends[1], draining, &events, &b);
    chan_gather(a.chan);
    for (m.delay = 1; m.delay < 4; m.delay++)
        chan_send(a.chan, MSG_guard_login, &m, -1);
    m.delay = 9;
    chan_send(c.chan, MSG_guard_login, &m, -1);
    loop_run(l);
    assert_int_equal(b.calls, 123);
    assert_int_equal(d.calls, 1);
    chan_free(a.chan);
    chan_free(b.chan);
    chan_free(c.chan);
    chan_free(d.chan);
    loop_free(l);
}

static void
a_malformed_frame_names_the_peer_and_harms_nobody(void **state)
{
    static const char *const frames[] = {"x", "not a frame at all", "\1\0\0\0\0\0\0\0\0\0\0\0"};
    struct loop *l = loop_new();
    int ends[2];
    struct side b = {.loop = l, .got_fd = -1};

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    b.chan = chan_new(l, ends[1], handlers, &events, &b);
    for (unsigned i = 0; i < COUNT(frames); i++) {
        assert_true(send(ends[0], frames[i], i == 2 ? 12 : strlen(frames[i]), 0) > 0);
        loop_run(l);
        assert_int_equal(b.bad, i + 1);
    }
    assert_int_equal(b.closed, 0);
    close(ends[0]);
    loop_run(l);
    assert_int_equal(b.closed, 1);
    loop_free(l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_question_gets_its_answer, begin, end),
        cmocka_unit_test_setup_teardown(a_question_to_a_peer_that_dies_is_answered_with_nothing,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_cancelled_question_is_never_answered, begin, end),
        cmocka_unit_test_setup_teardown(a_descriptor_travels_with_its_message, begin, end),
        cmocka_unit_test_setup_teardown(what_a_slow_peer_does_not_read_is_kept_in_order, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_paused_channel_takes_nothing_until_it_goes_on, begin,
                                        end),
        cmocka_unit_test(what_is_gathered_in_a_turn_leaves_together_at_its_end),
        cmocka_unit_test_setup_teardown(what_is_gathered_is_bounded_and_complete, begin, end),
        cmocka_unit_test(draining_another_channel_leaves_this_packet_alone),
        cmocka_unit_test(a_malformed_frame_names_the_peer_and_harms_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
