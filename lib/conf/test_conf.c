/* The configuration: what each line becomes, and how a file is found. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "conf/test_conf.h"

static const struct conf *
parse_well(const char *text)
{
    const struct conf *c = parse(slice_of(text));
    char *complaints = said();

    assert_string_equal(complaints, "");
    free(complaints);
    assert_non_null(c);
    return c;
}

static void
nothing_is_enough(void **state)
{
    static const char *const texts[] = {"", "\n\n", "# nothing\n", " \t \r\n", "\xef\xbb\xbf"};
    static const struct {
        enum conf_protocol protocol;
        const char *address;
    } listens[] = {
        {CONF_smtp, "*:25"},
        {CONF_submission, "*:587"},
        {CONF_pop3, "*:110"},
        {CONF_system, "/run/valija/sendmail"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        const struct conf *c = parse_well(texts[i]);

        assert_string_equal(c->hostname, "mx.example.org");
        assert_string_equal(c->state, "/var/lib/valija");
        assert_string_equal(c->run, "/run/valija");
        assert_int_equal(c->tls_count + c->route_count + c->resolver_count, 0);
        assert_string_equal(c->trust_anchor, "/usr/share/dns/root.key");
        assert_false(c->trust_anchor_named);
        assert_string_equal(c->authorities, "/etc/ssl/certs/ca-certificates.crt");
        assert_false(c->authorities_named);
        assert_true(c->limits.value[LIMIT_message_size] == limit_rows[LIMIT_message_size].fallback);
        assert_int_equal(c->listen_count, COUNT(listens));
        for (size_t n = 0; n < COUNT(listens); n++) {
            assert_int_equal(c->listens[n].protocol, listens[n].protocol);
            assert_string_equal(c->listens[n].address.text, listens[n].address);
            assert_int_equal(c->listens[n].line, 0);
        }
        conf_free(c);
    }
}

static void
tls_brings_the_default_tls_listeners(void **state)
{
    const struct conf *c = parse_well(TLS_LINE);

    (void)state;
    assert_int_equal(c->listen_count, 6);
    assert_int_equal(c->listens[2].protocol, CONF_submissions);
    assert_string_equal(c->listens[2].address.text, "*:465");
    assert_int_equal(c->listens[4].protocol, CONF_pop3s);
    conf_free(c);
}

static void
every_directive_is_kept(void **state)
{
    const struct conf *c = parse(SLICE("hostname  a.example \t# ours\r\n"
                                       "state \"/srv/my mail\"\n"
                                       "run run#1\n"
                                       "trust-anchor root.key\n"
                                       "authorities roots.pem\n"
                                       "resolver [::1]:53\n"
                                       "route b.example [2001:db8::1]:26\n"
                                       "route * smart.example:587 tls verify\n"
                                       "limit message_size 25M\n"
                                       "limit idle_seconds 10m"));

    (void)state;
    assert_non_null(c);
    assert_int_equal(mistakes.count, 0);
    assert_string_equal(c->hostname, "a.example");
    assert_string_equal(c->state, "/srv/my mail");
    assert_string_equal(c->run, "/etc/x/run#1");
    assert_string_equal(c->trust_anchor, "/etc/x/root.key");
    assert_true(c->trust_anchor_named);
    assert_string_equal(c->authorities, "/etc/x/roots.pem");
    assert_true(c->authorities_named);
    assert_int_equal(c->resolver_count, 1);
    assert_int_equal(c->resolvers[0].address.at.ss_family, AF_INET6);
    assert_int_equal(c->route_count, 2);
    assert_string_equal(c->routes[0].domain, "b.example");
    assert_string_equal(c->routes[0].host, "2001:db8::1");
    assert_int_equal(c->routes[0].port, 26);
    assert_int_equal(c->routes[0].tls, CONF_ROUTE_MAY);
    assert_string_equal(c->routes[1].domain, "*");
    assert_int_equal(c->routes[1].tls, CONF_ROUTE_VERIFY);
    assert_int_equal(c->routes[1].line, 8);
    assert_true(c->limits.value[LIMIT_message_size] == 25 * 1024 * 1024);
    assert_true(c->limits.value[LIMIT_idle_seconds] == 600);
    conf_free(c);
}

static void
no_trust_anchor_is_a_choice(void **state)
{
    const struct conf *c = parse_well("trust-anchor none");

    (void)state;
    assert_null(c->trust_anchor);
    assert_true(c->trust_anchor_named);
    conf_free(c);
}

static void
the_run_folder_follows_the_state_folder(void **state)
{
    static const struct {
        const char *why, *text, *option, *state, *run, *socket;
    } rows[] = {
        {"state in the file", "state /s", NULL, "/s", "/s/run", "/s/run/sendmail"},
        {"the option wins", "state /s", "/o", "/o", "/o/run", "/o/run/sendmail"},
        {"relative", "state s", NULL, "/etc/x/s", "/etc/x/s/run", "/etc/x/s/run/sendmail"},
        {"run in the file", "run /r", "/o", "/o", "/r", "/r/sendmail"},
        {"a socket elsewhere", "listen system unix:/q", NULL, CONF_STATE, CONF_RUN, "/q"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct conf_input input = {slice_of(rows[i].text), "f", "/etc/x", rows[i].option, "a.b"};
        const struct conf *c = conf_parse(&input, &mistakes);
        size_t n = 0;

        assert_non_null(c);
        assert_string_equal(c->state, rows[i].state);
        assert_string_equal(c->run, rows[i].run);
        while (c->listens[n].protocol != CONF_system)
            n++;
        assert_string_equal(c->listens[n].address.text, rows[i].socket);
        assert_int_equal(c->listen_count, 4); /* the others are there in any case */
        conf_free(c);
    }
}

