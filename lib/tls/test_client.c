/* Whole handshakes between our client and our server over a socket pair, with certificates made
 * here: who is let through, who is not, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ensure.h"
#include "tls/tls.h"

enum { DAY = 86400, ROUNDS_MAX = 100, RECORDS_MAX = 2, RECORD_MAX = 4096 };

enum who {
    NOBODY,
    ROOT,
    OTHER_ROOT,
    GOOD,
    WILD,
    EXPIRED,
    EARLY,
    OTHER,
    SELF,
    BARE,
    RSA_KEY,
    STALE_SELF,
    WHO_COUNT
};

/* Names are as OpenSSL wants a subjectAltName; the subject is that of `subject`. */
static const struct {
    const char *subject, *names;
    enum who issuer; /* itself, for a self-signed one */
    int from, until; /* days from today */
    bool rsa;
} plans[WHO_COUNT] = {
    [ROOT] = {"Root", NULL, ROOT, -1, 1, false},
    [OTHER_ROOT] = {"Another root", NULL, OTHER_ROOT, -1, 1, false},
    [GOOD] = {"mx.site.example", "DNS:mx.site.example", ROOT, -1, 1, false},
    [WILD] = {"wild", "DNS:*.site.example", ROOT, -1, 1, false},
    [EXPIRED] = {"mx.site.example", "DNS:mx.site.example", ROOT, -9, -1, false},
    [EARLY] = {"mx.site.example", "DNS:mx.site.example", ROOT, 1, 9, false},
    [OTHER] = {"other.site.example", "DNS:other.site.example", ROOT, -1, 1, false},
    [SELF] = {"mx.site.example", "DNS:mx.site.example", SELF, -1, 1, false},
    [BARE] = {"mx.site.example", NULL, ROOT, -1, 1, false},
    [RSA_KEY] = {"mx.site.example", "DNS:mx.site.example", ROOT, -1, 1, true},
    [STALE_SELF] = {"nobody", "DNS:nobody.example", STALE_SELF, -9, -1, false},
};

static struct {
    EVP_PKEY *key;
    X509 *certificate;
    struct tls_key *loaded;
    struct tls_server *server;
} made[WHO_COUNT];

static void
add_extension(X509 *x, int kind, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    ensure(e && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static X509_NAME *
subject_of(enum who who)
{
    X509_NAME *name = X509_NAME_new();

    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)plans[who].subject,
                               -1, -1, 0);
    return name;
}

static void
make_certificate(enum who who)
{
    X509 *x = X509_new();
    X509_NAME *subject = subject_of(who), *issuer = subject_of(plans[who].issuer);
    bool authority = who == ROOT || who == OTHER_ROOT;

    made[who].key = plans[who].rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    made[who].certificate = x;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1 + (long)who);
    X509_gmtime_adj(X509_getm_notBefore(x), (long)plans[who].from * DAY);
    X509_gmtime_adj(X509_getm_notAfter(x), (long)plans[who].until * DAY);
    X509_set_subject_name(x, subject);
    X509_set_issuer_name(x, issuer);
    X509_set_pubkey(x, made[who].key);
    if (authority)
        add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    if (plans[who].names)
        add_extension(x, NID_subject_alt_name, plans[who].names);
    ensure(X509_sign(x, made[plans[who].issuer].key, EVP_sha256()) > 0);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
}

static void
put_pem(BIO *out, enum who who)
{
    ensure(PEM_write_bio_X509(out, made[who].certificate) == 1);
}

static struct slice
bytes_of(BIO *bio)
{
    char *at;
    long len = BIO_get_mem_data(bio, &at);

    return slice_make(at, (size_t)len);
}

static bool
sign(void *ctx, struct slice id, uint32_t padding, struct slice digest,
     uint8_t signature[TLS_SIGNATURE_MAX], size_t *len)
{
    (void)ctx;
    for (enum who who = ROOT; who < WHO_COUNT; who++)
        if (slice_eq(tls_key_id(made[who].loaded), id))
            return tls_key_sign(made[who].loaded, padding, digest, signature, len);
    return false;
}

