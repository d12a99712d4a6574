/* Hashes, SCRAM keys, APOP digests, and the memory of passwords found right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "credentials.h"
#include "verified.h"

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void
passwords_are_utf8_without_control_characters(void **state)
{
    static const struct {
        const char *why;
        struct slice password;
        bool ok;
    } rows[] = {
        {"plain", {(const uint8_t *)"secret", 6}, true},
        {"one byte", {(const uint8_t *)"x", 1}, true},
        {"spaces", {(const uint8_t *)" a b ", 5}, true},
        {"UTF-8",
         {(const uint8_t *)"contrase\xc3\xb1"
                           "a",
          11},
         true},
        {"255 bytes", {(const uint8_t *)X50 X50 X50 X50 X50 "xxxxx", 255}, true},
        {"256 bytes", {(const uint8_t *)X50 X50 X50 X50 X50 "xxxxxx", 256}, false},
        {"empty", {NULL, 0}, false},
        {"a NUL", {(const uint8_t *)"a\0b", 3}, false},
        {"a newline", {(const uint8_t *)"a\n", 2}, false},
        {"DEL", {(const uint8_t *)"a\x7f", 2}, false},
        {"broken UTF-8", {(const uint8_t *)"a\xff", 2}, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (credentials_password_ok(rows[i].password) != rows[i].ok)
            fail_msg("%s", rows[i].why);
}

static void
only_hashes_that_crypt_knows_are_taken(void **state)
{
    static const struct {
        const char *why, *hash;
        bool ok;
    } rows[] = {
        {"yescrypt", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
         true},
        {"SHA-512",
         "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/"
         "jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/",
         true},
        {"MD5", "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", true},
        {"DES", "ab1FAX9ur0V8E", true},
        {"a password", "secret", false},
        {"a long password", "correct horse battery staple", false},
        {"an unknown method", "$zz$abcdefghijklmnop", false},
        {"a newline", "ab1FAX9ur0V8E\n", false},
        {"a field separator", "$1$salt:alt$qjXMvbEw8oaL", false},
        {"empty", "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (credentials_hash_ok(slice_of(rows[i].hash)) != rows[i].ok)
            fail_msg("%s", rows[i].why);
}

static void
a_password_is_right_and_others_are_wrong(void **state)
{
    struct credentials c;
    struct slice right = SLICE("correct horse");

    (void)state;
    assert_true(credentials_make(&c, right));
    assert_memory_equal(c.hash, "$y$", 3);
    assert_true(credentials_hash_ok(slice_of(c.hash)));
    assert_true(c.iterations >= 4096); /* rfc7677#3-b */
    assert_true(credentials_verify(c.hash, right));
    assert_false(credentials_verify(c.hash, SLICE("correct horsf")));
    assert_false(credentials_verify(c.hash, SLICE("")));
    assert_false(credentials_verify(c.hash, SLICE("correct horse\0x")));
    assert_false(credentials_verify("", right));
    assert_false(credentials_verify("", SLICE("")));
    assert_false(credentials_verify("*", right));
    assert_true(credentials_verify("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", SLICE("password")));
}

static void
nobody_takes_as_long_as_somebody(void **state)
{
    struct credentials c;
    uint64_t begin, with = UINT64_MAX, without = UINT64_MAX;

    (void)state;
    assert_true(credentials_make(&c, SLICE("secret")));
    for (int i = 0; i < 3; i++) { /* the least of three, as others use this machine too */
        begin = clock_now_us();
        credentials_verify(c.hash, SLICE("other"));
        with = clock_now_us() - begin < with ? clock_now_us() - begin : with;
        begin = clock_now_us();
        credentials_verify("", SLICE("other"));
        without = clock_now_us() - begin < without ? clock_now_us() - begin : without;
    }
    assert_true(without * 2 > with && with * 2 > without);
}

static void
users_without_keys_have_one_salt_each_that_nothing_proves(void **state)
{
    struct credentials a, b, other;
    uint8_t proof[SASL_SCRAM_KEY] = {0}, signature[SASL_SCRAM_KEY];

    (void)state;
    credentials_fake(&a, SLICE("secret"), SLICE("ana@example.com"));
    credentials_fake(&b, SLICE("secret"), SLICE("ana@example.com"));
    credentials_fake(&other, SLICE("secret"), SLICE("luis@example.com"));
    assert_int_equal(a.iterations, CREDENTIALS_ITERATIONS);
    assert_int_equal(a.salt_len, CREDENTIALS_SALT);
    assert_memory_equal(a.salt, b.salt, a.salt_len);
    assert_memory_not_equal(a.salt, other.salt, a.salt_len);
    assert_memory_not_equal(&a.scram, &b.scram, sizeof(a.scram));
    assert_false(
        sasl_scram_verify(&a.scram, SLICE("message"), slice_make(proof, sizeof(proof)), signature));
}

