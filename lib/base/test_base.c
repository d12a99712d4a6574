/* Slices, bufs, arenas, maps, base 64, CRC and ids: the words every room speaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/map.h"

static void
slice_cuts_at_the_first_separator(void **state)
{
    struct slice s = SLICE("one two three"), head;

    (void)state;
    assert_true(slice_cut(&s, ' ', &head));
    assert_true(slice_eq(head, SLICE("one")));
    assert_true(slice_cut(&s, ' ', &head));
    assert_false(slice_cut(&s, ' ', &head));
    assert_true(slice_eq(head, SLICE("three")));
    assert_int_equal(s.len, 0);
}

static void
slice_numbers_are_digits_that_fit(void **state)
{
    static const struct {
        const char *why, *text;
        bool good;
        uint64_t value;
    } rows[] = {
        {"zero", "0", true, 0},
        {"the largest", "18446744073709551615", true, UINT64_MAX},
        {"one too large", "18446744073709551616", false, 0},
        {"empty", "", false, 0},
        {"a sign", "-1", false, 0},
        {"a space", "1 ", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t value = 0;

        assert_int_equal(slice_to_u64(slice_of(rows[i].text), &value), rows[i].good);
        assert_true(value == rows[i].value);
    }
}

static void
buf_writes_numbers_that_read_back(void **state)
{
    static const uint64_t numbers[] = {0, 9, 10, 4294967296, UINT64_MAX};
    struct buf b;
    uint64_t value;

    (void)state;
    buf_init(&b, 64);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        buf_reset(&b);
        assert_true(buf_put_u64(&b, numbers[i]));
        assert_true(slice_to_u64(buf_slice(&b), &value));
        assert_int_equal(value, numbers[i]);
    }
    buf_clear(&b);
}

static void
buf_never_passes_its_cap(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_true(buf_put_string(&b, "12345678"));
    assert_false(buf_put_string(&b, "901"));
    assert_true(b.full);
    assert_false(buf_put_string(&b, "9")); /* sticky */
    assert_true(slice_eq(buf_slice(&b), SLICE("12345678")));
    buf_clear(&b);
}

static void
buf_drops_from_the_front(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    for (int i = 0; i < 300; i++) {
        assert_true(buf_put_string(&b, "abc"));
        buf_drop(&b, i % 2 ? 3 : 2);
    }
    assert_int_equal(b.len, 150);
    buf_clear(&b);
}

static void
count_up(void *arg)
{
    ++*(int *)arg;
}

static void
arena_keeps_its_cap_and_runs_what_was_asked(void **state)
{
    struct arena *a = arena_new("test", 10000);
    int cleared = 0;

    (void)state;
    for (int round = 0; round < 3; round++) {
        size_t taken = 0;

        assert_true(arena_at_clear(a, count_up, &cleared));
        while (arena_take(a, 100))
            taken++;
        assert_in_range(taken, 80, 100);
        arena_clear(a);
        assert_int_equal(cleared, round + 1);
    }
    assert_null(arena_take(a, SIZE_MAX));
    arena_free(a);
}

static void
map_finds_what_was_put_after_removals(void **state)
{
    struct map m = {0};
    static int things[1000];

    (void)state;
    for (uint64_t i = 1; i <= 1000; i++)
        map_put(&m, i * 4096, &things[i - 1]);
    for (uint64_t i = 1; i <= 1000; i += 3)
        assert_ptr_equal(map_take(&m, i * 4096), &things[i - 1]);
    for (uint64_t i = 1; i <= 1000; i++)
        assert_ptr_equal(map_get(&m, i * 4096), i % 3 == 1 ? NULL : &things[i - 1]);
    assert_null(map_take(&m, 7));
    map_clear(&m);
    assert_null(map_get(&m, 1));
}

