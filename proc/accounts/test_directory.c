/* What addresses mean, what changes do and refuse, and what lists show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_directory.h"

static void
an_address_leads_to_its_mailbox(void **state)
{
    static const struct {
        const char *why, *address;
        enum accounts_verdict verdict;
        const char *mailbox; /* NULL: none */
        uint64_t room;
    } rows[] = {
        {"a mailbox", "ana@example.com", ACCOUNTS_OK, "ana@example.com", 1000},
        {"in capitals", "ANA@example.com", ACCOUNTS_OK, "ana@example.com", 1000},
        {"with a quota of its own", "luis@example.com", ACCOUNTS_OK, "luis@example.com", 500},
        {"without a quota", "eva@other.example", ACCOUNTS_OK, "eva@other.example", UINT64_MAX},
        {"with a detail", "ana+shop@example.com", ACCOUNTS_OK, "ana@example.com", 1000},
        {"with two", "ana+shop+it@example.com", ACCOUNTS_OK, "ana@example.com", 1000},
        {"with an empty one", "ana+@example.com", ACCOUNTS_OK, "ana@example.com", 1000},
        {"nobody", "eve@example.com", ACCOUNTS_NO_MAILBOX, NULL, 0},
        {"nobody with a detail", "eve+shop@example.com", ACCOUNTS_NO_MAILBOX, NULL, 0},
        {"only a detail", "+shop@example.com", ACCOUNTS_NO_MAILBOX, NULL, 0},
        {"in the other domain", "ana@other.example", ACCOUNTS_NO_MAILBOX, NULL, 0},
        {"elsewhere", "ana@elsewhere.example", ACCOUNTS_NOT_LOCAL, NULL, 0},
        {"below a domain", "ana@sub.example.com", ACCOUNTS_NOT_LOCAL, NULL, 0},
        {"a literal", "ana@[192.0.2.1]", ACCOUNTS_NOT_LOCAL, NULL, 0},
        {"the postmaster", "PostMaster@example.com", ACCOUNTS_OK, "postmaster@example.com", 1000},
        {"a catch-all's own name", "@example.com", ACCOUNTS_NO_MAILBOX, NULL, 0},
        {"no domain", "ana", ACCOUNTS_NO_MAILBOX, NULL, 0},
        {"nothing", "", ACCOUNTS_NO_MAILBOX, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool one = expand(rows[i].address) == ACCOUNTS_OK && x.count == 1;

        if (x.verdict != rows[i].verdict || one != (rows[i].mailbox != NULL) ||
            (one && (x.targets[0].account != id_of(rows[i].mailbox) || x.room != rows[i].room)))
            fail_msg("%s: %d", rows[i].why, x.verdict);
    }
}