/* The example of RFC 1939 section 7. */
static void
apop_digests_are_of_stamp_and_secret(void **state) /* rfc1939#7-g */
{
    static const struct {
        const char *why, *secret, *digest;
        bool right;
    } rows[] = {
        {"the RFC's", "tanstaaf", "c4c9334bac560ecc979e58001b3e22fb", true},
        {"in capitals", "tanstaaf", "C4C9334BAC560ECC979E58001B3E22FB", true},
        {"another secret", "tanstaag", "c4c9334bac560ecc979e58001b3e22fb", false},
        {"no secret", "", "c4c9334bac560ecc979e58001b3e22fb", false},
        {"one digit off", "tanstaaf", "c4c9334bac560ecc979e58001b3e22fc", false},
        {"short", "tanstaaf", "c4c9334bac560ecc979e58001b3e22f", false},
        {"not hex", "tanstaaf", "c4c9334bac560ecc979e58001b3e22fg", false},
        {"empty", "tanstaaf", "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (credentials_apop(rows[i].secret, SLICE("<1896.697170952@dbc.mtview.ca.us>"),
                             slice_of(rows[i].digest)) != rows[i].right)
            fail_msg("%s", rows[i].why);
}

static void
a_verified_password_is_remembered_for_its_time(void **state)
{
    struct verified v;

    (void)state;
    verified_init(&v, 10);
    assert_false(verified_has(&v, 1, SLICE("a"), 0, 1000));
    verified_put(&v, 1, SLICE("a"), 100);
    assert_true(verified_has(&v, 1, SLICE("a"), 100, 1000));
    assert_true(verified_has(&v, 1, SLICE("a"), 1099, 1000));
    assert_false(verified_has(&v, 1, SLICE("b"), 1099, 1000));
    assert_false(verified_has(&v, 1, SLICE(""), 1099, 1000));
    assert_false(verified_has(&v, 2, SLICE("a"), 1099, 1000));
    assert_true(verified_has(&v, 1, SLICE("a"), 1099, 1000)); /* a wrong one does not undo it */
    assert_false(verified_has(&v, 1, SLICE("a"), 1100, 1000));
    assert_int_equal(v.entries.count, 0);
    verified_put(&v, 1, SLICE("a"), 2000);
    assert_false(verified_has(&v, 1, SLICE("a"), 2000, 0)); /* switched off */
    verified_clear(&v);
}

static void
a_new_password_or_an_order_forgets_the_old_one(void **state)
{
    struct verified v;

    (void)state;
    verified_init(&v, 10);
    verified_put(&v, 1, SLICE("a"), 0);
    verified_put(&v, 1, SLICE("b"), 0);
    assert_false(verified_has(&v, 1, SLICE("a"), 0, 1000));
    assert_true(verified_has(&v, 1, SLICE("b"), 0, 1000));
    verified_forget(&v, 1);
    verified_forget(&v, 1);
    assert_false(verified_has(&v, 1, SLICE("b"), 0, 1000));
    verified_clear(&v);
}

static void
the_oldest_are_forgotten_first(void **state)
{
    struct verified v;

    (void)state;
    verified_init(&v, 10);
    for (uint64_t i = 1; i <= 100; i++)
        verified_put(&v, i, SLICE("a"), i);
    assert_int_equal(v.entries.count, 10);
    assert_false(verified_has(&v, 90, SLICE("a"), 100, 1000));
    assert_true(verified_has(&v, 91, SLICE("a"), 100, 1000));
    verified_clear(&v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_are_utf8_without_control_characters),
        cmocka_unit_test(only_hashes_that_crypt_knows_are_taken),
        cmocka_unit_test(a_password_is_right_and_others_are_wrong),
        cmocka_unit_test(nobody_takes_as_long_as_somebody),
        cmocka_unit_test(users_without_keys_have_one_salt_each_that_nothing_proves),
        cmocka_unit_test(apop_digests_are_of_stamp_and_secret),
        cmocka_unit_test(a_verified_password_is_remembered_for_its_time),
        cmocka_unit_test(a_new_password_or_an_order_forgets_the_old_one),
        cmocka_unit_test(the_oldest_are_forgotten_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