static void
addresses_are_ready_to_bind(void **state)
{
    const struct conf *c = parse_well("listen smtp 192.0.2.1:25\n"
                                      "listen smtp [2001:db8::1]:25\n"
                                      "listen pop3 *:2110\n"
                                      "listen system unix:s\n");
    const struct conf_listen *l = c->listens;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(25)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(25)};
    const struct sockaddr_in6 *every = (const struct sockaddr_in6 *)&l[2].address.at;

    (void)state;
    inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
    inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
    assert_int_equal(c->listen_count, 4);
    assert_int_equal(l[0].address.len, sizeof(v4));
    assert_memory_equal(&l[0].address.at, &v4, sizeof(v4));
    assert_int_equal(l[1].address.len, sizeof(v6));
    assert_memory_equal(&l[1].address.at, &v6, sizeof(v6));
    assert_false(l[1].every);
    assert_true(l[2].every);
    assert_int_equal(every->sin6_family, AF_INET6);
    assert_int_equal(ntohs(every->sin6_port), 2110);
    assert_true(IN6_IS_ADDR_UNSPECIFIED(&every->sin6_addr));
    assert_int_equal(l[3].address.at.ss_family, AF_UNIX);
    assert_string_equal(((const struct sockaddr_un *)&l[3].address.at)->sun_path, "/etc/x/s");
    conf_free(c);
}

static void
the_star_certificate_comes_first(void **state)
{
    const struct conf *c = parse_well("tls a.example certificate a key a\n"
                                      "tls b.example certificate b key b\n"
                                      "tls * certificate \"x y\" key /k\n"
                                      "tls c.example certificate c key c\n");

    (void)state;
    assert_int_equal(c->tls_count, 4);
    assert_string_equal(c->tls[0].name, "*");
    assert_string_equal(c->tls[0].certificate, "/etc/x/x y");
    assert_string_equal(c->tls[0].key, "/k");
    assert_string_equal(c->tls[1].name, "a.example");
    assert_string_equal(c->tls[2].name, "b.example");
    assert_string_equal(c->tls[3].name, "c.example");
    conf_free(c);
}