/* Servers send the root along, as those must that a DANE-TA record is for. */
static void
make_server(enum who who)
{
    BIO *key = BIO_new(BIO_s_mem()), *chain = BIO_new(BIO_s_mem());

    ensure(PEM_write_bio_PrivateKey(key, made[who].key, NULL, NULL, 0, NULL, NULL) == 1);
    put_pem(chain, who);
    if (plans[who].issuer != who)
        put_pem(chain, plans[who].issuer);
    ensure(!err_is(tls_key_load(bytes_of(key), &made[who].loaded)));
    made[who].server = tls_server_new(sign, NULL);
    ensure(!err_is(tls_server_add(made[who].server, SLICE("*"), bytes_of(chain))));
    BIO_free(key);
    BIO_free(chain);
}

static int
make_world(void **state)
{
    (void)state;
    tls_prepare();
    for (enum who who = ROOT; who < WHO_COUNT; who++) {
        make_certificate(who);
        make_server(who);
    }
    return 0;
}

static int
end_world(void **state)
{
    (void)state;
    for (enum who who = ROOT; who < WHO_COUNT; who++) {
        tls_server_put(made[who].server);
        tls_key_free(made[who].loaded);
        X509_free(made[who].certificate);
        EVP_PKEY_free(made[who].key);
    }
    return 0;
}

static struct tls_client *
make_client(enum who root)
{
    struct tls_client *c = tls_client_new();
    BIO *pem = BIO_new(BIO_s_mem());

    BIO_puts(pem,
             "# a line between\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    put_pem(pem, root);
    assert_false(err_is(tls_client_set_roots(c, bytes_of(pem))));
    BIO_free(pem);
    return c;
}

/* A TLSA record of certificate `of`; cut: so many bytes fewer. */
struct record {
    uint8_t usage, selector, matching;
    enum who of;
    size_t cut;
};

static struct slice
make_record(const struct record *r, uint8_t room[RECORD_MAX])
{
    uint8_t *der = NULL;
    unsigned int len = 0;
    int der_len = r->selector == 0 ? i2d_X509(made[r->of].certificate, &der)
                                   : i2d_PUBKEY(made[r->of].key, &der);

    assert_in_range(der_len, 1, RECORD_MAX - 3);
    room[0] = r->usage;
    room[1] = r->selector;
    room[2] = r->matching;
    if (r->matching == 0) {
        memcpy(room + 3, der, (size_t)der_len);
        len = (unsigned int)der_len;
    } else {
        EVP_Digest(der, (size_t)der_len, room + 3, &len,
                   r->matching == 2 ? EVP_sha512() : EVP_sha256(), NULL);
    }
    OPENSSL_free(der);
    return slice_make(room, 3 + len - r->cut);
}

struct ends {
    int fds[2];
    struct tls_conn *client, *server;
};

static void
close_ends(struct ends *e)
{
    tls_conn_free(e->client);
    tls_conn_free(e->server);
    close(e->fds[0]);
    close(e->fds[1]);
}

/* The client's verdict about a handshake. */
static struct err
shake_hands(struct ends *e)
{
    struct err client = {ERR_AGAIN, 0, ""}, server = client;
    bool want_write;

    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (client.kind == ERR_AGAIN)
            client = tls_conn_handshake(e->client, &want_write);
        if (server.kind == ERR_AGAIN)
            server = tls_conn_handshake(e->server, &want_write);
        if (client.kind != ERR_AGAIN && (server.kind != ERR_AGAIN || err_is(client)))
            return client;
    }
    fail_msg("the handshake does not end");
    return client;
}

static enum tls_failure
begin(struct tls_client *client, enum who server, const struct tls_peer *peer, struct ends *e)
{
    enum tls_failure why;

    *e = (struct ends){.client = NULL};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, e->fds), 0);
    e->client = tls_conn_new_client(client, e->fds[0], peer, &why);
    e->server = tls_conn_new(made[server].server, e->fds[1], "smtp");
    return why;
}

struct row {
    const char *why;
    enum who server;
    const struct tls_peer *peer;
    struct record records[RECORDS_MAX];
    enum tls_failure failure;
};

/* How they begin. */
static const char *const words[TLS_FAILURE_COUNT] = {
    [TLS_FAILURE_NONE] = "",
    [TLS_FAILURE_EXPIRED] = "certificate ",
    [TLS_FAILURE_NAME] = "hostname mismatch in its certificate",
    [TLS_FAILURE_NOT_TRUSTED] = "self-signed certificate",
    [TLS_FAILURE_TLSA] = "no TLSA record matches its certificate",
};

