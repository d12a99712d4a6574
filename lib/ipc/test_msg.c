/* Frames, and bodies in them: what does not fit the schema is its sender's crime. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/ensure.h"
#include "ipc/body.h"
#include "ipc/msg.h"

static struct slice
frame_of(struct buf *room, struct msg_header header, const void *message)
{
    buf_reset(room);
    assert_true(msg_frame_put(room, header, message));
    return buf_slice(room);
}

static void
a_frame_reads_back_as_it_was_written(void **state)
{
    struct queue_submit sent = {
        .id = UINT64_MAX, .envelope_size = 7, .body_size = 0, .bytes = SLICE("envelope and body")};
    struct msg_header header;
    union msg_any m;
    struct buf room;

    (void)state;
    buf_init(&room, MSG_FRAME_MAX);
    assert_true(msg_frame_take(frame_of(&room, (struct msg_header){MSG_queue_submit, 5, 1}, &sent),
                               &header, &m));
    assert_int_equal(header.type, MSG_queue_submit);
    assert_int_equal(header.serial, 5);
    assert_int_equal(header.answer, 1);
    assert_true(m.queue_submit.id == UINT64_MAX);
    assert_true(slice_eq(m.queue_submit.bytes, sent.bytes));
    buf_clear(&room);
}

static void
a_frame_of_any_other_length_is_refused(void **state)
{
    struct guard_open sent = {SLICE("192.0.2.1")};
    struct msg_header header;
    union msg_any m;
    struct slice frame;
    struct buf room;

    (void)state;
    buf_init(&room, MSG_FRAME_MAX);
    frame = frame_of(&room, (struct msg_header){.type = MSG_guard_open}, &sent);
    for (size_t n = 0; n < frame.len; n++)
        assert_false(msg_frame_take(slice_head(frame, n), &header, &m));
    assert_true(buf_put_byte(&room, 0));
    assert_false(msg_frame_take(buf_slice(&room), &header, &m));
    buf_clear(&room);
}

static void
a_frame_of_an_unknown_type_is_refused(void **state)
{
    static const uint32_t types[] = {0, MSG_COUNT, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        uint8_t frame[12] = {0};
        struct msg_header header;
        union msg_any m;

        memcpy(frame, &types[i], sizeof(types[i]));
        assert_false(msg_frame_take(slice_make(frame, sizeof(frame)), &header, &m));
    }
}

static void
items_are_taken_in_order_to_the_end(void **state)
{
    struct role_value value = {SLICE("messages"), 3}, taken;
    struct slice rest;
    struct buf items;

    (void)state;
    buf_init(&items, 1000);
    for (uint64_t i = 0; i < 3; i++) {
        value.value = i;
        assert_true(msg_items_put(&items, MSG_role_value, &value));
    }
    rest = buf_slice(&items);
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(msg_items_take(&rest, MSG_role_value, &taken));
        assert_true(taken.value == i);
    }
    assert_false(msg_items_take(&rest, MSG_role_value, &taken));
    assert_int_equal(rest.len, 0);
    rest = slice_head(buf_slice(&items), items.len - 1);
    while (msg_items_take(&rest, MSG_role_value, &taken))
        ;
    assert_int_not_equal(rest.len, 0); /* a torn item is left over */
    buf_clear(&items);
}

/* Filled in pieces, as it is when it arrives. */
static void
fill(struct body *b, size_t size)
{
    static uint8_t piece[1000];

    memset(piece, 'x', sizeof(piece));
    for (size_t n = size; n; n -= n < sizeof(piece) ? n : sizeof(piece))
        assert_true(body_put(b, slice_make(piece, n < sizeof(piece) ? n : sizeof(piece))));
    assert_int_equal(b->size, size);
}

static void
a_body_is_in_the_frame_while_it_fits_and_then_in_a_descriptor(void **state)
{
    static const struct {
        const char *why;
        size_t body, envelope;
        bool in_frame;
    } rows[] = {
        {"nothing", 0, 10, true},
        {"small", 4000, 100, true},
        {"as much as is kept in memory", BODY_MEMORY_MAX, 100, true},
        {"a byte more", BODY_MEMORY_MAX + 1, 100, false},
        {"a large envelope", BODY_MEMORY_MAX, MSG_FRAME_MAX - BODY_MEMORY_MAX, false},
        {"large", 300000, 100000, false},
    };
    struct body b;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t *envelope = heap_take(rows[i].envelope), last = 0;
        struct queue_submit m = {0};

        envelope[rows[i].envelope - 1] = 'E';
        body_init(&b);
        fill(&b, rows[i].body);
        assert_true(body_close(&b, slice_make(envelope, rows[i].envelope), &m));
        assert_true(m.body_size == rows[i].body && m.envelope_size == rows[i].envelope);
        if ((b.fd < 0) != rows[i].in_frame || (m.bytes.len > 0) != rows[i].in_frame)
            fail_msg("%s", rows[i].why);
        if (rows[i].in_frame)
            last = m.bytes.at[m.bytes.len - 1];
        else
            assert_int_equal(pread(b.fd, &last, 1, (off_t)(rows[i].body + rows[i].envelope) - 1),
                             1);
        assert_int_equal(last, 'E');
        assert_int_equal(body_head(&b).len,
                         rows[i].body < BODY_HEAD_MAX ? rows[i].body : BODY_HEAD_MAX);
        body_clear(&b);
        free(envelope);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_reads_back_as_it_was_written),
        cmocka_unit_test(a_frame_of_any_other_length_is_refused),
        cmocka_unit_test(a_frame_of_an_unknown_type_is_refused),
        cmocka_unit_test(items_are_taken_in_order_to_the_end),
        cmocka_unit_test(a_body_is_in_the_frame_while_it_fits_and_then_in_a_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