static void
values_are_written_and_read_alike(void **state)
{
    static const struct {
        enum limit_unit unit;
        const char *text;
        uint64_t value;
    } rows[] = {
        {UNIT_SECONDS, "0", 0},        {UNIT_SECONDS, "90s", 90},
        {UNIT_SECONDS, "36h", 129600}, {UNIT_SECONDS, "2d", 172800},
        {UNIT_BYTES, "64K", 64 << 10}, {UNIT_MILLISECONDS, "1500ms", 1500},
        {UNIT_NUMBER, "20", 20},
    };
    static const char *const bad[] = {
        "", "d", "2x", "1.5h", "-1", " 2d", "2d ", "99999999999999999999", "999999999999999999d"};
    struct buf out;
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_init(&out, 40);
        conf_value_put(&out, rows[i].unit, rows[i].value);
        assert_true(slice_eq(buf_slice(&out), slice_of(rows[i].text)));
        assert_true(conf_value_read(rows[i].unit, buf_slice(&out), &value));
        assert_true(value == rows[i].value);
        buf_clear(&out);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(conf_value_read(UNIT_SECONDS, slice_of(bad[i]), &value));
}

static void
limits_take_the_suffixes_of_their_unit(void **state)
{
    static const struct {
        const char *name, *value;
        enum limit limit;
        uint64_t number;
    } rows[] = {
        {"message_size", "65536", LIMIT_message_size, 65536},
        {"message_size", "64k", LIMIT_message_size, 65536},
        {"message_size", "1G", LIMIT_message_size, 1 << 30},
        {"quota_bytes", "0", LIMIT_quota_bytes, 0},
        {"quota_bytes", "2T", LIMIT_quota_bytes, UINT64_C(2) << 40},
        {"idle_seconds", "86400", LIMIT_idle_seconds, 86400},
        {"idle_seconds", "1d", LIMIT_idle_seconds, 86400},
        {"idle_seconds", "2H", LIMIT_idle_seconds, 7200},
        {"idle_seconds", "90s", LIMIT_idle_seconds, 90},
        {"greeting_delay_ms", "1500", LIMIT_greeting_delay_ms, 1500},
        {"greeting_delay_ms", "1500ms", LIMIT_greeting_delay_ms, 1500},
        {"greeting_delay_ms", "2s", LIMIT_greeting_delay_ms, 2000},
        {"recipients", "00100", LIMIT_recipients, 100},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[100];
        const struct conf *c;

        snprintf(text, sizeof(text), "limit %s %s", rows[i].name, rows[i].value);
        c = parse_well(text);
        assert_true(c->limits.value[rows[i].limit] == rows[i].number);
        conf_free(c);
    }
}

static void
rows_of_one_directive_are_bounded(void **state)
{
    struct buf text;
    const struct conf *c;

    (void)state;
    buf_init(&text, CONF_FILE_MAX);
    for (unsigned n = 0; n < CONF_ROWS_MAX; n++)
        buf_put_format(&text, "tls h%u.x certificate %u key k\n", n, n);
    c = parse(buf_slice(&text));
    assert_non_null(c);
    assert_int_equal(c->tls_count, CONF_ROWS_MAX);
    assert_string_equal(c->tls[CONF_ROWS_MAX - 1].certificate, "/etc/x/4095");
    conf_free(c);
    buf_put_string(&text, "tls * certificate a key b");
    assert_null(parse(buf_slice(&text)));
    assert_string_equal(mistakes.at[0].what, "more than 4096 'tls' lines");
    buf_clear(&text);
}

