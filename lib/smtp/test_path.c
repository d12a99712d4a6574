/* Paths: the null one, the postmaster's, routes, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "smtp/path.h"

static void
path_is_cut_from_the_front(void **state)
{
    static const struct {
        const char *why, *in;
        bool good;
        enum smtp_path_kind kind;
        const char *local, *domain, *rest;
    } rows[] = {
        {"null", "<>", true, SMTP_PATH_NULL, "", "", ""},
        {"null with parameters", "<> SIZE=1", true, SMTP_PATH_NULL, "", "", " SIZE=1"},
        {"mailbox", "<bob@here.example>", true, SMTP_PATH_MAILBOX, "bob", "here.example", ""},
        {"after a blank", " <bob@x.example>", true, SMTP_PATH_MAILBOX, "bob", "x.example", ""},
        {"parameters", "<b@x.example> A=1", true, SMTP_PATH_MAILBOX, "b", "x.example", " A=1"},
        {"postmaster", "<postmaster>", true, SMTP_PATH_LOCAL, "postmaster", "", ""},
        {"brackets in quotes", "<\"a>b<\"@x>", true, SMTP_PATH_MAILBOX, "\"a>b<\"", "x", ""},
        {"route", "<@a.example:b@x>", true, SMTP_PATH_MAILBOX, "b", "x", ""},
        {"long route", "<@a.example,@b.example:b@x>", true, SMTP_PATH_MAILBOX, "b", "x", ""},
        {"literal", "<b@[192.0.2.1]>", true, SMTP_PATH_MAILBOX, "b", "[192.0.2.1]", ""},

        {"nothing", "", false, SMTP_PATH_NULL, "", "", ""},
        {"blanks", "  ", false, SMTP_PATH_NULL, "", "", ""},
        {"no brackets", "b@x", false, SMTP_PATH_NULL, "", "", ""},
        {"open", "<b@x", false, SMTP_PATH_NULL, "", "", ""},
        {"only open", "<", false, SMTP_PATH_NULL, "", "", ""},
        {"blank inside", "<b @x>", false, SMTP_PATH_NULL, "", "", ""},
        {"blank first inside", "< b@x>", false, SMTP_PATH_NULL, "", "", ""},
        {"two mailboxes", "<b@x,c@x>", false, SMTP_PATH_NULL, "", "", ""},
        {"route without mailbox", "<@a.example:>", false, SMTP_PATH_NULL, "", "", ""},
        {"route without colon", "<@a.example>", false, SMTP_PATH_NULL, "", "", ""},
        {"route of nothing", "<@:b@x>", false, SMTP_PATH_NULL, "", "", ""},
        {"route without at", "<@a.example,b.example:b@x>", false, SMTP_PATH_NULL, "", "", ""},
        {"brackets twice", "<<b@x>>", false, SMTP_PATH_NULL, "", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice text = slice_of(rows[i].in);
        struct smtp_path path;

        if (smtp_path_take(&text, &path) != rows[i].good)
            fail_msg("%s", rows[i].why);
        if (!rows[i].good)
            continue;
        assert_int_equal(path.kind, rows[i].kind);
        assert_true(slice_eq(path.address.local, slice_of(rows[i].local)));
        assert_true(slice_eq(path.address.domain, slice_of(rows[i].domain)));
        assert_true(slice_eq(text, slice_of(rows[i].rest)));
    }
}

/* rfc5321#4.5.3.1.3-a */
static void
path_has_256_octets_at_most(void **state)
{
    char text[300];

    (void)state;
    for (int n = 200; n < 290; n++) {
        struct slice in;
        struct smtp_path path;
        int length = snprintf(text, sizeof(text), "<%0*d@x>", n, 0);

        in = slice_make(text, (size_t)length);
        assert_int_equal(smtp_path_take(&in, &path), length <= 256);
    }
}

static void
blanks_are_taken_out_where_an_address_is_left(void **state)
{
    static const struct {
        const char *why, *in, *mended; /* NULL: not mended */
    } rows[] = {
        {"behind it", "<info@away.example >", "info@away.example"},
        {"before it", "< info@away.example>", "info@away.example"},
        {"behind the at sign", "<info@ away.example>", "info@away.example"},
        {"before the at sign", "<info @away.example>", "info@away.example"},
        {"in the domain", "<info@away .example>", "info@away.example"},
        {"a tab", "<info@away.example\t>", "info@away.example"},
        {"as a web page has it", "<info@away.example%20>", "info@away.example"},
        {"the same in front", "<%20info@away.example>", "info@away.example"},
        {"the same at the at sign", "<info%20@away.example>", "info@away.example"},
        {"the same behind it", "<info@%20away.example>", "info@away.example"},
        {"no-break", "<info@away.example\xc2\xa0>", "info@away.example"},
        {"of no width", "<\xe2\x80\x8binfo@away.example>", "info@away.example"},
        {"several", "< info @ away.example >", "info@away.example"},
        {"parameters", "<info@away.example > SIZE=1", "info@away.example"},
        {"a blank before the path", " <info@away.example >", "info@away.example"},

        {"none", "<info@away.example>", NULL},
        {"in quotes", "<\"in fo\"@away.example>", NULL},
        {"within a name", "<in%20fo@away.example>", NULL},
        {"a name alone", "<info >", NULL},
        {"nothing else", "< >", NULL},
        {"two addresses", "<a@x.example b@x.example>", NULL},
        {"no address", "<info@@away.example >", NULL},
        {"not closed", "<info@away.example ", NULL},
        {"no path", "info@away.example ", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf mended;
        bool fine;

        buf_init(&mended, MIME_ADDRESS_MAX);
        fine = smtp_path_mend(slice_of(rows[i].in), &mended);
        if (fine != (rows[i].mended != NULL) ||
            (fine && !slice_eq(buf_slice(&mended), slice_of(rows[i].mended))))
            fail_msg("%s", rows[i].why);
        buf_clear(&mended);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_is_cut_from_the_front),
        cmocka_unit_test(path_has_256_octets_at_most),
        cmocka_unit_test(blanks_are_taken_out_where_an_address_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
