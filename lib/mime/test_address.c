/* Addresses: what is one, and the one way to write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mime/address.h"

#define SIXTY_FOUR "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL_63   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* rfc5321#4.1.2-a rfc6531#3.3-a rfc5321#4.5.3.1.1-a */
static void
address_has_one_canonical_form(void **state)
{
    static const struct {
        const char *why, *text, *expected; /* expected NULL: not an address */
    } rows[] = {
        {"plain", "ana@here.example", "ana@here.example"},
        {"domain in lower case, local part kept", "Ana@HERE.Example", "Ana@here.example"},
        {"dots", "a.n.a@here.example", "a.n.a@here.example"},
        {"signs", "a!#$%&'*+-/=?^_`{|}~z@x.example", "a!#$%&'*+-/=?^_`{|}~z@x.example"},
        {"needless quotes", "\"ana\"@here.example", "ana@here.example"},
        {"needless backslash", "\"a\\na\"@here.example", "ana@here.example"},
        {"needed quotes", "\"a b\"@here.example", "\"a b\"@here.example"},
        {"quoted dot at the end", "\"ana.\"@here.example", "\"ana.\"@here.example"},
        {"quoted quote", "\"a\\\"\\\\b\"@here.example", "\"a\\\"\\\\b\"@here.example"},
        {"empty quotes", "\"\"@here.example", "\"\"@here.example"},
        {"quoted at", "\"a@b\"@here.example", "\"a@b\"@here.example"},
        {"literal", "ana@[192.0.2.1]", "ana@[192.0.2.1]"},
        {"IPv6 literal", "ana@[IPv6:2001:DB8::1]", "ana@[ipv6:2001:db8::1]"},
        {"underscore tolerated", "ana@a_b.example", "ana@a_b.example"},
        {"one label", "ana@localhost", "ana@localhost"},
        {"UTF-8 domain",
         "ana@espa\xc3\xb1"
         "a.example",
         "ana@xn--espaa-rta.example"},
        {"UTF-8 domain, upper case",
         "ana@ESPA\xc3\x91"
         "A.example",
         "ana@xn--espaa-rta.example"},
        {"UTF-8 local part", "se\xc3\xb1or@here.example", "se\xc3\xb1or@here.example"},
        {"longest label", "a@" LABEL_63 ".example", "a@" LABEL_63 ".example"},
        {"long local part, as list senders use", SIXTY_FOUR "+1@x.example",
         SIXTY_FOUR "+1@x.example"},

        {"empty", "", NULL},
        {"no at", "ana", NULL},
        {"no local part", "@here.example", NULL},
        {"no domain", "ana@", NULL},
        {"leading dot", ".ana@here.example", NULL},
        {"trailing dot", "ana.@here.example", NULL},
        {"double dot", "a..a@here.example", NULL},
        {"space", "a na@here.example", NULL},
        {"two ats", "ana@b@here.example", NULL},
        {"open quote", "\"ana@here.example", NULL},
        {"open backslash", "\"ana\\", NULL},
        {"line end in quotes", "\"a\r\n\"@here.example", NULL},
        {"root dot", "ana@here.example.", NULL},
        {"empty label", "ana@here..example", NULL},
        {"hyphen first", "ana@-here.example", NULL},
        {"hyphen last", "ana@here-.example", NULL},
        {"bad sign in domain", "ana@he*re.example", NULL},
        {"long label", "a@b" LABEL_63 ".example", NULL},
        {"bad literal", "ana@[192.0.2]", NULL},
        {"literal of a name", "ana@[here.example]", NULL},
        {"open literal", "ana@[192.0.2.1", NULL},
        {"IPv6 without tag", "ana@[2001:db8::1]", NULL},
        {"overlong UTF-8", "a\xc0\xaf@here.example", NULL},
        {"surrogate", "a\xed\xa0\x80@here.example", NULL},
        {"cut UTF-8", "a\xc3@here.example", NULL},
        {"no IDN", "ana@\xe2\x80\xae.example", NULL},
        {"longer than a path",
         SIXTY_FOUR SIXTY_FOUR "@" LABEL_63 "." LABEL_63 "." LABEL_63 ".example", NULL},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 600);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct mime_address a;
        bool good;

        buf_reset(&out);
        good = mime_address_parse(slice_of(rows[i].text), &a) && mime_address_put(&out, &a);
        if (good != (rows[i].expected != NULL))
            fail_msg("%s", rows[i].why);
        if (good && !slice_eq(buf_slice(&out), slice_of(rows[i].expected)))
            fail_msg("%s: %.*s", rows[i].why, (int)out.len, (const char *)out.at);
    }
    buf_clear(&out);
}

/* What canonical form is made from a canonical form is the same again. */
static void
address_canonical_form_is_stable(void **state)
{
    static const char *const texts[] = {"\"a b\"@Here.example", "\"\\\\\"@x.example",
                                        "a@[IPv6:::1]", "\xc3\xb1@\xc3\xb1.example"};
    struct buf once, twice;

    (void)state;
    buf_init(&once, 300);
    buf_init(&twice, 300);
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct mime_address a;

        buf_reset(&once);
        buf_reset(&twice);
        assert_true(mime_address_parse(slice_of(texts[i]), &a) && mime_address_put(&once, &a));
        assert_true(mime_address_parse(buf_slice(&once), &a) && mime_address_put(&twice, &a));
        assert_true(slice_eq(buf_slice(&once), buf_slice(&twice)));
    }
    buf_clear(&once);
    buf_clear(&twice);
}

static void
address_splits_at_its_last_at(void **state)
{
    static const struct {
        const char *text, *local, *domain;
    } rows[] = {
        {"ana@here.example", "ana", "here.example"},
        {"\"a@b\"@here.example", "\"a@b\"", "here.example"},
        {"postmaster", "postmaster", ""},
        {"\"a@b\"", "\"a@b\"", ""},
        {"", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice local, domain;

        mime_address_split(slice_of(rows[i].text), &local, &domain);
        assert_true(slice_eq(local, slice_of(rows[i].local)));
        assert_true(slice_eq(domain, slice_of(rows[i].domain)));
    }
}

static void
address_case_of_the_local_part_does_not_tell_mailboxes_apart(void **state)
{
    (void)state;
    assert_true(mime_address_eq(SLICE("Ana@here.example"), SLICE("ana@here.example")));
    assert_false(mime_address_eq(SLICE("ana@here.example"), SLICE("ana@there.example")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_has_one_canonical_form),
        cmocka_unit_test(address_canonical_form_is_stable),
        cmocka_unit_test(address_splits_at_its_last_at),
        cmocka_unit_test(address_case_of_the_local_part_does_not_tell_mailboxes_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
