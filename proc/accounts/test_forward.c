/* Aliases that lead to other servers: where to, with which return address, what the sender may
 * know, and how what comes back finds its way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "test_directory.h"

enum { DAY = 86400 };

static enum accounts_verdict
expand_from(const char *sender, const char *address)
{
    directory_expand(&d, SLICE("mail.example.com"), slice_of(address), slice_of(sender), &x);
    return x.verdict;
}

static enum directory_result
add_told(const char *address, const char *target)
{
    return change_alias(MSG_directory_alias_add, DIRECTORY_TOLD, address, target);
}

static enum directory_result
add_moved(const char *address, const char *target)
{
    return change_alias(MSG_directory_alias_add, DIRECTORY_MOVED, address, target);
}

static bool
has(const char *address, uint32_t flags)
{
    for (size_t i = 0; i < x.count; i++)
        if (x.targets[i].account == 0 && slice_eq(x.targets[i].address, slice_of(address)))
            return x.targets[i].flags == flags;
    return false;
}

static void
an_alias_may_lead_to_other_servers(void **state)
{
    static const struct {
        const char *why, *target, *expected;
    } rows[] = {
        {"a name", "ana@there.example", "ana@there.example"},
        {"with letters that are not ours to change", "Ana.B@There.EXAMPLE", "Ana.B@there.example"},
        {"a domain in UTF-8",
         "ana@b\xc3\xbc"
         "cher.example",
         "ana@xn--bcher-kva.example"},
        {"needless quotes", "\"ana\"@there.example", "ana@there.example"},
        {"a literal", "ana@[192.0.2.1]", "ana@[192.0.2.1]"},
        {"a long local part",
         "bounce-0123456789-0123456789-0123456789-0123456789-0123456789-012345@there.example",
         "bounce-0123456789-0123456789-0123456789-0123456789-0123456789-012345@there.example"},
    };
    char name[40];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(name, sizeof(name), "out%zu@example.com", i);
        assert_int_equal(add_alias(name, rows[i].target), DIRECTORY_OK);
        if (expand(name) != ACCOUNTS_OK || x.count != 1 || x.room != UINT64_MAX ||
            !has(rows[i].expected, QUEUE_FORWARD | QUEUE_HIDDEN))
            fail_msg("%s", rows[i].why);
        assert_int_equal(remove_alias(name, rows[i].target), DIRECTORY_OK);
        assert_int_equal(expand(name), ACCOUNTS_NO_MAILBOX);
    }
    assert_int_equal(add_alias("a@example.com", "ana@there..example"), DIRECTORY_BAD_ADDRESS);
    assert_int_equal(add_alias("a@example.com", "ana@"), DIRECTORY_BAD_ADDRESS);
}

static void
targets_here_and_elsewhere_go_together(void **state)
{
    (void)state;
    assert_int_equal(
        add_alias("team@example.com",
                  "ana@example.com bob@there.example team@example.com list@example.com"),
        DIRECTORY_NO_SUCH);
    assert_int_equal(add_alias("list@example.com", "eva@other.example BOB@there.example"),
                     DIRECTORY_OK);
    assert_int_equal(add_alias("ana@example.com", "ana@example.com ana@far.example"), DIRECTORY_OK);
    assert_int_equal(
        add_alias("team@example.com", "ana@example.com bob@there.example list@example.com"),
        DIRECTORY_OK);
    assert_int_equal(expand("team@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 4); /* ana's mailbox and her forward, eva, and bob once */
    assert_true(has("ana@far.example", QUEUE_FORWARD | QUEUE_HIDDEN));
    assert_int_equal(suspend_account("eva@other.example", true), DIRECTORY_OK);
    assert_int_equal(expand("list@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 1);
    assert_int_equal(add_alias("list@example.com", "bob@THERE.example"), DIRECTORY_EXISTS);
    assert_int_equal(remove_alias("list@example.com", "Bob@there.example"), DIRECTORY_OK);
    assert_int_equal(expand("list@example.com"), ACCOUNTS_SUSPENDED);
}

static void
a_catch_all_may_lead_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(add_alias("@other.example", "all@there.example"), DIRECTORY_OK);
    assert_int_equal(expand("anything+at.all@other.example"), ACCOUNTS_OK);
    assert_true(has("all@there.example", QUEUE_FORWARD | QUEUE_HIDDEN));
    assert_int_equal(expand("eva@other.example"), ACCOUNTS_OK);
    assert_int_equal(x.targets[0].account, id_of("eva@other.example"));
}