/* rfc5321#4.5.1-b */
static void
postmaster_alone_is_that_of_the_services_own_domain(void **state)
{
    static const struct {
        const char *why, *hostname, *mailbox;
    } rows[] = {
        {"the name itself", "example.com", "postmaster@example.com"},
        {"the domain above", "mail.other.example", "postmaster@other.example"},
        {"neither: the first", "mx.elsewhere.example", "postmaster@example.com"},
        {"a bare name", "localhost", "postmaster@example.com"},
        {"none", "", "postmaster@example.com"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        directory_expand(&d, slice_of(rows[i].hostname), SLICE("Postmaster"), SLICE(""), &x);
        if (x.verdict != ACCOUNTS_OK || x.targets[0].account != id_of(rows[i].mailbox))
            fail_msg("%s", rows[i].why);
    }
}

static void
a_service_without_domains_has_nobody(void **state)
{
    (void)state;
    assert_int_equal(remove_account("ana@example.com"), DIRECTORY_OK);
    assert_int_equal(remove_account("luis@example.com"), DIRECTORY_OK);
    assert_int_equal(remove_account("eva@other.example"), DIRECTORY_OK);
    assert_int_equal(remove_domain("example.com"), DIRECTORY_OK);
    assert_int_equal(remove_domain("other.example"), DIRECTORY_OK);
    assert_int_equal(expand("postmaster"), ACCOUNTS_NO_MAILBOX);
    assert_int_equal(expand("postmaster@example.com"), ACCOUNTS_NOT_LOCAL);
}

static void
aliases_lead_to_each_mailbox_once(void **state)
{
    (void)state;
    assert_int_equal(add_alias("sales@example.com", "ana@example.com luis@example.com"),
                     DIRECTORY_OK);
    assert_int_equal(
        add_alias("all@example.com", "sales@example.com Eva@other.example ana+all@example.com"),
        DIRECTORY_OK);
    assert_int_equal(expand("sales@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 2);
    assert_int_equal(expand("all+x@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 3);
    assert_true(x.room == UINT64_MAX);
}

static void
an_alias_overrules_the_account_and_may_keep_a_copy(void **state)
{
    (void)state;
    assert_int_equal(add_alias("postmaster@example.com", "ana@example.com"), DIRECTORY_OK);
    assert_int_equal(expand("postmaster@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 1);
    assert_int_equal(x.targets[0].account, id_of("ana@example.com"));
    assert_int_equal(add_alias("luis@example.com", "luis@example.com ana@example.com"),
                     DIRECTORY_OK);
    assert_int_equal(expand("luis@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 2);
    assert_int_equal(remove_account("luis@example.com"), DIRECTORY_OK);
    assert_int_equal(expand("luis@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 1);
}

static void
a_catch_all_has_what_nobody_else_has(void **state)
{
    (void)state;
    assert_int_equal(add_alias("@Example.com", "luis@example.com"), DIRECTORY_OK);
    assert_int_equal(expand("anything+at.all@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.targets[0].account, id_of("luis@example.com"));
    assert_int_equal(expand("ana@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.targets[0].account, id_of("ana@example.com"));
    assert_int_equal(expand("ana+x@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.targets[0].account, id_of("ana@example.com"));
    assert_int_equal(expand("anything@other.example"), ACCOUNTS_NO_MAILBOX);
    assert_int_equal(add_alias("@other.example", "nobody@example.com"), DIRECTORY_OK);
    assert_int_equal(expand("anything@other.example"), ACCOUNTS_OK);
    assert_int_equal(remove_alias("@example.com", ""), DIRECTORY_OK);
    assert_int_equal(expand("anything@other.example"), ACCOUNTS_NO_MAILBOX);
}

static void
aliases_that_lead_back_are_refused(void **state)
{
    static const struct {
        const char *why, *address, *targets;
        enum directory_result result;
    } rows[] = {
        {"one", "a@example.com", "ana@example.com", DIRECTORY_OK},
        {"a chain", "b@example.com", "a@example.com", DIRECTORY_OK},
        {"its end leads to its beginning", "a@example.com", "b@example.com", DIRECTORY_LOOP},
        {"itself, which is no account", "a@example.com", "a@example.com", DIRECTORY_LOOP},
        {"a catch-all of nobody", "@example.com", "nobody@example.com", DIRECTORY_NO_SUCH},
        {"a catch-all", "@example.com", "b@example.com", DIRECTORY_OK},
        {"which would then lead to itself", "@example.com", "nobody@example.com", DIRECTORY_LOOP},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (add_alias(rows[i].address, rows[i].targets) != rows[i].result)
            fail_msg("%s: %d %s", rows[i].why, outcome.result, outcome.text);
    assert_int_equal(expand("b@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 1);
}

static void
chains_end_at_the_limit_of_depth(void **state)
{
    char name[40], target[40] = "ana@example.com";

    (void)state;
    for (int i = 1; i <= DIRECTORY_DEPTH_MAX; i++) {
        snprintf(name, sizeof(name), "a%d@example.com", i);
        assert_int_equal(add_alias(name, target), DIRECTORY_OK);
        strcpy(target, name);
    }
    assert_int_equal(expand(target), ACCOUNTS_OK);
    assert_int_equal(add_alias("deeper@example.com", target), DIRECTORY_LOOP);
    /* made longer at its other end, where nobody looks: found when mail comes */
    assert_int_equal(add_alias("ana@example.com", "luis@example.com"), DIRECTORY_OK);
    assert_int_equal(expand(target), ACCOUNTS_LOOP);
    assert_int_equal(x.verdict, ACCOUNTS_LOOP);
}

static void
targets_are_limited_however_they_are_nested(void **state)
{
    char name[40];

    (void)state;
    for (int list = 0; list < 3; list++) {
        struct buf targets;

        buf_init(&targets, 40000);
        for (int i = 0; i < 400; i++) {
            snprintf(name, sizeof(name), "u%d@example.com", list * 400 + i);
            assert_int_equal(add_account(name, NO_DEFAULT), DIRECTORY_OK);
            buf_put_format(&targets, "%s%s", i ? " " : "", name);
        }
        buf_put_byte(&targets, '\0');
        snprintf(name, sizeof(name), "list%d@example.com", list);
        assert_int_equal(add_alias(name, (const char *)targets.at), DIRECTORY_OK);
        buf_clear(&targets);
    }
    assert_int_equal(add_alias("two@example.com", "list0@example.com list1@example.com"),
                     DIRECTORY_OK);
    assert_int_equal(expand("two@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 800);
    assert_int_equal(add_alias("three@example.com", "two@example.com list2@example.com"),
                     DIRECTORY_LOOP);
}

static void
full_and_suspended_mailboxes_stop_only_themselves(void **state)
{
    (void)state;
    assert_int_equal(add_alias("both@example.com", "ana@example.com luis@example.com"),
                     DIRECTORY_OK);
    directory_report(&d, id_of("luis@example.com"), 500, 3);
    assert_int_equal(expand("luis@example.com"), ACCOUNTS_FULL);
    assert_int_equal(expand("both@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 2); /* whoever is full is told so by name */
    assert_int_equal(x.room, 1000);
    assert_int_equal(suspend_account("ana@example.com", true), DIRECTORY_OK);
    assert_int_equal(expand("ana@example.com"), ACCOUNTS_SUSPENDED);
    assert_int_equal(expand("both@example.com"), ACCOUNTS_FULL);
    assert_false(err_is(directory_flush(&d)));
    assert_int_equal(expand("luis@example.com"), ACCOUNTS_FULL);
    directory_report(&d, id_of("luis@example.com"), 499, 2);
    assert_int_equal(expand("both@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 1);
    assert_int_equal(x.room, 1);
    assert_int_equal(suspend_account("ana@example.com", false), DIRECTORY_OK);
    assert_int_equal(expand("ana@example.com"), ACCOUNTS_OK);
    assert_int_equal(suspend_domain("example.com", true), DIRECTORY_OK);
    assert_int_equal(expand("ana@example.com"), ACCOUNTS_DOMAIN_SUSPENDED);
    assert_int_equal(expand("nobody@example.com"), ACCOUNTS_DOMAIN_SUSPENDED);
    assert_int_equal(suspend_domain("example.com", false), DIRECTORY_OK);
    assert_int_equal(expand("ana@example.com"), ACCOUNTS_OK);
}

static void
one_may_send_as_what_one_receives(void **state)
{
    static const struct {
        const char *why, *account, *address;
        bool own;
    } rows[] = {
        {"oneself", "ana@example.com", "Ana@example.com", true},
        {"oneself with a detail", "ana@example.com", "ana+shop@example.com", true},
        {"an alias", "ana@example.com", "sales@example.com", true},
        {"an alias with a detail", "ana@example.com", "sales+x@example.com", true},
        {"an alias of others", "luis@example.com", "sales@example.com", false},
        {"someone else", "luis@example.com", "ana@example.com", false},
        {"someone else with a detail", "luis@example.com", "ana+x@example.com", false},
        {"what the catch-all has", "luis@example.com", "anything@example.com", true},
        {"what it has not", "ana@example.com", "anything@example.com", false},
        {"oneself, though an alias takes the mail", "eva@other.example", "eva@other.example", true},
        {"elsewhere", "ana@example.com", "ana@elsewhere.example", false},
        {"no domain", "ana@example.com", "ana", false},
        {"the null sender", "ana@example.com", "", true},
    };

    (void)state;
    assert_int_equal(add_alias("sales@example.com", "ana@example.com"), DIRECTORY_OK);
    assert_int_equal(add_alias("@example.com", "luis@example.com"), DIRECTORY_OK);
    assert_int_equal(add_alias("eva@other.example", "ana@example.com"), DIRECTORY_OK);
    for (size_t i = 0; i < COUNT(rows); i++)
        if (directory_may_send(&d, id_of(rows[i].account), slice_of(rows[i].address), &x) !=
            rows[i].own)
            fail_msg("%s", rows[i].why);
    assert_false(directory_may_send(&d, 0, SLICE("ana@example.com"), &x));
    assert_int_equal(suspend_account("ana@example.com", true), DIRECTORY_OK);
    assert_false(directory_may_send(&d, id_of("ana@example.com"), SLICE("ana@example.com"), &x));
}

static void
changes_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        const char *why;
        enum directory_result (*two)(const char *, const char *);
        enum directory_result (*one)(const char *);
        const char *a, *b;
        enum directory_result result;
    } rows[] = {
        {"a domain again", NULL, add_domain, "EXAMPLE.com", NULL, DIRECTORY_EXISTS},
        {"a bad domain", NULL, add_domain, "exa mple", NULL, DIRECTORY_BAD_ADDRESS},
        {"a literal", NULL, add_domain, "[192.0.2.1]", NULL, DIRECTORY_BAD_ADDRESS},
        {"no domain", NULL, add_domain, "", NULL, DIRECTORY_BAD_ADDRESS},
        {"a domain in use", NULL, remove_domain, "example.com", NULL, DIRECTORY_IN_USE},
        {"a domain elsewhere", NULL, remove_domain, "elsewhere.example", NULL, DIRECTORY_NO_SUCH},
        {"an account nobody has", NULL, remove_account, "eve@example.com", NULL, DIRECTORY_NO_SUCH},
        {"in no domain", NULL, remove_account, "eve@elsewhere.example", NULL, DIRECTORY_NO_DOMAIN},
        {"the postmaster", NULL, remove_account, "postmaster@example.com", NULL, DIRECTORY_IN_USE},
        {"no address", NULL, remove_account, "eve", NULL, DIRECTORY_BAD_ADDRESS},
        {"a target that is none", add_alias, NULL, "a@example.com", "b", DIRECTORY_BAD_ADDRESS},
        {"one of two", add_alias, NULL, "a@example.com", "ana@example.com eve@example.com",
         DIRECTORY_NO_SUCH},
        {"no targets", add_alias, NULL, "a@example.com", "", DIRECTORY_BAD_VALUE},
        {"an alias elsewhere", add_alias, NULL, "a@elsewhere.example", "ana@example.com",
         DIRECTORY_NO_DOMAIN},
        {"an alias that is none", add_alias, NULL, "a", "ana@example.com", DIRECTORY_BAD_ADDRESS},
        {"nothing of all that was kept", remove_alias, NULL, "a@example.com", "",
         DIRECTORY_NO_SUCH},
        {"an alias", add_alias, NULL, "a@example.com", "ana@example.com", DIRECTORY_OK},
        {"the same again", add_alias, NULL, "a@example.com", "Ana@example.com", DIRECTORY_EXISTS},
        {"a target it has not", remove_alias, NULL, "a@example.com", "luis@example.com",
         DIRECTORY_NO_SUCH},
        {"its only target", remove_alias, NULL, "a@example.com", "ana@example.com", DIRECTORY_OK},
        {"which ended it", remove_alias, NULL, "a@example.com", "", DIRECTORY_NO_SUCH},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum directory_result result =
            rows[i].two ? rows[i].two(rows[i].a, rows[i].b) : rows[i].one(rows[i].a);

        if (result != rows[i].result)
            fail_msg("%s: %d %s", rows[i].why, result, outcome.text);
        if (result != DIRECTORY_OK)
            assert_int_equal(outcome.account, 0);
        assert_true(outcome.text[0] != '\0');
    }
}

static void
accounts_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        const char *why, *address;
        uint64_t quota;
        enum directory_result result;
    } rows[] = {
        {"again", "Ana@EXAMPLE.com", 0, DIRECTORY_EXISTS},
        {"elsewhere", "ana@elsewhere.example", 0, DIRECTORY_NO_DOMAIN},
        {"no address", "ana@", 0, DIRECTORY_BAD_ADDRESS},
        {"a catch-all", "@example.com", 0, DIRECTORY_BAD_ADDRESS},
        {"a long local part",
         "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg@example.com", 0,
         DIRECTORY_BAD_ADDRESS},
        {"a quota that is no number of bytes", "new@example.com", UINT64_MAX - 1,
         DIRECTORY_BAD_VALUE},
        {"fine", "new@example.com", 5, DIRECTORY_OK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (add_account(rows[i].address, rows[i].quota) != rows[i].result)
            fail_msg("%s: %d %s", rows[i].why, outcome.result, outcome.text);
}

static void
a_postmaster_there_is_as_long_as_the_domain(void **state)
{
    (void)state;
    assert_int_equal(add_alias("postmaster@example.com", "ana@example.com"), DIRECTORY_OK);
    assert_int_equal(remove_account("postmaster@example.com"), DIRECTORY_OK);
    assert_int_equal(remove_alias("postmaster@example.com", ""), DIRECTORY_IN_USE);
    assert_int_equal(remove_account("ana@example.com"), DIRECTORY_IN_USE);
    assert_int_equal(add_alias("a@example.com", "luis@example.com"), DIRECTORY_OK);
    assert_int_equal(add_alias("postmaster@example.com", "a@example.com"), DIRECTORY_OK);
    assert_int_equal(remove_account("ana@example.com"), DIRECTORY_OK);
    assert_int_equal(remove_alias("a@example.com", ""), DIRECTORY_IN_USE);
    assert_int_equal(remove_account("luis@example.com"), DIRECTORY_IN_USE);
    assert_int_equal(expand("postmaster@example.com"), ACCOUNTS_OK);
}

static void
ids_are_never_given_twice(void **state)
{
    uint64_t last = id_of("eva@other.example");

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(remove_account("eva@other.example"), DIRECTORY_OK);
        assert_int_equal(outcome.account, last);
        assert_int_equal(add_account("eva@other.example", 0), DIRECTORY_OK);
        assert_true(outcome.account > last);
        last = outcome.account;
    }
}

static void
what_led_to_a_removed_account_leads_there_no_more(void **state)
{
    (void)state;
    assert_int_equal(add_alias("both@example.com", "ana@example.com luis@example.com"),
                     DIRECTORY_OK);
    assert_int_equal(add_alias("one@other.example", "ana@example.com"), DIRECTORY_OK);
    assert_int_equal(remove_account("ana@example.com"), DIRECTORY_OK);
    assert_int_equal(expand("both@example.com"), ACCOUNTS_OK);
    assert_int_equal(x.count, 1);
    assert_int_equal(expand("one@other.example"), ACCOUNTS_NO_MAILBOX);
    assert_int_equal(add_account("ana@example.com", 0), DIRECTORY_OK); /* another Ana */
    assert_int_equal(expand("one@other.example"), ACCOUNTS_NO_MAILBOX);
    assert_int_equal(directory_totals(&d).aliases, 1);
}

static void
passwords_hashes_and_options_are_kept(void **state)
{
    struct credentials c = {
        .hash = "$1$saltsalt$x", .iterations = 5000, .salt = "salt", .salt_len = 4};
    union msg_any m = {.directory_account_passwd = {.address = SLICE("ana@example.com"),
                                                    .password = SLICE("new")}};
    struct account who;
    struct name n;

    (void)state;
    memset(&c.scram, 7, sizeof(c.scram));
    assert_int_equal(change(MSG_directory_account_passwd, &m, &c), DIRECTORY_OK);
    m.directory_account_login_delay =
        (struct directory_account_login_delay){SLICE("ana@example.com"), 61};
    assert_int_equal(change(MSG_directory_account_login_delay, &m, NULL),
                     DIRECTORY_BAD_VALUE); /* rfc2449#6.5-b */
    m.directory_account_login_delay.seconds = 30;
    assert_int_equal(change(MSG_directory_account_login_delay, &m, NULL), DIRECTORY_OK);
    name_parse(&n, SLICE("ana@example.com"));
    assert_true(directory_account_get(&d, &n, &who));
    assert_string_equal(who.credentials.hash, c.hash);
    assert_int_equal(who.credentials.iterations, 5000);
    assert_int_equal(who.credentials.salt_len, 4);
    assert_memory_equal(&who.credentials.scram, &c.scram, sizeof(c.scram));
    assert_string_equal(who.credentials.apop, "");
    assert_int_equal(who.login_delay, 30);
    d.login_delay = 10;
    directory_account_get(&d, &n, &who);
    assert_int_equal(who.login_delay, 10);
    m.directory_account_passwd =
        (struct directory_account_passwd){.address = SLICE("ana@example.com")};
    assert_int_equal(change(MSG_directory_account_passwd, &m, NULL), DIRECTORY_OK);
    directory_account_get(&d, &n, &who);
    assert_string_equal(who.credentials.hash, "");
    assert_int_equal(who.credentials.iterations, 0);
}

/* rfc1939#7-g */
static void
apop_follows_the_password_once_opted_in(void **state)
{
    static const struct {
        const char *why, *password, *hash, *apop;
    } rows[] = {
        {"a new password", "second", "$1$saltsalt$y", "second"},
        {"a hash alone", "", "$1$saltsalt$z", ""},
        {"a password after that", "third", "$1$saltsalt$y", ""},
    };
    union msg_any m = {.directory_account_apop = {SLICE("ana@example.com"), SLICE("first")}};
    struct account who;
    struct name n;

    (void)state;
    name_parse(&n, SLICE("ana@example.com"));
    assert_int_equal(change(MSG_directory_account_apop, &m, NULL), DIRECTORY_OK);
    assert_non_null(strstr(outcome.text, "stored as it is"));
    directory_account_get(&d, &n, &who);
    assert_string_equal(who.credentials.apop, "first");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct credentials c = {.hash = ""};

        strcpy(c.hash, rows[i].hash);
        m.directory_account_passwd = (struct directory_account_passwd){
            .address = SLICE("ana@example.com"), .password = slice_of(rows[i].password)};
        assert_int_equal(change(MSG_directory_account_passwd, &m, &c), DIRECTORY_OK);
        directory_account_get(&d, &n, &who);
        if (strcmp(who.credentials.apop, rows[i].apop) != 0)
            fail_msg("%s: %s", rows[i].why, who.credentials.apop);
    }
    m.directory_account_apop =
        (struct directory_account_apop){SLICE("ana@example.com"), SLICE("a\nb")};
    assert_int_equal(change(MSG_directory_account_apop, &m, NULL), DIRECTORY_BAD_PASSWORD);
}

static void
scram_keys_are_learnt_for_the_hash_they_belong_to(void **state)
{
    struct credentials c = {.hash = "$1$saltsalt$x"},
                       keys = {.hash = "$1$saltsalt$x", .iterations = 9};
    union msg_any m = {.directory_account_passwd = {.address = SLICE("ana@example.com")}};
    struct account who;
    struct name n;

    (void)state;
    name_parse(&n, SLICE("ana@example.com"));
    assert_int_equal(change(MSG_directory_account_passwd, &m, &c), DIRECTORY_OK);
    strcpy(keys.hash, "$1$saltsalt$other");
    directory_learn_scram(&d, id_of("ana@example.com"), &keys);
    directory_account_get(&d, &n, &who);
    assert_int_equal(who.credentials.iterations, 0);
    strcpy(keys.hash, c.hash);
    directory_learn_scram(&d, id_of("ana@example.com"), &keys);
    directory_account_get(&d, &n, &who);
    assert_int_equal(who.credentials.iterations, 9);
    assert_false(err_is(db_settle(&d.db)));
}

/* Walks a list of accounts in pages of `most`; returns how many there were, checking their order.
 */
static int
walk_accounts(const char *domain, uint32_t most)
{
    char last[MIME_ADDRESS_MAX + 1] = "";
    int count = 0;

    for (bool more = true; more;) {
        struct directory_account_list ask = {slice_of(domain), slice_of(last), most};
        struct directory_account item;
        struct slice items;
        struct buf page;

        buf_init(&page, 4000);
        assert_int_equal(directory_list_accounts(&d, &ask, &page), DIRECTORY_OK);
        items = buf_slice(&page);
        more = items.len != 0;
        while (msg_items_take(&items, MSG_directory_account, &item)) {
            count++;
            assert_true(item.id != 0);
            slice_to_string(item.address, last, sizeof(last));
        }
        assert_int_equal(items.len, 0);
        buf_clear(&page);
    }
    return count;
}

static void
lists_come_whole_in_pages_of_any_size(void **state)
{
    static const uint32_t sizes[] = {1, 7, 100, 0, UINT32_MAX};
    char name[40];

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "user%d@other.example", i);
        assert_int_equal(add_account(name, NO_DEFAULT), DIRECTORY_OK);
    }
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_int_equal(walk_accounts("", sizes[i]), 105);
        assert_int_equal(walk_accounts("Example.com", sizes[i]), 3);
        assert_int_equal(walk_accounts("other.example", sizes[i]), 102);
    }
}

static void
lists_of_what_is_not_there_say_so(void **state)
{
    struct directory_account_list accounts = {SLICE("elsewhere.example"), SLICE(""), 10};
    struct directory_alias_list aliases = {SLICE("e x"), SLICE(""), SLICE(""), 10};
    struct buf page;

    (void)state;
    buf_init(&page, 4000);
    assert_int_equal(directory_list_accounts(&d, &accounts, &page), DIRECTORY_NO_SUCH);
    assert_int_equal(directory_list_aliases(&d, &aliases, &page), DIRECTORY_BAD_ADDRESS);
    assert_int_equal(directory_list_domains(&d, SLICE("a b"), 10, &page), DIRECTORY_BAD_ADDRESS);
    assert_int_equal(directory_show_domain(&d, SLICE("elsewhere.example"), &page),
                     DIRECTORY_NO_SUCH);
    assert_int_equal(directory_show_account(&d, SLICE("eve@example.com"), &page),
                     DIRECTORY_NO_SUCH);
    assert_int_equal(directory_show_account(&d, SLICE("eve"), &page), DIRECTORY_BAD_ADDRESS);
    assert_int_equal(page.len, 0);
    buf_clear(&page);
}

static void
domains_and_aliases_are_shown_with_what_they_have(void **state)
{
    struct directory_alias_list ask = {SLICE("example.com"), SLICE(""), SLICE(""), 10};
    struct directory_domain domain;
    struct directory_alias alias;
    struct slice items;
    struct buf page;

    (void)state;
    assert_int_equal(add_alias("@example.com", "ana@example.com"), DIRECTORY_OK);
    assert_int_equal(add_alias("sales@example.com", "ana@example.com luis@example.com"),
                     DIRECTORY_OK);
    buf_init(&page, 4000);
    assert_int_equal(directory_list_domains(&d, SLICE(""), 0, &page), DIRECTORY_OK);
    items = buf_slice(&page);
    assert_true(msg_items_take(&items, MSG_directory_domain, &domain));
    assert_true(slice_eq(domain.name, SLICE("example.com")));
    assert_int_equal(domain.accounts, 3);
    assert_int_equal(domain.aliases, 3);
    buf_reset(&page);
    assert_int_equal(directory_list_aliases(&d, &ask, &page), DIRECTORY_OK);
    items = buf_slice(&page);
    assert_true(msg_items_take(&items, MSG_directory_alias, &alias));
    assert_true(slice_eq(alias.address, SLICE("@example.com")));
    ask.after = SLICE("sales@example.com");
    ask.after_target = SLICE("ana@example.com");
    buf_reset(&page);
    assert_int_equal(directory_list_aliases(&d, &ask, &page), DIRECTORY_OK);
    items = buf_slice(&page);
    assert_true(msg_items_take(&items, MSG_directory_alias, &alias));
    assert_true(slice_eq(alias.target, SLICE("luis@example.com")));
    assert_int_equal(items.len, 0);
    buf_clear(&page);
}

static void
one_refused_change_takes_no_other_along(void **state)
{
    union msg_any good = {.directory_domain_add = {SLICE("new.example")}};
    union msg_any bad = {.directory_domain_add = {SLICE("example.com")}};

    (void)state;
    directory_begin(&d);
    directory_change(&d, MSG_directory_domain_add, &good, NULL, &outcome);
    assert_int_equal(outcome.result, DIRECTORY_OK);
    directory_change(&d, MSG_directory_domain_add, &bad, NULL, &outcome);
    assert_int_equal(outcome.result, DIRECTORY_EXISTS);
    assert_false(err_is(directory_commit(&d)));
    assert_int_equal(expand("postmaster@new.example"), ACCOUNTS_OK);
}

static void
trouble_with_the_disk_is_temporary_and_changes_nothing(void **state)
{
    union msg_any m = {.directory_domain_add = {SLICE("new.example")}};
    struct err e;

    (void)state;
    sqlite3_exec(d.db.sqlite, "PRAGMA max_page_count=1", NULL, NULL, NULL); /* the disk is full */
    directory_begin(&d);
    for (int i = 0; i < 2000 && !err_is(d.db.err); i++) {
        char name[40];

        snprintf(name, sizeof(name), "new%d.example", i);
        m.directory_domain_add.name = slice_of(name);
        directory_change(&d, MSG_directory_domain_add, &m, NULL, &outcome);
    }
    assert_int_equal(outcome.result, DIRECTORY_TEMPORARY);
    e = directory_commit(&d);
    assert_int_equal(e.kind, ERR_LIMIT);
    assert_int_equal(directory_totals(&d).domains, 2);
    sqlite3_exec(d.db.sqlite, "PRAGMA max_page_count=1000000", NULL, NULL, NULL);
    assert_int_equal(add_domain("new.example"), DIRECTORY_OK); /* and then there is room again */
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(an_address_leads_to_its_mailbox),
        TEST(postmaster_alone_is_that_of_the_services_own_domain),
        TEST(a_service_without_domains_has_nobody),
        TEST(aliases_lead_to_each_mailbox_once),
        TEST(an_alias_overrules_the_account_and_may_keep_a_copy),
        TEST(a_catch_all_has_what_nobody_else_has),
        TEST(aliases_that_lead_back_are_refused),
        TEST(chains_end_at_the_limit_of_depth),
        TEST(targets_are_limited_however_they_are_nested),
        TEST(full_and_suspended_mailboxes_stop_only_themselves),
        TEST(one_may_send_as_what_one_receives),
        TEST(changes_that_make_no_sense_are_refused),
        TEST(accounts_that_make_no_sense_are_refused),
        TEST(a_postmaster_there_is_as_long_as_the_domain),
        TEST(ids_are_never_given_twice),
        TEST(what_led_to_a_removed_account_leads_there_no_more),
        TEST(passwords_hashes_and_options_are_kept),
        TEST(apop_follows_the_password_once_opted_in),
        TEST(scram_keys_are_learnt_for_the_hash_they_belong_to),
        TEST(lists_come_whole_in_pages_of_any_size),
        TEST(lists_of_what_is_not_there_say_so),
        TEST(domains_and_aliases_are_shown_with_what_they_have),
        TEST(one_refused_change_takes_no_other_along),
        TEST(trouble_with_the_disk_is_temporary_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
