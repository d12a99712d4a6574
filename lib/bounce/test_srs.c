/* Return addresses for forwarding: made, brought back, and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bounce/srs.h"

enum { DAY = 86400 };

static const int64_t now = INT64_C(1795000000);
static struct buf out, back;

static struct srs
ours(void)
{
    return (struct srs){{SLICE("a key of 16 bytes or more"), {NULL, 0}}, SLICE("us.example"), 7};
}

static int
set_up(void **state)
{
    (void)state;
    buf_init(&out, 1000);
    buf_init(&back, 1000);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    buf_clear(&out);
    buf_clear(&back);
    return 0;
}

static void
assert_text(const struct buf *got, const char *why, struct slice expected)
{
    if (!slice_eq(buf_slice(got), expected))
        fail_msg("%s: got \"%.*s\"", why, (int)got->len, (const char *)buf_slice(got).at);
}

static const char long_local[] = "12345678901234567890123456789012345678901234567890"
                                 "12345678901234567890123456789012345678901234567890"
                                 "12345678901234567890123456789012345678901234567890"
                                 "12345678901234567890123456789012345678901234567890"
                                 "123456789012345678901234567890@example.com";

static void
senders_are_wrapped(void **state)
{
    static const struct {
        const char *why, *sender, *expected;
        bool fine;
    } rows[] = {
        {"the null sender stays", "", "", true},
        {"an address", "ana@example.com", "SRS0=3UBDZSMP=JH=example.com=ana@us.example", true},
        {"its domain in lower case", "Ana@EXAMPLE.com",
         "SRS0=3UBDZSMP=JH=example.com=Ana@us.example", true},
        {"quotes only where needed", "\"ana\"@example.com",
         "SRS0=3UBDZSMP=JH=example.com=ana@us.example", true},
        {"quotes around all of it", "\"a b\\\"@c\"@example.com",
         "\"SRS0=TORN4VLQ=JH=example.com=a b\\\"@c\"@us.example", true},
        {"a literal", "ana@[192.0.2.1]", "\"SRS0=FRPE5M2U=JH=[192.0.2.1]=ana\"@us.example", true},
        {"a domain that is not ASCII",
         "ana@ma\xc3\xb1"
         "ana.example",
         "SRS0=6RASOIU2=JH=xn--maana-pta.example=ana@us.example", true},
        {"a local part that is not ASCII",
         "mar\xc3\xad"
         "a@example.com",
         "SRS0=FDUPGRB7=JH=example.com=mar\xc3\xad"
         "a@us.example",
         true},
        {"another forwarder's is not wrapped again", "SRS0=abcd=JH=example.com=ana@them.example",
         "SRS1=LK7FKBLJ=them.example==abcd=JH=example.com=ana@us.example", true},
        {"with its separator", "SRS0+ab/d=JH=example.com=ana@them.example",
         "SRS1=5SQJBOIF=them.example=+ab/d=JH=example.com=ana@us.example", true},
        {"a third forwarder's leads to the first",
         "srs1=wxyz=them.example==abcd=JH=example.com=ana@third.example",
         "SRS1=LK7FKBLJ=them.example==abcd=JH=example.com=ana@us.example", true},
        {"what only looks like one is wrapped", "SRS1=nothing@them.example",
         "SRS0=7O7WJKUW=JH=them.example=SRS1=nothing@us.example", true},
        {"SRS without a separator is a name", "SRS0@them.example",
         "SRS0=B53Q3XEH=JH=them.example=SRS0@us.example", true},
        {"our own stays", "SRS0=3UBDZSMP=JH=example.com=ana@us.example",
         "SRS0=3UBDZSMP=JH=example.com=ana@us.example", true},
        {"no domain", "ana", "", false},
        {"no address", "ana@@example.com", "", false},
        {"line ends", "ana\r\n@example.com", "", false},
        {"too long to be wrapped", long_local, "", false},
    };
    const struct srs s = ours();

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_int_equal(srs_forward_put(&out, &s, slice_of(rows[i].sender), now), rows[i].fine);
        assert_text(&out, rows[i].why, slice_of(rows[i].expected));
    }
}

static void
what_was_wrapped_comes_back(void **state)
{
    static const struct {
        const char *sender, *expected;
    } rows[] = {
        {"ana@example.com", "ana@example.com"},
        {"Ana@EXAMPLE.com", "Ana@example.com"},
        {"a=b=c@example.com", "a=b=c@example.com"},
        {"\"a b\\\"@c\"@example.com", "\"a b\\\"@c\"@example.com"},
        {"ana@[192.0.2.1]", "ana@[192.0.2.1]"},
        {"mar\xc3\xad"
         "a@ma\xc3\xb1"
         "ana.example",
         "mar\xc3\xad"
         "a@xn--maana-pta.example"},
        {"SRS0=abcd=JH=example.com=ana@them.example", "SRS0=abcd=JH=example.com=ana@them.example"},
        {"SRS0-abcd=JH=example.com=ana@them.example", "SRS0-abcd=JH=example.com=ana@them.example"},
        {"SRS1=wxyz=them.example=+abcd=JH=example.com=ana@third.example",
         "SRS0+abcd=JH=example.com=ana@them.example"},
        {"SRS1=nothing@them.example", "SRS1=nothing@them.example"},
        {"SRS1=wxyz=them\xda\x9axam==abcd=JH=example.com=ana@third.example",
         "SRS1=wxyz=them\xda\x9axam==abcd=JH=example.com=ana@third.example"},
    };
    const struct srs s = ours();

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        buf_reset(&back);
        assert_true(srs_forward_put(&out, &s, slice_of(rows[i].sender), now));
        assert_int_equal(srs_reverse_put(&back, &s, buf_slice(&out), now), SRS_GOOD);
        assert_text(&back, rows[i].sender, slice_of(rows[i].expected));
    }
}

static void
only_what_we_made_comes_back(void **state)
{
    static const struct {
        const char *why, *address;
        enum srs_verdict verdict;
    } rows[] = {
        {"as it was", "SRS0=3UBDZSMP=JH=example.com=ana@us.example", SRS_GOOD},
        {"in lower case", "srs0=3ubdzsmp=jh=example.com=ana@us.example", SRS_GOOD},
        {"in upper case", "SRS0=3UBDZSMP=JH=EXAMPLE.COM=ANA@US.EXAMPLE", SRS_GOOD},
        {"with another separator", "SRS0+3UBDZSMP=JH=example.com=ana@us.example", SRS_GOOD},
        {"an ordinary address", "ana@example.com", SRS_OTHER},
        {"none", "", SRS_OTHER},
        {"no domain", "SRS0=3UBDZSMP=JH=example.com=ana", SRS_OTHER},
        {"a tag alone", "SRS0=@us.example", SRS_OTHER},
        {"a hash alone", "SRS0=3UBDZSMP@us.example", SRS_OTHER},
        {"nothing after the hash", "SRS0=3UBDZSMP=@us.example", SRS_OTHER},
        {"no local part", "SRS0=3UBDZSMP=JH=example.com=@us.example", SRS_OTHER},
        {"no local part, nor its sign", "SRS0=3UBDZSMP=JH=example.com@us.example", SRS_OTHER},
        {"a domain that is none", "SRS0=3UBDZSMP=JH=exa_mple..com=ana@us.example", SRS_OTHER},
        {"a short hash", "SRS0=JNNK=JH=example.com=ana@us.example", SRS_OTHER},
        {"a long day", "SRS0=3UBDZSMP=JHA=example.com=ana@us.example", SRS_OTHER},
        {"another hash", "SRS0=3UBDZSMA=JH=example.com=ana@us.example", SRS_FORGED},
        {"another local part", "SRS0=3UBDZSMP=JH=example.com=bob@us.example", SRS_FORGED},
        {"another domain", "SRS0=3UBDZSMP=JH=example.net=ana@us.example", SRS_FORGED},
        {"another day", "SRS0=3UBDZSMP=JI=example.com=ana@us.example", SRS_FORGED},
        {"the hash of the other form", "SRS1=3UBDZSMP=JH=example.com=ana@us.example", SRS_FORGED},
        {"a second form made up", "SRS1=3UBDZSMP=them.example==x@us.example", SRS_FORGED},
        {"a second form without more", "SRS1=3UBDZSMP=them.example=@us.example", SRS_OTHER},
    };
    const struct srs s = ours();

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum srs_verdict verdict;

        buf_reset(&back);
        verdict = srs_reverse_put(&back, &s, slice_of(rows[i].address), now);
        if (verdict != rows[i].verdict)
            fail_msg("%s: got %d", rows[i].why, (int)verdict);
        assert_int_equal(back.len > 0, verdict == SRS_GOOD);
    }
}

static void
addresses_are_valid_for_some_days(void **state)
{
    static const struct {
        const char *why;
        int64_t days;
        enum srs_verdict verdict;
    } rows[] = {
        {"at once", 0, SRS_GOOD},
        {"on the last day", 7, SRS_GOOD},
        {"the day after", 8, SRS_EXPIRED},
        {"much later", 600, SRS_EXPIRED},
        {"made by a clock that was ahead", -1, SRS_GOOD},
        {"made by one that was wrong", -2, SRS_EXPIRED},
    };
    const struct srs s = ours();

    (void)state;
    assert_true(srs_forward_put(&out, &s, SLICE("ana@example.com"), now));
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&back);
        if (srs_reverse_put(&back, &s, buf_slice(&out), now + rows[i].days * DAY) !=
            rows[i].verdict)
            fail_msg("%s", rows[i].why);
    }
}

static void
days_go_on_past_their_largest_number(void **state)
{
    const struct srs s = ours();
    int64_t last = (now / DAY / 1024 * 1024 + 1023) * DAY;

    (void)state;
    assert_true(srs_forward_put(&out, &s, SLICE("ana@example.com"), last));
    assert_int_equal(srs_reverse_put(&back, &s, buf_slice(&out), last + 7 * DAY), SRS_GOOD);
    assert_int_equal(srs_reverse_put(&back, &s, buf_slice(&out), last + 8 * DAY), SRS_EXPIRED);
}

static void
a_key_is_changed_without_a_gap(void **state)
{
    struct srs old = ours(), new = ours(), other = ours();

    (void)state;
    new.keys[1] = old.keys[0];
    new.keys[0] = other.keys[0] = SLICE("the key that comes after it");
    assert_true(srs_forward_put(&out, &old, SLICE("ana@example.com"), now));
    assert_int_equal(srs_reverse_put(&back, &new, buf_slice(&out), now), SRS_GOOD);
    assert_int_equal(srs_reverse_put(&back, &other, buf_slice(&out), now), SRS_FORGED);
    buf_reset(&out);
    assert_true(srs_forward_put(&out, &new, SLICE("ana@example.com"), now));
    assert_int_equal(srs_reverse_put(&back, &old, buf_slice(&out), now), SRS_FORGED);
}

static void
a_full_buffer_gets_nothing(void **state)
{
    const struct srs s = ours();
    struct buf small;

    (void)state;
    buf_init(&small, 20);
    assert_false(srs_forward_put(&small, &s, SLICE("ana@example.com"), now));
    assert_int_equal(small.len, 0);
    buf_clear(&small);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(senders_are_wrapped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_wrapped_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_what_we_made_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(addresses_are_valid_for_some_days, set_up, tear_down),
        cmocka_unit_test_setup_teardown(days_go_on_past_their_largest_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_changed_without_a_gap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_buffer_gets_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
