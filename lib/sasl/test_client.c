/* The client's side: the example of RFC 7677, each mechanism against our own server, and servers
 * that are not to be believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "sasl/client.h"

#define NONCE        "rOprNGfwEbeRWgbNEkqO"
#define NONCES       NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SALT         "W22ZaJ0SNY7soEsUEjb6gQ=="
#define SERVER_FIRST "r=" NONCES ",s=" SALT ",i=4096"
#define SIGNATURE    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static bool
says(const struct sasl_client *c, const char *want)
{
    return slice_eq(secret_get(&c->response), slice_of(want));
}

/* rfc7677#3-a rfc5802#3-a rfc5802#5.1-c rfc5802#5-c */
static void
scram_says_what_the_example_says(void **state)
{
    struct sasl_client c;

    (void)state;
    sasl_client_init(&c, SASL_SCRAM_SHA_256, SLICE("user"), SLICE("pencil"), SLICE(NONCE));
    assert_true(sasl_client_start(&c));
    assert_true(says(&c, "n,,n=user,r=" NONCE));
    assert_false(sasl_client_is_done(&c));
    assert_true(sasl_client_respond(&c, SLICE(SERVER_FIRST)));
    assert_true(says(&c, "c=biws,r=" NONCES ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
    assert_false(sasl_client_is_done(&c));
    assert_true(sasl_client_respond(&c, SLICE("v=" SIGNATURE)));
    assert_true(says(&c, ""));
    assert_true(sasl_client_is_done(&c));
    sasl_client_clear(&c);
}

/* rfc5802#5.1-d rfc5802#5.1-e rfc7677#3-b */
static void
scram_believes_no_server_that_departs_from_it(void **state)
{
    static const struct {
        const char *why, *first, *last;
    } rows[] = {
        {"nothing", "", NULL},
        {"garbage", "hello", NULL},
        {"another nonce", "r=xOprNGfwEbeRWgbNEkqOxxx,s=" SALT ",i=4096", NULL},
        {"our nonce alone", "r=" NONCE ",s=" SALT ",i=4096", NULL},
        {"a mandatory extension", "m=x," SERVER_FIRST, NULL},
        {"no salt", "r=" NONCES ",i=4096", NULL},
        {"a salt that is not base 64", "r=" NONCES ",s=!,i=4096", NULL},
        {"too few iterations", "r=" NONCES ",s=" SALT ",i=4095", NULL},
        {"too many iterations", "r=" NONCES ",s=" SALT ",i=1000001", NULL},
        {"iterations beyond all numbers", "r=" NONCES ",s=" SALT ",i=99999999999999999999", NULL},
        {"no number of iterations", "r=" NONCES ",s=" SALT ",i=many", NULL},
        {"no signature", SERVER_FIRST, ""},
        {"a wrong signature", SERVER_FIRST, "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
        {"a short signature", SERVER_FIRST, "v=6rri"},
        {"an error", SERVER_FIRST, "e=other-error"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sasl_client c;
        bool first;

        sasl_client_init(&c, SASL_SCRAM_SHA_256, SLICE("user"), SLICE("pencil"), SLICE(NONCE));
        sasl_client_start(&c);
        first = sasl_client_respond(&c, slice_of(rows[i].first));
        if (first != (rows[i].last != NULL) ||
            (first && sasl_client_respond(&c, slice_of(rows[i].last))) || sasl_client_is_done(&c))
            fail_msg("%s", rows[i].why);
        assert_false(sasl_client_respond(&c, SLICE("")));
        assert_false(sasl_client_is_done(&c));
        sasl_client_clear(&c);
    }
}

static void
plain_and_login_hand_over_the_password(void **state)
{
    struct sasl_client c;

    (void)state;
    sasl_client_init(&c, SASL_PLAIN, SLICE("ana"), SLICE("secret"), (struct slice){0});
    assert_true(sasl_client_start(&c));
    assert_true(slice_eq(secret_get(&c.response), slice_make("\0ana\0secret", 11)));
    assert_true(sasl_client_is_done(&c));
    assert_false(sasl_client_respond(&c, SLICE("and now?")));
    assert_false(sasl_client_is_done(&c));
    sasl_client_clear(&c);
    sasl_client_init(&c, SASL_LOGIN, SLICE("ana"), SLICE("secret"), (struct slice){0});
    assert_false(sasl_client_start(&c));
    assert_true(sasl_client_respond(&c, SLICE("Username:")));
    assert_true(says(&c, "ana"));
    assert_false(sasl_client_is_done(&c));
    assert_true(sasl_client_respond(&c, SLICE("")));
    assert_true(says(&c, "secret"));
    assert_true(sasl_client_is_done(&c));
    assert_false(sasl_client_respond(&c, SLICE("Once more:")));
    sasl_client_clear(&c);
}

/* The owner's part for our server: it knows one user and one password. */
static enum sasl_step
judge(struct sasl_server *s, enum sasl_step step, struct sasl_scram_keys *keys)
{
    uint8_t signature[SASL_SCRAM_KEY];
    bool right;

    if (step == SASL_ASK_PASSWORD)
        return sasl_server_verified(s, slice_eq(secret_get(&s->password), SLICE("p=,\xc3\xa4")));
    if (step == SASL_ASK_SCRAM_USER)
        return sasl_server_scram_salted(s, SLICE("salt"), SASL_ITERATIONS_LEAST);
    right = sasl_scram_verify(keys, secret_get(&s->auth_message), secret_get(&s->proof), signature);
    return sasl_server_scram_proved(s, right, slice_make(signature, sizeof(signature)));
}

/* rfc5802#5.1-b: the name has all that needs writing differently. */
static enum sasl_step
log_in(enum sasl_mechanism m, struct slice password)
{
    struct sasl_scram_keys keys;
    struct sasl_server s;
    struct sasl_client c;
    struct slice initial;
    enum sasl_step step;

    sasl_scram_derive(SLICE("p=,\xc3\xa4"), SLICE("salt"), SASL_ITERATIONS_LEAST, &keys);
    sasl_server_init(&s, m, (struct sasl_binding){0});
    sasl_client_init(&c, m, SLICE("a=n,a"), password, SLICE("fyko+d2lbbFgONRv9qkx"));
    if (sasl_client_start(&c)) {
        initial = secret_get(&c.response);
        step = sasl_server_start(&s, &initial, SLICE("3rfcNHYJY1ZVvWVs7j"));
    } else {
        step = sasl_server_start(&s, NULL, SLICE("3rfcNHYJY1ZVvWVs7j"));
    }
    while (step != SASL_DONE && step != SASL_FAILED) {
        if (step == SASL_CHALLENGE) {
            assert_true(sasl_client_respond(&c, secret_get(&s.challenge)));
            step = sasl_server_respond(&s, secret_get(&c.response));
        } else {
            assert_int_not_equal(step, SASL_MALFORMED);
            step = judge(&s, step, &keys);
        }
    }
    assert_true(step == SASL_FAILED || sasl_client_is_done(&c));
    assert_true(slice_eq(secret_get(&s.user), SLICE("a=n,a")));
    sasl_client_clear(&c);
    sasl_server_clear(&s);
    return step;
}

static void
our_client_logs_in_at_our_server(void **state)
{
    static const enum sasl_mechanism mechanisms[] = {SASL_PLAIN, SASL_LOGIN, SASL_SCRAM_SHA_256};

    (void)state;
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        assert_int_equal(log_in(mechanisms[i], SLICE("p=,\xc3\xa4")), SASL_DONE);
        assert_int_equal(log_in(mechanisms[i], SLICE("wrong")), SASL_FAILED);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scram_says_what_the_example_says),
        cmocka_unit_test(scram_believes_no_server_that_departs_from_it),
        cmocka_unit_test(plain_and_login_hand_over_the_password),
        cmocka_unit_test(our_client_logs_in_at_our_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