/* A domain that comes here is from then on asked here. */
static void
a_target_is_elsewhere_as_long_as_its_domain_is(void **state)
{
    (void)state;
    assert_int_equal(add_alias("out@example.com", "Bob@new.example"), DIRECTORY_OK);
    assert_int_equal(add_domain("new.example"), DIRECTORY_OK);
    assert_int_equal(expand("out@example.com"), ACCOUNTS_NO_MAILBOX);
    assert_int_equal(add_account("bob@new.example", NO_DEFAULT), DIRECTORY_OK);
    assert_int_equal(expand("out@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.targets[0].account, id_of("bob@new.example"));
}

static void
an_answer_holds_so_many_targets_elsewhere_whoever_writes(void **state)
{
    struct buf items;
    int count = 0;

    (void)state;
    buf_init(&items, DIRECTORY_ANSWER_MAX);
    for (char target[80];; count++) {
        snprintf(target, sizeof(target), "member-%d@there.example", count);
        if (add_alias("list@example.com", target) != DIRECTORY_OK)
            break;
    }
    assert_int_equal(outcome.result, DIRECTORY_LOOP);
    assert_in_range(count, 150, DIRECTORY_TARGETS_MAX);
    assert_int_equal(expand_from("a-sender-with-a-name-that-is-rather-long-but-not-too-long@"
                                 "a-domain-with-a-name-that-is-rather-long.elsewhere.example",
                                 "list@example.com"),
                     ACCOUNTS_OK);
    assert_int_equal(x.count, count);
    for (size_t i = 0; i < x.count; i++)
        assert_true(msg_items_put(&items, MSG_queue_target, &x.targets[i]));
    buf_clear(&items);
}

static void
senders_are_told_what_an_alias_lets_them_know(void **state)
{
    static const struct {
        const char *why, *address;
        enum accounts_verdict verdict;
        const char *told, *target;
        uint32_t flags;
    } rows[] = {
        {"told", "told@example.com", ACCOUNTS_FORWARDS, "ana@there.example", "ana@there.example",
         QUEUE_FORWARD},
        {"told with a detail", "told+x@example.com", ACCOUNTS_FORWARDS, "ana@there.example",
         "ana@there.example", QUEUE_FORWARD},
        {"hidden before it", "first@example.com", ACCOUNTS_OK, "", "ana@there.example",
         QUEUE_FORWARD | QUEUE_HIDDEN},
        {"hidden behind it", "open@example.com", ACCOUNTS_FORWARDS, "secret@example.com",
         "eve@there.example", QUEUE_FORWARD | QUEUE_HIDDEN},
        {"moved", "moved@example.com", ACCOUNTS_MOVED, "new@there.example", NULL, 0},
        {"moved here", "moved2@example.com", ACCOUNTS_MOVED, "luis@example.com", NULL, 0},
    };

    (void)state;
    assert_int_equal(add_told("told@example.com", "ana@there.example"), DIRECTORY_OK);
    assert_int_equal(add_alias("first@example.com", "told@example.com"), DIRECTORY_OK);
    assert_int_equal(add_alias("secret@example.com", "eve@there.example"), DIRECTORY_OK);
    assert_int_equal(add_told("open@example.com", "secret@example.com"), DIRECTORY_OK);
    assert_int_equal(add_moved("moved@example.com", "new@there.example"), DIRECTORY_OK);
    assert_int_equal(add_moved("moved2@example.com", "luis@example.com"), DIRECTORY_OK);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (expand(rows[i].address) != rows[i].verdict ||
            !slice_eq(x.told, slice_of(rows[i].told)) || x.count != (rows[i].target ? 1 : 0) ||
            (rows[i].target && !has(rows[i].target, rows[i].flags)))
            fail_msg("%s: %d", rows[i].why, x.verdict);
}

static void
a_kind_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *why;
        enum directory_alias_kind kind;
        const char *address, *targets;
        enum directory_result result;
    } rows[] = {
        {"none of these", DIRECTORY_ALIAS_KINDS, "a@example.com", "b@there.example",
         DIRECTORY_BAD_VALUE},
        {"two cannot be told", DIRECTORY_TOLD, "a@example.com", "b@there.example c@there.example",
         DIRECTORY_BAD_VALUE},
        {"nor have been moved to", DIRECTORY_MOVED, "a@example.com",
         "b@there.example c@there.example", DIRECTORY_BAD_VALUE},
        {"letters no reply has", DIRECTORY_TOLD, "a@example.com", "jos\xc3\xa9@there.example",
         DIRECTORY_BAD_VALUE},
        {"which a forward may have", DIRECTORY_HIDDEN, "jo@example.com",
         "jos\xc3\xa9@there.example", DIRECTORY_OK},
        {"to itself", DIRECTORY_MOVED, "ana@example.com", "Ana@example.com", DIRECTORY_LOOP},
        {"to nobody here", DIRECTORY_MOVED, "a@example.com", "nobody@example.com",
         DIRECTORY_NO_SUCH},
        {"the postmaster", DIRECTORY_MOVED, "postmaster@example.com", "b@there.example",
         DIRECTORY_IN_USE},
        {"who may tell", DIRECTORY_TOLD, "postmaster@example.com", "b@there.example", DIRECTORY_OK},
        {"moved", DIRECTORY_MOVED, "a@example.com", "b@there.example", DIRECTORY_OK},
        {"the same again", DIRECTORY_MOVED, "a@example.com", "b@there.example", DIRECTORY_EXISTS},
        {"another besides", DIRECTORY_MOVED, "a@example.com", "c@there.example",
         DIRECTORY_BAD_VALUE},
        {"an alias to it", DIRECTORY_HIDDEN, "c@example.com", "a@example.com", DIRECTORY_NO_SUCH},
        {"another kind, with both", DIRECTORY_HIDDEN, "a@example.com", "c@there.example",
         DIRECTORY_OK},
        {"and no way back with both", DIRECTORY_TOLD, "a@example.com", "b@there.example",
         DIRECTORY_BAD_VALUE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (change_alias(MSG_directory_alias_add, rows[i].kind, rows[i].address, rows[i].targets) !=
            rows[i].result)
            fail_msg("%s: %d %s", rows[i].why, outcome.result, outcome.text);
    assert_int_equal(expand("a@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 2);
}

/* What led to it when it moved has nobody any more; only who wrote to it is told where to. */
static void
an_alias_to_one_that_moved_leads_nowhere(void **state)
{
    (void)state;
    assert_int_equal(add_alias("b@example.com", "ana@example.com"), DIRECTORY_OK);
    assert_int_equal(add_alias("a@example.com", "b@example.com"), DIRECTORY_OK);
    assert_int_equal(add_moved("b@example.com", "ana@example.com"), DIRECTORY_OK);
    assert_int_equal(expand("a@example.com"), ACCOUNTS_NO_MAILBOX);
    assert_int_equal(x.told.len, 0);
}

static void
a_forward_travels_with_a_return_address_of_ours(void **state)
{
    static const struct {
        const char *why, *alias, *sender, *begins, *ends;
    } rows[] = {
        {"a stranger's", "out@example.com", "luis@there.example",
         "SRS0=", "=there.example=luis@example.com"},
        {"at the alias's own domain", "out@other.example", "luis@there.example",
         "SRS0=", "=there.example=luis@other.example"},
        {"at that of the last alias", "far@example.com", "luis@there.example",
         "SRS0=", "=there.example=luis@other.example"},
        {"another forwarder's", "out@example.com", "SRS0=HHHH=TT=orig.example=o@fwd.example",
         "SRS1=", "=fwd.example==HHHH=TT=orig.example=o@example.com"},
        {"ours", "out@example.com", "Ana@example.com", "Ana@example.com", ""},
        {"of another domain of ours", "out@example.com", "eva@other.example", "eva@other.example",
         ""},
        {"nobody's", "out@example.com", "", "", ""},
    };

    (void)state;
    assert_int_equal(add_alias("out@example.com", "ana@far.example"), DIRECTORY_OK);
    assert_int_equal(add_alias("out@other.example", "ana@far.example"), DIRECTORY_OK);
    assert_int_equal(add_alias("far@example.com", "out@other.example"), DIRECTORY_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice begins = slice_of(rows[i].begins), ends = slice_of(rows[i].ends), path;

        assert_int_equal(expand_from(rows[i].sender, rows[i].alias), ACCOUNTS_OK);
        path = x.targets[0].sender;
        if (path.len < begins.len + ends.len || !slice_eq(slice_head(path, begins.len), begins) ||
            !slice_eq(slice_tail(path, path.len - ends.len), ends) ||
            (ends.len == 0 && path.len != begins.len))
            fail_msg("%s: %.*s", rows[i].why, (int)path.len, path.at);
    }
}

static void
a_sender_that_cannot_be_wrapped_stays(void **state)
{
    char sender[MIME_ADDRESS_MAX + 1];

    (void)state;
    memset(sender, 'a', sizeof(sender));
    strcpy(sender + MIME_ADDRESS_MAX - strlen("@there.example"), "@there.example");
    assert_int_equal(add_alias("out@example.com", "ana@far.example"), DIRECTORY_OK);
    assert_int_equal(expand_from(sender, "out@example.com"), ACCOUNTS_OK);
    assert_true(slice_eq(x.targets[0].sender, slice_of(sender)));
}

/* What mail from this sender through an alias of the domain comes back to. */
static void
make_return(const char *sender, const char *alias, char address[MIME_ADDRESS_MAX + 1])
{
    assert_int_equal(expand_from(sender, alias), ACCOUNTS_OK);
    assert_true(slice_to_string(x.targets[0].sender, address, MIME_ADDRESS_MAX + 1));
}

static void
what_comes_back_goes_to_the_sender(void **state)
{
    char address[MIME_ADDRESS_MAX + 1], lower[MIME_ADDRESS_MAX + 1];

    (void)state;
    assert_int_equal(add_alias("out@example.com", "ana@far.example"), DIRECTORY_OK);
    assert_int_equal(add_alias("@example.com", "luis@example.com"), DIRECTORY_OK);
    make_return("Luis+tag@there.example", "out@example.com", address);
    assert_int_equal(expand_from("", address), ACCOUNTS_OK);
    assert_int_equal(x.count, 1);
    assert_true(has("Luis+tag@there.example", QUEUE_FORWARD));
    assert_int_equal(x.targets[0].sender.len, 0);
    assert_int_equal(expand_from("robot@far.example", address), ACCOUNTS_OK);
    assert_true(slice_starts_nocase(x.targets[0].sender, SLICE("SRS0=")));
    for (size_t i = 0; i <= strlen(address); i++) /* as some servers spell it */
        lower[i] = (char)ascii_lower((uint8_t)address[i]);
    assert_int_equal(expand_from("", lower), ACCOUNTS_OK);
    assert_true(has("luis+tag@there.example", QUEUE_FORWARD));
    memcpy(strchr(address, '@'), "@other.example", sizeof("@other.example"));
    assert_int_equal(expand_from("", address), ACCOUNTS_OK); /* any domain of ours will do */
    memcpy(strchr(address, '@'), "@there.example", sizeof("@there.example"));
    assert_int_equal(expand_from("", address), ACCOUNTS_NOT_LOCAL);
}

static void
what_comes_back_may_be_for_somebody_here(void **state)
{
    char address[MIME_ADDRESS_MAX + 1];

    (void)state;
    assert_int_equal(add_alias("out@example.com", "ana@far.example"), DIRECTORY_OK);
    make_return("bob@new.example", "out@example.com", address);
    assert_int_equal(add_domain("new.example"), DIRECTORY_OK);
    assert_int_equal(expand_from("", address), ACCOUNTS_NO_MAILBOX);
    assert_int_equal(add_account("bob@new.example", NO_DEFAULT), DIRECTORY_OK);
    assert_int_equal(expand_from("", address), ACCOUNTS_OK);
    assert_int_equal(x.targets[0].account, id_of("bob@new.example"));
}

static void
a_return_address_that_is_not_ours_or_too_old_is_refused(void **state)
{
    struct srs srs = d.srs;
    uint8_t room[MIME_ADDRESS_MAX + 1];
    struct buf old = {.at = room, .room = MIME_ADDRESS_MAX, .cap = MIME_ADDRESS_MAX};
    int64_t now = (int64_t)(clock_now_us() / 1000000);
    char address[MIME_ADDRESS_MAX + 1];

    (void)state;
    assert_int_equal(add_alias("out@example.com", "ana@far.example"), DIRECTORY_OK);
    assert_int_equal(add_alias("@example.com", "luis@example.com"), DIRECTORY_OK);
    make_return("bob@there.example", "out@example.com", address);
    address[strlen("SRS0=")] = address[strlen("SRS0=")] == 'B' ? 'C' : 'B';
    assert_int_equal(expand_from("", address), ACCOUNTS_NO_MAILBOX);
    srs.domain = SLICE("example.com");
    assert_true(srs_forward_put(&old, &srs, SLICE("bob@there.example"), now - 32 * DAY));
    room[old.len] = '\0';
    assert_int_equal(expand_from("", (const char *)room), ACCOUNTS_RETURN_OVER);
    assert_int_equal(x.count, 0);
    d.srs.valid_days = 40;
    assert_int_equal(expand_from("", (const char *)room), ACCOUNTS_OK);
    assert_int_equal(suspend_domain("example.com", true), DIRECTORY_OK);
    assert_int_equal(expand_from("", (const char *)room), ACCOUNTS_DOMAIN_SUSPENDED);
    assert_int_equal(suspend_domain("example.com", false), DIRECTORY_OK);
    assert_int_equal(expand_from("", "srs0@example.com"), ACCOUNTS_OK); /* the catch-all's */
    assert_int_equal(add_account("srs0=x@example.com", NO_DEFAULT), DIRECTORY_OK);
    assert_int_equal(expand_from("", "SRS0=x@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.targets[0].account, id_of("srs0=x@example.com"));
}

/* By hand, so far: the old key moves to the second place, and a new one takes the first. */
static void
a_second_key_verifies_what_was_made_with_it(void **state)
{
    static const char *const rotate =
        "INSERT OR REPLACE INTO secrets SELECT 'srs-old', value FROM secrets WHERE name='srs';"
        "UPDATE secrets SET value=randomblob(32) WHERE name='srs'";
    char first[MIME_ADDRESS_MAX + 1], second[MIME_ADDRESS_MAX + 1];

    (void)state;
    assert_int_equal(add_alias("out@example.com", "ana@far.example"), DIRECTORY_OK);
    make_return("bob@there.example", "out@example.com", first);
    assert_int_equal(sqlite3_exec(d.db.sqlite, rotate, NULL, NULL, NULL), SQLITE_OK);
    directory_read_keys(&d);
    make_return("bob@there.example", "out@example.com", second);
    assert_string_not_equal(first, second);
    assert_int_equal(expand_from("", first), ACCOUNTS_OK);
    assert_int_equal(expand_from("", second), ACCOUNTS_OK);
    assert_int_equal(sqlite3_exec(d.db.sqlite, rotate, NULL, NULL, NULL), SQLITE_OK);
    directory_read_keys(&d);
    assert_int_equal(expand_from("", first), ACCOUNTS_NO_MAILBOX);
    assert_int_equal(expand_from("", second), ACCOUNTS_OK);
}

static void
addresses_at_domains_of_ours_are_known(void **state)
{
    (void)state;
    assert_true(directory_is_ours(&d, SLICE("nobody@example.com")));
    assert_false(directory_is_ours(&d, SLICE("ana@sub.example.com")));
    assert_false(directory_is_ours(&d, SLICE("ana@[192.0.2.1]")));
    assert_false(directory_is_ours(&d, SLICE("ana")));
    assert_false(directory_is_ours(&d, SLICE("")));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(an_alias_may_lead_to_other_servers),
        TEST(targets_here_and_elsewhere_go_together),
        TEST(a_catch_all_may_lead_elsewhere),
        TEST(a_target_is_elsewhere_as_long_as_its_domain_is),
        TEST(an_answer_holds_so_many_targets_elsewhere_whoever_writes),
        TEST(senders_are_told_what_an_alias_lets_them_know),
        TEST(a_kind_that_makes_no_sense_is_refused),
        TEST(an_alias_to_one_that_moved_leads_nowhere),
        TEST(a_forward_travels_with_a_return_address_of_ours),
        TEST(a_sender_that_cannot_be_wrapped_stays),
        TEST(what_comes_back_goes_to_the_sender),
        TEST(what_comes_back_may_be_for_somebody_here),
        TEST(a_return_address_that_is_not_ours_or_too_old_is_refused),
        TEST(a_second_key_verifies_what_was_made_with_it),
        TEST(addresses_at_domains_of_ours_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
