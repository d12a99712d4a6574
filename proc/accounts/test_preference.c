/* Languages and lifetimes: who has which, and whose counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_directory.h"

static enum directory_result
set_language(const char *address, const char *language)
{
    union msg_any m = {.directory_account_language = {slice_of(address), slice_of(language)}};

    return change(MSG_directory_account_language, &m, NULL);
}

static enum directory_result
set_domain_language(const char *name, const char *language)
{
    union msg_any m = {.directory_domain_language = {slice_of(name), slice_of(language)}};

    return change(MSG_directory_domain_language, &m, NULL);
}

static enum directory_result
set_lifetime(const char *address, uint32_t seconds)
{
    union msg_any m = {.directory_account_lifetime = {slice_of(address), seconds}};

    return change(MSG_directory_account_lifetime, &m, NULL);
}

static enum directory_result
set_domain_lifetime(const char *name, uint32_t seconds)
{
    union msg_any m = {.directory_domain_lifetime = {slice_of(name), seconds}};

    return change(MSG_directory_domain_lifetime, &m, NULL);
}

static void
languages_are_names(void **state)
{
    static const struct {
        const char *language;
        enum directory_result result;
    } rows[] = {{"es", DIRECTORY_OK},         {"", DIRECTORY_OK},
                {"pt-BR", DIRECTORY_OK},      {"x", DIRECTORY_BAD_VALUE},
                {"e s", DIRECTORY_BAD_VALUE}, {"klingonese", DIRECTORY_BAD_VALUE}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(set_language("ana@example.com", rows[i].language), rows[i].result);
        assert_int_equal(set_domain_language("example.com", rows[i].language), rows[i].result);
    }
    assert_int_equal(set_language("eve@example.com", "es"), DIRECTORY_NO_SUCH);
    assert_int_equal(set_domain_language("elsewhere.example", "es"), DIRECTORY_NO_SUCH);
}

static void
a_readers_language_is_his_own_or_that_of_the_domain_written_to(void **state)
{
    static const struct {
        const char *why, *address, *language;
    } rows[] = {
        {"his own", "ana@example.com", "es"},
        {"his own by an alias of another domain", "ana@other.example", "es"},
        {"the domain's", "luis@example.com", "en"},
        {"by an alias the domain of the alias", "luis@other.example", "pt-BR"},
        {"of several the domain's", "both@example.com", "en"},
        {"of somebody elsewhere the domain's", "out@example.com", "en"},
        {"of nobody the domain's", "nobody@example.com", "en"},
        {"elsewhere", "ana@elsewhere.example", ""},
    };

    (void)state;
    assert_int_equal(add_alias("ana@other.example", "ana@example.com"), DIRECTORY_OK);
    assert_int_equal(add_alias("luis@other.example", "luis@example.com"), DIRECTORY_OK);
    assert_int_equal(add_alias("both@example.com", "ana@example.com luis@example.com"),
                     DIRECTORY_OK);
    assert_int_equal(add_alias("out@example.com", "ana@there.example"), DIRECTORY_OK);
    assert_int_equal(expand("ana@example.com"), ACCOUNTS_OK);
    assert_string_equal(x.language, "");
    assert_int_equal(set_language("ana@example.com", "es"), DIRECTORY_OK);
    assert_int_equal(set_domain_language("Example.com", "en"), DIRECTORY_OK);
    assert_int_equal(set_domain_language("other.example", "pt-BR"), DIRECTORY_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        expand(rows[i].address);
        if (strcmp(x.language, rows[i].language) != 0)
            fail_msg("%s: '%s'", rows[i].why, x.language);
    }
}

static void
a_lifetime_is_the_accounts_or_its_domains(void **state)
{
    uint64_t ana = id_of("ana@example.com"), luis = id_of("luis@example.com");

    (void)state;
    assert_int_equal(directory_lifetime(&d, ana), 0);
    assert_int_equal(set_domain_lifetime("example.com", 172800), DIRECTORY_OK);
    assert_int_equal(set_lifetime("ana@example.com", 3600), DIRECTORY_OK);
    assert_int_equal(directory_lifetime(&d, ana), 3600);
    assert_int_equal(directory_lifetime(&d, luis), 172800);
    assert_int_equal(directory_lifetime(&d, id_of("eva@other.example")), 0);
    assert_int_equal(directory_lifetime(&d, 0), 0);
    assert_int_equal(set_lifetime("ana@example.com", 0), DIRECTORY_OK);
    assert_int_equal(directory_lifetime(&d, ana), 172800);
}

static void
lifetimes_keep_to_what_the_service_may_have(void **state)
{
    static const struct {
        uint32_t seconds;
        enum directory_result result;
    } rows[] = {{1, DIRECTORY_OK}, {2592000, DIRECTORY_OK}, {2592001, DIRECTORY_BAD_VALUE}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(set_lifetime("ana@example.com", rows[i].seconds), rows[i].result);
        assert_int_equal(set_domain_lifetime("example.com", rows[i].seconds), rows[i].result);
    }
    assert_int_equal(set_lifetime("eve@example.com", 60), DIRECTORY_NO_SUCH);
    assert_int_equal(set_domain_lifetime("elsewhere.example", 60), DIRECTORY_NO_SUCH);
}

static void
both_are_shown(void **state)
{
    struct directory_domain domain;
    struct directory_account account;
    struct slice items;
    struct buf page;

    (void)state;
    assert_int_equal(set_domain_language("example.com", "es"), DIRECTORY_OK);
    assert_int_equal(set_domain_lifetime("example.com", 7200), DIRECTORY_OK);
    assert_int_equal(set_lifetime("ana@example.com", 3600), DIRECTORY_OK);
    buf_init(&page, 4000);
    assert_int_equal(directory_show_domain(&d, SLICE("example.com"), &page), DIRECTORY_OK);
    items = buf_slice(&page);
    assert_true(msg_items_take(&items, MSG_directory_domain, &domain));
    assert_true(slice_eq(domain.language, SLICE("es")));
    assert_int_equal(domain.lifetime, 7200);
    buf_reset(&page);
    assert_int_equal(directory_show_account(&d, SLICE("ana@example.com"), &page), DIRECTORY_OK);
    items = buf_slice(&page);
    assert_true(msg_items_take(&items, MSG_directory_account, &account));
    assert_int_equal(account.lifetime, 3600);
    buf_clear(&page);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(languages_are_names),
        TEST(a_readers_language_is_his_own_or_that_of_the_domain_written_to),
        TEST(a_lifetime_is_the_accounts_or_its_domains),
        TEST(lifetimes_keep_to_what_the_service_may_have),
        TEST(both_are_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