#define DANE(base, first, other)                                                                   \
    {                                                                                              \
        .name = first, .trust = TLS_TRUST_DANE, .tlsa_base = base, .other_name = other             \
    }

static const struct tls_peer anyone = {.name = "mx.site.example", .trust = TLS_TRUST_ANYONE},
                             named = {.name = "mx.site.example", .trust = TLS_TRUST_NAME},
                             deeper = {.name = "a.mx.site.example", .trust = TLS_TRUST_NAME},
                             nameless = {.name = "", .trust = TLS_TRUST_NAME},
                             many = {.name = ".site.example", .trust = TLS_TRUST_NAME},
                             dane = DANE("mx.site.example", "mx.site.example", NULL),
                             aliased = DANE("mx.site.example", "other.site.example", NULL),
                             domain =
                                 DANE("mx.site.example", "mx.site.example", "other.site.example"),
                             baseless = DANE("", "mx.site.example", NULL);

static void
check_row(struct tls_client *client, const struct row *row)
{
    uint8_t room[RECORDS_MAX][RECORD_MAX];
    struct slice tlsa[RECORDS_MAX];
    struct tls_peer peer = *row->peer;
    struct ends e;
    enum tls_failure why;

    print_message("%s\n", row->why);
    peer.tlsa = tlsa;
    while (peer.tlsa_count < RECORDS_MAX && row->records[peer.tlsa_count].of) {
        tlsa[peer.tlsa_count] = make_record(&row->records[peer.tlsa_count], room[peer.tlsa_count]);
        peer.tlsa_count++;
    }
    why = begin(client, row->server, &peer, &e);
    assert_true(e.client || why != TLS_FAILURE_NONE);
    if (e.client) {
        assert_int_equal(shake_hands(&e).kind, row->failure ? ERR_PERMANENT : ERR_NONE);
        why = tls_conn_failure(e.client);
        assert_true(slice_starts_nocase(slice_of(tls_conn_error(e.client)), slice_of(words[why])));
    }
    assert_int_equal(why, row->failure);
    close_ends(&e);
}

/* rfc8461#4.2-a */
static void
a_name_is_proved_by_a_certificate_of_an_authority(void **state)
{
    static const struct row rows[] = {
        {"a good certificate", GOOD, &named, {{0}}, TLS_FAILURE_NONE},
        {"one with an RSA key", RSA_KEY, &named, {{0}}, TLS_FAILURE_NONE},
        {"one for all names of a domain", WILD, &named, {{0}}, TLS_FAILURE_NONE},
        {"but not for a name deeper in it", WILD, &deeper, {{0}}, TLS_FAILURE_NAME},
        {"another host's", OTHER, &named, {{0}}, TLS_FAILURE_NAME},
        {"its name in the subject alone", BARE, &named, {{0}}, TLS_FAILURE_NAME},
        {"an expired one", EXPIRED, &named, {{0}}, TLS_FAILURE_EXPIRED},
        {"one whose time has not come", EARLY, &named, {{0}}, TLS_FAILURE_EXPIRED},
        {"a self-signed one", SELF, &named, {{0}}, TLS_FAILURE_NOT_TRUSTED},
        {"no name to prove", GOOD, &nameless, {{0}}, TLS_FAILURE_NAME},
        {"a name that would mean many", GOOD, &many, {{0}}, TLS_FAILURE_NAME},
    };
    struct tls_client *client = make_client(ROOT);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(client, &rows[i]);
    tls_client_free(client);
}

/* rfc8461#5-b: who only wants to know is let through, and told. */
static void
where_a_name_is_only_looked_at_nothing_ends(void **state)
{
    static const struct {
        enum who server;
        enum tls_failure failure;
    } looks[] = {{GOOD, TLS_FAILURE_NONE},
                 {OTHER, TLS_FAILURE_NAME},
                 {EXPIRED, TLS_FAILURE_EXPIRED},
                 {SELF, TLS_FAILURE_NOT_TRUSTED}};
    struct tls_client *client = make_client(ROOT);
    struct tls_peer peer = named;

    (void)state;
    peer.lenient = true;
    for (size_t i = 0; i < COUNT(looks); i++) {
        struct ends e;

        assert_int_equal(begin(client, looks[i].server, &peer, &e), TLS_FAILURE_NONE);
        assert_false(err_is(shake_hands(&e)));
        assert_int_equal(tls_conn_failure(e.client), looks[i].failure);
        close_ends(&e);
    }
    tls_client_free(client);
}