static void
base64_takes_only_what_an_encoder_writes(void **state)
{
    static const struct {
        const char *why, *text, *bytes; /* bytes NULL: refused */
    } rows[] = {
        {"empty", "", ""},
        {"one", "Zg==", "f"},
        {"two", "Zm8=", "fo"},
        {"three", "Zm9v", "foo"},
        {"bits left", "Zh==", NULL},
        {"no padding", "Zg", NULL},
        {"space", "Zm9 ", NULL},
        {"early end", "Zg==Zg==", NULL},
        {"only padding", "====", NULL},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_int_equal(base64_decode(slice_of(rows[i].text), &out), rows[i].bytes != NULL);
        if (!rows[i].bytes)
            continue;
        assert_true(slice_eq(buf_slice(&out), slice_of(rows[i].bytes)));
        buf_reset(&out);
        assert_true(base64_put(&out, slice_of(rows[i].bytes)));
        assert_true(slice_eq(buf_slice(&out), slice_of(rows[i].text)));
    }
    buf_clear(&out);
}

static void
crc_is_castagnoli_and_continues(void **state)
{
    (void)state;
    assert_int_equal(crc32c(0, SLICE("123456789")), 0xe3069283);
    assert_int_equal(crc32c(crc32c(0, SLICE("1234")), SLICE("56789")), 0xe3069283);
}

static void
id_reads_back_as_written(void **state)
{
    static const uint64_t ids[] = {1, 31, 32, UINT64_MAX, UINT64_C(1763836800000000)};
    char text[ID_TEXT_LEN + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(ids); i++) {
        id_format(ids[i], text);
        assert_true(id_parse((const uint8_t *)text, ID_TEXT_LEN) == ids[i]);
    }
    assert_true(id_parse((const uint8_t *)"zzzzzzzzzzzzz", 13) == 0); /* does not fit 64 bits */
    assert_true(id_parse((const uint8_t *)"0000000000u00", 13) == 0);
    assert_true(id_parse((const uint8_t *)"000", 3) == 0);
}

/* Support may find a session by it years later: it must not change. */
static void
reference_of_an_id_stays_what_it_is(void **state)
{
    static const struct {
        uint64_t id;
        const char *reference;
    } rows[] = {
        {0, "000000"},          {1, "KRVQKE"},
        {2, "7HQF6W"},          {UINT64_C(1763836800000000), "GY062H"},
        {UINT64_MAX, "C748CH"},
    };
    char text[ID_REFERENCE_LEN + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        id_reference(rows[i].id, text);
        assert_string_equal(text, rows[i].reference);
    }
}

static void
local_time_is_ahead_of_utc_by_minutes(void **state)
{
    static const struct {
        const char *zone;
        int64_t seconds;
        int minutes;
    } rows[] = {
        {"UTC0", 0, 0},
        {"IST-5:30", 1795383605, 330},
        {"PET5", 1795383605, -300},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1795383605, 60},  /* in November */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1785000000, 120}, /* in July */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        setenv("TZ", rows[i].zone, 1);
        tzset();
        assert_int_equal(clock_utc_offset(rows[i].seconds), rows[i].minutes);
    }
    unsetenv("TZ");
}

static void
random_letters_are_those_a_nonce_may_have_and_differ(void **state)
{
    char one[24], other[24];

    (void)state;
    random_letters(one, sizeof(one));
    random_letters(other, sizeof(other));
    for (size_t i = 0; i < sizeof(one); i++)
        assert_true(ascii_is_alnum((uint8_t)one[i]) || one[i] == '-' || one[i] == '_');
    assert_memory_not_equal(one, other, sizeof(one));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slice_cuts_at_the_first_separator),
        cmocka_unit_test(slice_numbers_are_digits_that_fit),
        cmocka_unit_test(buf_writes_numbers_that_read_back),
        cmocka_unit_test(buf_never_passes_its_cap),
        cmocka_unit_test(buf_drops_from_the_front),
        cmocka_unit_test(arena_keeps_its_cap_and_runs_what_was_asked),
        cmocka_unit_test(map_finds_what_was_put_after_removals),
        cmocka_unit_test(base64_takes_only_what_an_encoder_writes),
        cmocka_unit_test(crc_is_castagnoli_and_continues),
        cmocka_unit_test(id_reads_back_as_written),
        cmocka_unit_test(reference_of_an_id_stays_what_it_is),
        cmocka_unit_test(local_time_is_ahead_of_utc_by_minutes),
        cmocka_unit_test(random_letters_are_those_a_nonce_may_have_and_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
