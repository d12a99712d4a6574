/* Each mechanism's good way and the many bad ones; SCRAM with the example of RFC 7677. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "sasl/sasl.h"

#define CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define NONCES       CLIENT_NONCE SERVER_NONCE
#define SALT         "W22ZaJ0SNY7soEsUEjb6gQ=="
#define PROOF        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static const struct sasl_binding no_binding;

static struct slice
decoded(const char *text, struct buf *room)
{
    buf_init(room, 256);
    assert_true(base64_decode(slice_of(text), room));
    return buf_slice(room);
}

static void
assert_secret(const struct secret *s, const char *want)
{
    struct slice have = secret_get(s);

    assert_int_equal(have.len, strlen(want));
    assert_memory_equal(have.at, want, have.len);
}

static void
mechanisms_are_found_in_any_case(void **state)
{
    (void)state;
    assert_int_equal(sasl_mechanism_find(SLICE("plain")), SASL_PLAIN);
    assert_int_equal(sasl_mechanism_find(SLICE("Scram-SHA-256")), SASL_SCRAM_SHA_256);
    assert_int_equal(sasl_mechanism_find(SLICE("SCRAM-SHA-256-PLUS")), SASL_SCRAM_SHA_256_PLUS);
    assert_int_equal(sasl_mechanism_find(SLICE("CRAM-MD5")), -1);
    assert_int_equal(sasl_mechanism_find(SLICE("")), -1);
    for (enum sasl_mechanism m = 0; m < SASL_MECHANISM_COUNT; m++)
        assert_int_equal(sasl_mechanism_find(slice_of(sasl_mechanism_name(m))), m);
    assert_true(sasl_mechanism_is_plaintext(SASL_LOGIN));
    assert_false(sasl_mechanism_is_plaintext(SASL_SCRAM_SHA_256));
}

/* rfc4616#2-a, rfc4616#2-b, rfc4616#2-c, rfc6856#2.2-b */
static void
plain_takes_a_name_and_a_password(void **state)
{
    static const struct {
        const char *why;
        struct slice message;
        enum sasl_step want;
    } rows[] = {
        {"name and password", {(const uint8_t *)"\0ana\0secret", 11}, SASL_ASK_PASSWORD},
        {"acting as oneself", {(const uint8_t *)"ana\0ana\0secret", 14}, SASL_ASK_PASSWORD},
        {"UTF-8", {(const uint8_t *)"\0a\xc3\xb1o\0\xe2\x82\xac", 9}, SASL_ASK_PASSWORD},
        {"acting as another", {(const uint8_t *)"eve\0ana\0secret", 14}, SASL_FAILED},
        {"nothing", {(const uint8_t *)"", 0}, SASL_MALFORMED},
        {"one NUL", {(const uint8_t *)"ana\0secret", 10}, SASL_MALFORMED},
        {"three NULs", {(const uint8_t *)"\0ana\0sec\0ret", 12}, SASL_MALFORMED},
        {"a trailing NUL", {(const uint8_t *)"\0ana\0secret", 12}, SASL_MALFORMED},
        {"no name", {(const uint8_t *)"\0\0secret", 8}, SASL_MALFORMED},
        {"no password", {(const uint8_t *)"\0ana\0", 5}, SASL_MALFORMED},
        {"not UTF-8", {(const uint8_t *)"\0ana\0\xff", 6}, SASL_MALFORMED},
        {"overlong UTF-8", {(const uint8_t *)"\0\xc0\xafx\0p", 6}, SASL_MALFORMED},
        {"a surrogate", {(const uint8_t *)"\0\xed\xa0\x80\0p", 6}, SASL_MALFORMED},
        {"a character cut short", {(const uint8_t *)"\0ana\0\xe2\x82", 7}, SASL_MALFORMED},
        {"a bad third byte", {(const uint8_t *)"\0ana\0\xe2\x82x", 8}, SASL_MALFORMED},
        {"a line end in the name", {(const uint8_t *)"\0a\nb\0p", 6}, SASL_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sasl_server s;

        sasl_server_init(&s, SASL_PLAIN, no_binding);
        if (sasl_server_start(&s, &rows[i].message, SLICE("")) != rows[i].want)
            fail_msg("%s", rows[i].why);
        sasl_server_clear(&s);
    }
}

/* rfc4616#2-d */
static void
plain_limits_names_and_passwords(void **state)
{
    static const struct {
        size_t name, password;
        enum sasl_step want;
    } rows[] = {
        {SASL_NAME_MAX, SASL_PASSWORD_MAX, SASL_ASK_PASSWORD},
        {SASL_NAME_MAX + 1, 1, SASL_MALFORMED},
        {1, SASL_PASSWORD_MAX + 1, SASL_MALFORMED},
        {SASL_TEXT_MAX, SASL_TEXT_MAX, SASL_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t message[2 * SASL_TEXT_MAX + 2] = {0};
        struct slice whole = {message, rows[i].name + rows[i].password + 2};
        struct sasl_server s;

        memset(message + 1, 'n', rows[i].name);
        memset(message + 2 + rows[i].name, 'p', rows[i].password);
        sasl_server_init(&s, SASL_PLAIN, no_binding);
        assert_int_equal(sasl_server_start(&s, &whole, SLICE("")), rows[i].want);
        sasl_server_clear(&s);
    }
}

static void
plain_without_initial_response_is_prompted(void **state)
{
    struct sasl_server s;

    (void)state;
    sasl_server_init(&s, SASL_PLAIN, no_binding);
    assert_int_equal(sasl_server_start(&s, NULL, SLICE("")), SASL_CHALLENGE);
    assert_int_equal(secret_get(&s.challenge).len, 0);
    assert_int_equal(sasl_server_respond(&s, slice_make("\0ana\0secret", 11)), SASL_ASK_PASSWORD);
    assert_secret(&s.user, "ana");
    assert_secret(&s.password, "secret");
    assert_int_equal(sasl_server_verified(&s, false), SASL_FAILED);
    assert_int_equal(secret_get(&s.password).len, 0);
    sasl_server_clear(&s);
}

static void
login_asks_for_name_then_password(void **state)
{
    struct sasl_server s;
    struct slice name = SLICE("ana"), empty = SLICE("");

    (void)state;
    sasl_server_init(&s, SASL_LOGIN, no_binding);
    assert_int_equal(sasl_server_start(&s, NULL, SLICE("")), SASL_CHALLENGE);
    assert_secret(&s.challenge, "Username:");
    assert_int_equal(sasl_server_respond(&s, name), SASL_CHALLENGE);
    assert_secret(&s.challenge, "Password:");
    assert_int_equal(sasl_server_respond(&s, SLICE("secret")), SASL_ASK_PASSWORD);
    assert_secret(&s.user, "ana");
    assert_secret(&s.password, "secret");
    assert_int_equal(sasl_server_verified(&s, true), SASL_DONE);
    sasl_server_clear(&s);

    sasl_server_init(&s, SASL_LOGIN, no_binding); /* with an initial response */
    assert_int_equal(sasl_server_start(&s, &name, SLICE("")), SASL_CHALLENGE);
    assert_int_equal(sasl_server_respond(&s, empty), SASL_MALFORMED);
    sasl_server_clear(&s);

    sasl_server_init(&s, SASL_LOGIN, no_binding);
    assert_int_equal(sasl_server_start(&s, &empty, SLICE("")), SASL_MALFORMED);
    sasl_server_clear(&s);
}

/* The keys of the accounts role, checked against the same example. rfc7677#3-a, rfc5802#3-a */
static void
scram_keys_prove_the_example_of_rfc_7677(void **state)
{
    static const char auth[] =
        "n=user,r=" CLIENT_NONCE ",r=" NONCES ",s=" SALT ",i=4096,c=biws,r=" NONCES;
    struct sasl_scram_keys keys;
    struct buf salt, proof, want;
    uint8_t signature[SASL_SCRAM_KEY];

    (void)state;
    assert_true(sasl_scram_derive(SLICE("pencil"), decoded(SALT, &salt), 4096, &keys));
    assert_true(sasl_scram_verify(&keys, slice_of(auth), decoded(PROOF, &proof), signature));
    assert_memory_equal(signature,
                        decoded("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", &want).at,
                        sizeof(signature));
    assert_false(sasl_scram_verify(&keys, SLICE("other"), buf_slice(&proof), signature));
    assert_false(
        sasl_scram_verify(&keys, slice_of(auth), slice_head(buf_slice(&proof), 31), signature));
    proof.at[31] ^= 1;
    assert_false(sasl_scram_verify(&keys, slice_of(auth), buf_slice(&proof), signature));
    assert_false(sasl_scram_derive(SLICE("pencil"), buf_slice(&salt), 0, &keys));
    buf_clear(&salt);
    buf_clear(&proof);
    buf_clear(&want);
}

/* To the question for the proof, or to what stops before. */
static enum sasl_step
exchange(struct sasl_server *s, const char *first, const char *final)
{
    struct slice message = slice_of(first);
    struct buf salt;
    enum sasl_step step = sasl_server_start(s, &message, SLICE(SERVER_NONCE));

    if (step != SASL_ASK_SCRAM_USER)
        return step;
    step = sasl_server_scram_salted(s, decoded(SALT, &salt), 4096);
    buf_clear(&salt);
    return step == SASL_CHALLENGE ? sasl_server_respond(s, slice_of(final)) : step;
}

/* rfc5802#5-a, rfc7677#3-a */
static void
scram_follows_the_example_of_rfc_7677(void **state)
{
    struct sasl_server s;
    struct buf salt;
    struct sasl_scram_keys keys;
    uint8_t signature[SASL_SCRAM_KEY];
    struct slice first = SLICE("n,,n=user,r=" CLIENT_NONCE);
    bool right;

    (void)state;
    assert_true(sasl_scram_derive(SLICE("pencil"), decoded(SALT, &salt), 4096, &keys));
    sasl_server_init(&s, SASL_SCRAM_SHA_256, no_binding);
    assert_int_equal(sasl_server_start(&s, &first, SLICE(SERVER_NONCE)), SASL_ASK_SCRAM_USER);
    assert_secret(&s.user, "user");
    assert_int_equal(sasl_server_scram_salted(&s, buf_slice(&salt), 4096), SASL_CHALLENGE);
    assert_secret(&s.challenge, "r=" NONCES ",s=" SALT ",i=4096");
    assert_int_equal(sasl_server_respond(&s, SLICE("c=biws,r=" NONCES ",p=" PROOF)),
                     SASL_ASK_SCRAM_PROOF);
    right = sasl_scram_verify(&keys, secret_get(&s.auth_message), secret_get(&s.proof), signature);
    assert_true(right);
    assert_int_equal(sasl_server_scram_proved(&s, right, slice_make(signature, sizeof(signature))),
                     SASL_CHALLENGE);
    assert_secret(&s.challenge, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert_int_equal(sasl_server_respond(&s, SLICE("")), SASL_DONE);
    sasl_server_clear(&s);
    buf_clear(&salt);
}

static void
scram_ends_at_a_wrong_proof_and_at_words_after_the_signature(void **state)
{
    uint8_t signature[SASL_SCRAM_KEY] = {0};
    struct sasl_server s;

    (void)state;
    sasl_server_init(&s, SASL_SCRAM_SHA_256, no_binding);
    assert_int_equal(exchange(&s, "n,,n=user,r=" CLIENT_NONCE, "c=biws,r=" NONCES ",p=" PROOF),
                     SASL_ASK_SCRAM_PROOF);
    assert_int_equal(sasl_server_scram_proved(&s, false, slice_make(signature, 32)), SASL_FAILED);
    sasl_server_clear(&s);

    sasl_server_init(&s, SASL_SCRAM_SHA_256, no_binding);
    exchange(&s, "n,,n=user,r=" CLIENT_NONCE, "c=biws,r=" NONCES ",p=" PROOF);
    assert_int_equal(sasl_server_scram_proved(&s, true, slice_make(signature, 32)), SASL_CHALLENGE);
    assert_int_equal(sasl_server_respond(&s, SLICE("more")), SASL_MALFORMED);
    sasl_server_clear(&s);
}

static void
scram_without_keys_for_the_user_has_failed(void **state)
{
    struct slice first = SLICE("n,,n=user,r=" CLIENT_NONCE);
    struct sasl_server s;

    (void)state;
    sasl_server_init(&s, SASL_SCRAM_SHA_256, no_binding);
    assert_int_equal(sasl_server_start(&s, &first, SLICE(SERVER_NONCE)), SASL_ASK_SCRAM_USER);
    assert_int_equal(sasl_server_scram_salted(&s, SLICE(""), 4096), SASL_FAILED);
    sasl_server_clear(&s);
}

/* rfc5802#5.1-a, rfc5802#5.1-b, rfc5802#5.1-e, rfc5802#5.1-f, rfc5802#7-a */
static void
scram_reads_the_first_message_strictly(void **state)
{
    static const struct {
        const char *why, *first, *user;
        enum sasl_step want;
    } rows[] = {
        {"the plain way", "n,,n=user,r=abc", "user", SASL_ASK_SCRAM_USER},
        {"the client could bind, we cannot", "y,,n=user,r=abc", "user", SASL_ASK_SCRAM_USER},
        {"acting as oneself", "n,a=user,n=user,r=abc", "user", SASL_ASK_SCRAM_USER},
        {"comma and equals in a name", "n,,n=a=2Cb=3Dc,r=abc", "a,b=c", SASL_ASK_SCRAM_USER},
        {"an extension", "n,,n=user,r=abc,x=1=2", "user", SASL_ASK_SCRAM_USER},
        {"acting as another", "n,a=eve,n=user,r=abc", "", SASL_FAILED},
        {"binding without -PLUS", "p=tls-exporter,,n=user,r=abc", "", SASL_FAILED},
        {"nothing", "", "", SASL_MALFORMED},
        {"no header", "n=user,r=abc", "", SASL_MALFORMED},
        {"half a header", "n,n=user,r=abc", "", SASL_MALFORMED},
        {"an unknown flag", "x,,n=user,r=abc", "", SASL_MALFORMED},
        {"a long flag", "nn,,n=user,r=abc", "", SASL_MALFORMED},
        {"p without a name", "p,,n=user,r=abc", "", SASL_MALFORMED},
        {"p with an empty name", "p=,,n=user,r=abc", "", SASL_MALFORMED},
        {"an empty authzid", "n,a=,n=user,r=abc", "", SASL_MALFORMED},
        {"a mandatory extension", "n,,m=x,n=user,r=abc", "", SASL_MALFORMED},
        {"no name", "n,,r=abc", "", SASL_MALFORMED},
        {"an empty name", "n,,n=,r=abc", "", SASL_MALFORMED},
        {"a bare equals in the name", "n,,n=a=b,r=abc", "", SASL_MALFORMED},
        {"a lower-case escape", "n,,n=a=2cb,r=abc", "", SASL_MALFORMED},
        {"an escape cut short", "n,,n=a=2,r=abc", "", SASL_MALFORMED},
        {"no nonce", "n,,n=user", "", SASL_MALFORMED},
        {"an empty nonce", "n,,n=user,r=", "", SASL_MALFORMED},
        {"a space in the nonce", "n,,n=user,r=a b", "", SASL_MALFORMED},
        {"8-bit nonce", "n,,n=user,r=\xc3\xb1", "", SASL_MALFORMED},
        {"order", "n,,r=abc,n=user", "", SASL_MALFORMED},
        {"a trailing comma", "n,,n=user,r=abc,", "", SASL_MALFORMED},
        {"an extension without value", "n,,n=user,r=abc,x=", "", SASL_MALFORMED},
        {"an extension without letter", "n,,n=user,r=abc,1=2", "", SASL_MALFORMED},
        {"not UTF-8", "n,,n=us\xff,r=abc", "", SASL_MALFORMED},
        {"a control character", "n,,n=us\x01,r=abc", "", SASL_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice message = slice_of(rows[i].first);
        struct sasl_server s;

        sasl_server_init(&s, SASL_SCRAM_SHA_256, no_binding);
        if (sasl_server_start(&s, &message, SLICE(SERVER_NONCE)) != rows[i].want)
            fail_msg("%s", rows[i].why);
        if (rows[i].want == SASL_ASK_SCRAM_USER)
            assert_secret(&s.user, rows[i].user);
        sasl_server_clear(&s);
    }
}

/* rfc5802#5.1-c, rfc5802#5.1-d, rfc5802#5.1-f */
static void
scram_reads_the_final_message_strictly(void **state)
{
    static const struct {
        const char *why, *final;
        enum sasl_step want;
    } rows[] = {
        {"an extension", "c=biws,r=" NONCES ",x=1,p=" PROOF, SASL_ASK_SCRAM_PROOF},
        {"only our half of the nonce", "c=biws,r=" SERVER_NONCE ",p=" PROOF, SASL_FAILED},
        {"only their half", "c=biws,r=" CLIENT_NONCE ",p=" PROOF, SASL_FAILED},
        {"another header", "c=eSws,r=" NONCES ",p=" PROOF, SASL_FAILED},
        {"binding data unasked for", "c=biwsAAAA,r=" NONCES ",p=" PROOF, SASL_FAILED},
        {"nothing", "", SASL_MALFORMED},
        {"no proof", "c=biws,r=" NONCES, SASL_MALFORMED},
        {"only a proof", "p=" PROOF, SASL_MALFORMED},
        {"proof first", "p=" PROOF ",c=biws,r=" NONCES, SASL_MALFORMED},
        {"order", "r=" NONCES ",c=biws,p=" PROOF, SASL_MALFORMED},
        {"a short proof", "c=biws,r=" NONCES ",p=AAAA", SASL_MALFORMED},
        {"a long proof", "c=biws,r=" NONCES ",p=AAAA" PROOF, SASL_MALFORMED},
        {"a proof that is not base 64", "c=biws,r=" NONCES ",p=!!!!", SASL_MALFORMED},
        {"a trailing comma", "c=biws,r=" NONCES ",p=" PROOF ",", SASL_MALFORMED},
        {"an empty extension", "c=biws,r=" NONCES ",,p=" PROOF, SASL_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sasl_server s;

        sasl_server_init(&s, SASL_SCRAM_SHA_256, no_binding);
        if (exchange(&s, "n,,n=user,r=" CLIENT_NONCE, rows[i].final) != rows[i].want)
            fail_msg("%s", rows[i].why);
        sasl_server_clear(&s);
    }
}

/* rfc5802#6-a, rfc5802#6-b, rfc5802#6-c, rfc7677#4-a */
static void
scram_binds_to_the_channel_and_sees_a_downgrade(void **state)
{
    static const struct sasl_binding exporter = {.tls_exporter = {(const uint8_t *)"XYZ", 3}};
    static const struct sasl_binding end_point = {
        .tls_server_end_point = {(const uint8_t *)"XYZ", 3}};
    static const struct {
        const char *why;
        enum sasl_mechanism mechanism;
        const struct sasl_binding *binding;
        const char *first, *bound;
        enum sasl_step want;
    } rows[] = {
        {"tls-exporter", SASL_SCRAM_SHA_256_PLUS, &exporter, "p=tls-exporter,,n=user,r=abc",
         "p=tls-exporter,,XYZ", SASL_ASK_SCRAM_PROOF},
        {"tls-server-end-point", SASL_SCRAM_SHA_256_PLUS, &end_point,
         "p=tls-server-end-point,,n=user,r=abc", "p=tls-server-end-point,,XYZ",
         SASL_ASK_SCRAM_PROOF},
        {"another channel", SASL_SCRAM_SHA_256_PLUS, &exporter, "p=tls-exporter,,n=user,r=abc",
         "p=tls-exporter,,XYA", SASL_FAILED},
        {"no data", SASL_SCRAM_SHA_256_PLUS, &exporter, "p=tls-exporter,,n=user,r=abc",
         "p=tls-exporter,,", SASL_FAILED},
        {"another type in c=", SASL_SCRAM_SHA_256_PLUS, &exporter, "p=tls-exporter,,n=user,r=abc",
         "p=tls-unique,,XYZ", SASL_FAILED},
        {"a type we do not have", SASL_SCRAM_SHA_256_PLUS, &exporter,
         "p=tls-server-end-point,,n=user,r=abc", "", SASL_FAILED},
        {"a type nobody knows", SASL_SCRAM_SHA_256_PLUS, &exporter, "p=tls-unique,,n=user,r=abc",
         "", SASL_FAILED},
        {"-PLUS without binding", SASL_SCRAM_SHA_256_PLUS, &exporter, "n,,n=user,r=abc", "",
         SASL_FAILED},
        {"a client without binding", SASL_SCRAM_SHA_256, &exporter, "n,,n=user,r=abc", "n,,",
         SASL_ASK_SCRAM_PROOF},
        {"downgrade", SASL_SCRAM_SHA_256, &exporter, "y,,n=user,r=abc", "", SASL_FAILED},
        {"nothing to bind to", SASL_SCRAM_SHA_256, &no_binding, "y,,n=user,r=abc", "y,,",
         SASL_ASK_SCRAM_PROOF},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sasl_server s;
        struct buf final;

        buf_init(&final, SASL_TEXT_MAX);
        buf_put_string(&final, "c=");
        base64_put(&final, slice_of(rows[i].bound));
        buf_put_string(&final, ",r=abc" SERVER_NONCE ",p=" PROOF);
        buf_put_byte(&final, '\0');
        sasl_server_init(&s, rows[i].mechanism, *rows[i].binding);
        if (exchange(&s, rows[i].first, (const char *) final.at) != rows[i].want)
            fail_msg("%s", rows[i].why);
        sasl_server_clear(&s);
        buf_clear(&final);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mechanisms_are_found_in_any_case),
        cmocka_unit_test(plain_takes_a_name_and_a_password),
        cmocka_unit_test(plain_limits_names_and_passwords),
        cmocka_unit_test(plain_without_initial_response_is_prompted),
        cmocka_unit_test(login_asks_for_name_then_password),
        cmocka_unit_test(scram_keys_prove_the_example_of_rfc_7677),
        cmocka_unit_test(scram_follows_the_example_of_rfc_7677),
        cmocka_unit_test(scram_ends_at_a_wrong_proof_and_at_words_after_the_signature),
        cmocka_unit_test(scram_without_keys_for_the_user_has_failed),
        cmocka_unit_test(scram_reads_the_first_message_strictly),
        cmocka_unit_test(scram_reads_the_final_message_strictly),
        cmocka_unit_test(scram_binds_to_the_channel_and_sees_a_downgrade),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