static void
an_authority_nobody_knows_proves_nothing(void **state)
{
    static const struct row rows[] = {
        {"another root", GOOD, &named, {{0}}, TLS_FAILURE_NOT_TRUSTED},
    };
    struct tls_client *client = make_client(OTHER_ROOT), *without = tls_client_new();

    (void)state;
    check_row(client, &rows[0]);
    check_row(without, &rows[0]);
    assert_int_equal(tls_client_set_roots(without, slice_make("", TLS_PEM_MAX + 1)).kind,
                     ERR_LIMIT);
    tls_client_free(client);
    tls_client_free(without);
}

/* Roots that come anew hold for all handshakes from then on. */
static void
authorities_are_replaced(void **state)
{
    static const struct row good = {"a good one", GOOD, &named, {{0}}, TLS_FAILURE_NONE};
    struct tls_client *client = make_client(OTHER_ROOT);
    BIO *pem = BIO_new(BIO_s_mem());
    struct ends before;

    (void)state;
    begin(client, GOOD, &named, &before);
    put_pem(pem, ROOT);
    assert_false(err_is(tls_client_set_roots(client, bytes_of(pem))));
    check_row(client, &good);
    assert_int_equal(shake_hands(&before).kind, ERR_PERMANENT);
    close_ends(&before);
    BIO_free(pem);
    tls_client_free(client);
}

static void
where_nobody_is_asked_for_everybody_will_do(void **state)
{
    struct tls_client *client = tls_client_new();

    (void)state;
    for (enum who who = ROOT; who < WHO_COUNT; who++)
        check_row(client, &(struct row){plans[who].subject, who, &anyone, {{0}}, TLS_FAILURE_NONE});
    tls_client_free(client);
}

/* rfc7672#3.1.1-a rfc7672#3.1.2-a rfc7672#3.1.2-b rfc7672#3.2.2-a rfc7672#5-a */
static void
a_certificate_must_fit_a_record(void **state)
{
    static const struct row rows[] = {
        {"a key's SHA-256", GOOD, &dane, {{3, 1, 1, GOOD, 0}}, TLS_FAILURE_NONE},
        {"a key's SHA-512", GOOD, &dane, {{3, 1, 2, GOOD, 0}}, TLS_FAILURE_NONE},
        {"a whole key", GOOD, &dane, {{3, 1, 0, GOOD, 0}}, TLS_FAILURE_NONE},
        {"a certificate's SHA-256", GOOD, &dane, {{3, 0, 1, GOOD, 0}}, TLS_FAILURE_NONE},
        {"a certificate's SHA-512", GOOD, &dane, {{3, 0, 2, GOOD, 0}}, TLS_FAILURE_NONE},
        {"a whole certificate", GOOD, &dane, {{3, 0, 0, GOOD, 0}}, TLS_FAILURE_NONE},
        {"nobody's name, expired, self-signed",
         STALE_SELF,
         &dane,
         {{3, 1, 1, STALE_SELF, 0}},
         TLS_FAILURE_NONE},
        {"another's key", GOOD, &dane, {{3, 1, 1, OTHER, 0}}, TLS_FAILURE_TLSA},
        {"the second of two",
         GOOD,
         &dane,
         {{3, 1, 1, OTHER, 0}, {3, 0, 2, GOOD, 0}},
         TLS_FAILURE_NONE},
        {"a right SHA-256 beside a wrong SHA-512",
         GOOD,
         &dane,
         {{3, 1, 2, OTHER, 0}, {3, 1, 1, GOOD, 0}},
         TLS_FAILURE_TLSA},
        {"an authority", GOOD, &dane, {{2, 0, 1, ROOT, 0}}, TLS_FAILURE_NONE},
        {"an authority's key", GOOD, &dane, {{2, 1, 1, ROOT, 0}}, TLS_FAILURE_NONE},
        {"a whole authority", GOOD, &dane, {{2, 0, 0, ROOT, 0}}, TLS_FAILURE_NONE},
        {"another authority", GOOD, &dane, {{2, 0, 1, OTHER_ROOT, 0}}, TLS_FAILURE_TLSA},
        {"its authority, but another host's", OTHER, &dane, {{2, 0, 1, ROOT, 0}}, TLS_FAILURE_NAME},
        {"its authority, and a wildcard", WILD, &dane, {{2, 0, 1, ROOT, 0}}, TLS_FAILURE_NONE},
        {"its authority, and a name in the subject alone",
         BARE,
         &dane,
         {{2, 0, 1, ROOT, 0}},
         TLS_FAILURE_NONE},
        {"its authority, and the name before aliases",
         OTHER,
         &aliased,
         {{2, 0, 1, ROOT, 0}},
         TLS_FAILURE_NONE},
        {"its authority, and the domain's own name",
         OTHER,
         &domain,
         {{2, 0, 1, ROOT, 0}},
         TLS_FAILURE_NONE},
        {"its authority, and an expired certificate",
         EXPIRED,
         &dane,
         {{2, 0, 1, ROOT, 0}},
         TLS_FAILURE_EXPIRED},
    };
    struct tls_client *client = make_client(ROOT);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(client, &rows[i]);
    tls_client_free(client);
}