static void
the_system_name_stands_in(void **state)
{
    static const struct {
        const char *why, *system_name, *hostname;
        size_t warnings;
    } rows[] = {
        {"full", "a.example", "a.example", 0},
        {"short", "a", "a", 1},
        {"no name at all", "", "localhost", 1},
        {"not a host name", "a_b.example", "localhost", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct conf_input input = {SLICE(""), "f", "/", NULL, rows[i].system_name};
        const struct conf *c = conf_parse(&input, &mistakes);

        assert_non_null(c);
        assert_string_equal(c->hostname, rows[i].hostname);
        assert_int_equal(mistakes.count, rows[i].warnings);
        conf_free(c);
    }
}

static void
hosts_make_a_name_full(void **state)
{
    static const struct {
        const char *why, *hosts, *full;
    } rows[] = {
        {"as Debian writes it", "127.0.0.1 localhost\n127.0.1.1\tmx.example.org\tmx\n",
         "mx.example.org"},
        {"the full name last", "127.0.1.1 mx mx.example.org # mx2\n", "mx.example.org"},
        {"commented out", "# 127.0.1.1 mx.example.org mx\n", ""},
        {"another's line", "127.0.1.1 mx.example.org mxx\n", ""},
        {"a later line", "::1 mx\r\n10.0.0.1  MX  mx.example.net\r\n", "mx.example.net"},
        {"nothing", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice full = conf_hosts_find(slice_of(rows[i].hosts), SLICE("mx"));

        if (!slice_eq(full, slice_of(rows[i].full)))
            print_error("%s\n", rows[i].why);
        assert_true(slice_eq(full, slice_of(rows[i].full)));
    }
}

/* Its examples begin with # and no blank. */
static void
the_sample_file_holds_when_uncommented(void **state)
{
    FILE *f = fopen("etc/valija.conf", "r"); /* tests run in the root of the tree */
    const struct conf *c;
    struct buf text;
    char line[200];

    (void)state;
    assert_non_null(f);
    buf_init(&text, CONF_FILE_MAX);
    while (fgets(line, sizeof(line), f))
        buf_put_string(&text, line + (line[0] == '#' && line[1] != ' '));
    fclose(f);
    c = parse(buf_slice(&text));
    assert_int_equal(mistakes.errors, 0);
    assert_int_equal(c->route_count, 1);
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        assert_true(c->limits.value[i] == limit_rows[i].fallback);
    conf_free(c);
    buf_clear(&text);
}

static void
a_file_is_loaded_from_its_folder(void **state)
{
    char folder[] = "/tmp/test_conf.XXXXXX", path[64], state_folder[64], wanted[64];
    const struct conf *c;
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/valija.conf", folder);
    assert_null(conf_load(path, NULL, &mistakes));
    assert_string_equal(mistakes.at[0].what, "opening the file: No such file or directory");
    assert_null(conf_load(folder, NULL, &mistakes));
    assert_string_equal(mistakes.at[0].what, "reading the file: Is a directory");

    f = fopen(path, "w");
    assert_non_null(f);
    fputs("hostname a.example\nstate s\n", f);
    fclose(f);
    snprintf(state_folder, sizeof(state_folder), "%s/s", folder);
    assert_int_equal(chdir(folder), 0);
    c = conf_load("valija.conf", NULL, &mistakes);
    assert_non_null(c);
    assert_string_equal(c->state, state_folder);
    conf_free(c);
    c = conf_load(path, "other", &mistakes);
    snprintf(wanted, sizeof(wanted), "%s/other", folder);
    assert_string_equal(c->state, wanted);
    conf_free(c);
    unlink(path);
    rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_enough),
        cmocka_unit_test(tls_brings_the_default_tls_listeners),
        cmocka_unit_test(every_directive_is_kept),
        cmocka_unit_test(no_trust_anchor_is_a_choice),
        cmocka_unit_test(the_run_folder_follows_the_state_folder),
        cmocka_unit_test(addresses_are_ready_to_bind),
        cmocka_unit_test(the_star_certificate_comes_first),
        cmocka_unit_test(values_are_written_and_read_alike),
        cmocka_unit_test(limits_take_the_suffixes_of_their_unit),
        cmocka_unit_test(rows_of_one_directive_are_bounded),
        cmocka_unit_test(the_system_name_stands_in),
        cmocka_unit_test(hosts_make_a_name_full),
        cmocka_unit_test(the_sample_file_holds_when_uncommented),
        cmocka_unit_test(a_file_is_loaded_from_its_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