/* rfc7672#3.1.3-a */
static void
records_of_no_use_are_left_out(void **state)
{
    static const struct row rows[] = {
        {"none", GOOD, &dane, {{0}}, TLS_FAILURE_TLSA_UNUSABLE},
        {"without their name", GOOD, &baseless, {{3, 1, 1, GOOD, 0}}, TLS_FAILURE_NAME},
        {"PKIX-EE", GOOD, &dane, {{1, 1, 1, GOOD, 0}}, TLS_FAILURE_TLSA_UNUSABLE},
        {"PKIX-TA", GOOD, &dane, {{0, 0, 1, ROOT, 0}}, TLS_FAILURE_TLSA_UNUSABLE},
        {"a private usage", GOOD, &dane, {{255, 1, 1, GOOD, 0}}, TLS_FAILURE_TLSA_UNUSABLE},
        {"an unknown selector", GOOD, &dane, {{3, 2, 1, GOOD, 0}}, TLS_FAILURE_TLSA_UNUSABLE},
        {"an unknown hash", GOOD, &dane, {{3, 1, 9, GOOD, 0}}, TLS_FAILURE_TLSA_UNUSABLE},
        {"half a hash", GOOD, &dane, {{3, 1, 1, GOOD, 16}}, TLS_FAILURE_TLSA_UNUSABLE},
        {"no hash", GOOD, &dane, {{3, 1, 1, GOOD, 32}}, TLS_FAILURE_TLSA_UNUSABLE},
        {"nothing but a usage", GOOD, &dane, {{3, 1, 1, GOOD, 34}}, TLS_FAILURE_TLSA_UNUSABLE},
        {"half a certificate", GOOD, &dane, {{3, 0, 0, GOOD, 99}}, TLS_FAILURE_TLSA_UNUSABLE},
        {"beside one of use",
         GOOD,
         &dane,
         {{1, 1, 1, OTHER, 0}, {3, 1, 1, GOOD, 0}},
         TLS_FAILURE_NONE},
        {"beside one that does not fit",
         GOOD,
         &dane,
         {{1, 1, 1, GOOD, 0}, {3, 1, 1, OTHER, 0}},
         TLS_FAILURE_TLSA},
    };
    struct tls_client *client = make_client(ROOT);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(client, &rows[i]);
    tls_client_free(client);
}

/* rfc7672#8.1-a rfc8461#7.1-b */
static void
the_server_is_told_whom_the_client_means(void **state)
{
    static const struct {
        struct tls_peer peer;
        const char *asked;
    } rows[] = {
        {{.name = "mx.site.example", .trust = TLS_TRUST_ANYONE}, "mx.site.example"},
        {{.name = "mx.site.example", .trust = TLS_TRUST_NAME}, "mx.site.example"},
        {{.name = "192.0.2.1", .trust = TLS_TRUST_ANYONE}, ""},
        {{.name = "2001:db8::1", .trust = TLS_TRUST_ANYONE}, ""},
        {{.name = "[192.0.2.1]", .trust = TLS_TRUST_ANYONE}, ""},
        {{.name = "", .trust = TLS_TRUST_ANYONE}, ""},
        {DANE("base.site.example", "mx.site.example", NULL), "base.site.example"},
    };
    static const struct record record = {3, 1, 1, GOOD, 0};
    struct tls_client *client = make_client(ROOT);
    uint8_t room[RECORD_MAX];
    struct slice tlsa = make_record(&record, room);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tls_peer peer = rows[i].peer;
        struct ends e;

        peer.tlsa = &tlsa;
        peer.tlsa_count = 1;
        begin(client, GOOD, &peer, &e);
        assert_int_equal(shake_hands(&e).kind, ERR_NONE);
        assert_string_equal(tls_conn_name(e.server), rows[i].asked);
        close_ends(&e);
    }
    tls_client_free(client);
}

/* rfc8461#7.2-a */
static void
bytes_pass_both_ways_until_either_says_goodbye(void **state)
{
    struct tls_client *client = make_client(ROOT);
    char room[16];
    size_t n = 0;
    bool want_write;
    struct ends e;

    (void)state;
    begin(client, GOOD, &named, &e);
    assert_int_equal(shake_hands(&e).kind, ERR_NONE);
    assert_string_equal(tls_conn_version(e.client), "TLSv1.3");
    assert_int_equal(tls_conn_read(e.client, room, sizeof(room), &n, &want_write).kind, ERR_AGAIN);
    assert_false(want_write);
    assert_false(err_is(tls_conn_write(e.client, SLICE("EHLO"), &n, &want_write)));
    assert_false(err_is(tls_conn_read(e.server, room, sizeof(room), &n, &want_write)));
    assert_memory_equal(room, "EHLO", n);
    assert_false(err_is(tls_conn_write(e.server, SLICE("250"), &n, &want_write)));
    assert_false(err_is(tls_conn_read(e.client, room, sizeof(room), &n, &want_write)));
    assert_memory_equal(room, "250", n);
    tls_conn_free(e.server);
    e.server = NULL;
    assert_int_equal(tls_conn_read(e.client, room, sizeof(room), &n, &want_write).kind, ERR_CLOSED);
    assert_int_equal(tls_conn_failure(e.client), TLS_FAILURE_NONE);
    close_ends(&e);
    tls_client_free(client);
}

#define LITERAL(bytes)                                                                             \
    {                                                                                              \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                \
    }

/* It says so much and closes. */
static void
a_peer_that_speaks_no_tls_fails_the_handshake(void **state)
{
    static const struct {
        struct slice says;
        const char *words;
    } rows[] = {
        {LITERAL(""), "unexpected eof while reading"},
        {LITERAL("454 4.7.0 TLS is not available\r\n"), "wrong version number"},
        {LITERAL("\26\3\3\0\4\12\0\0\0"), "unexpected message"},
        {LITERAL("\25\3\3\0\2\2\50"), "sslv3 alert handshake failure"},
        {LITERAL("\26\3\3\377\377"), "packet length too long"},
    };
    struct tls_client *client = make_client(ROOT);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice says = rows[i].says;
        bool want_write;
        struct ends e;

        begin(client, GOOD, &named, &e);
        assert_int_equal(tls_conn_handshake(e.client, &want_write).kind, ERR_AGAIN);
        assert_int_equal(write(e.fds[1], says.at, says.len), says.len);
        shutdown(e.fds[1], SHUT_WR);
        assert_int_equal(tls_conn_handshake(e.client, &want_write).kind, ERR_PERMANENT);
        assert_int_equal(tls_conn_failure(e.client), TLS_FAILURE_HANDSHAKE);
        assert_string_equal(tls_conn_error(e.client), rows[i].words);
        close_ends(&e);
    }
    tls_client_free(client);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_proved_by_a_certificate_of_an_authority),
        cmocka_unit_test(where_a_name_is_only_looked_at_nothing_ends),
        cmocka_unit_test(an_authority_nobody_knows_proves_nothing),
        cmocka_unit_test(authorities_are_replaced),
        cmocka_unit_test(where_nobody_is_asked_for_everybody_will_do),
        cmocka_unit_test(a_certificate_must_fit_a_record),
        cmocka_unit_test(records_of_no_use_are_left_out),
        cmocka_unit_test(the_server_is_told_whom_the_client_means),
        cmocka_unit_test(bytes_pass_both_ways_until_either_says_goodbye),
        cmocka_unit_test(a_peer_that_speaks_no_tls_fails_the_handshake),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
