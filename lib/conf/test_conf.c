/* The configuration: what each line becomes, and what is said of each mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf_private.h"

#define TLS_LINE "tls mx.example.org certificate a.pem key a.key\n"

static struct conf_mistakes mistakes; /* too large for a stack */

static const struct conf *
parse(struct slice text)
{
    struct conf_input input = {text, "f", "/etc/x", NULL, "mx.example.org"};

    return conf_parse(&input, &mistakes);
}

/* What was said, as `config check` prints it; free it. */
static char *
said(void)
{
    struct buf out;
    char *text;

    buf_init(&out, 1 << 20);
    assert_true(conf_mistakes_put(&mistakes, &out));
    text = malloc(out.len + 1);
    assert_true(slice_to_string(buf_slice(&out), text, out.len + 1));
    buf_clear(&out);
    return text;
}

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

struct row {
    const char *why, *text, *said; /* without "f:" before each line */
    size_t len;                    /* of the text, where it holds a NUL */
};

static void
expect(const struct row *rows, size_t count, bool accepted)
{
    for (size_t i = 0; i < count; i++) {
        struct slice text = slice_of(rows[i].text), left = slice_of(rows[i].said), line;
        const struct conf *c;
        char *complaints, wanted[4096] = "";

        if (rows[i].len)
            text.len = rows[i].len;
        while (left.len) {
            slice_cut(&left, '\n', &line);
            snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "f:%.*s\n",
                     (int)line.len, (const char *)line.at);
        }
        c = parse(text);
        complaints = said();
        if (strcmp(complaints, wanted) != 0)
            print_error("%s\n", rows[i].why);
        assert_string_equal(complaints, wanted);
        assert_int_equal(c != NULL, accepted);
        free(complaints);
        conf_free(c);
    }
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
        assert_null(c->trust_anchor);
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
                                       "resolver [::1]:53\n"
                                       "route b.example [2001:db8::1]:26\n"
                                       "route * smart.example:587\n"
                                       "limit message_size 25M\n"
                                       "limit idle_seconds 10m"));

    (void)state;
    assert_non_null(c);
    assert_int_equal(mistakes.count, 4); /* the warnings of what is not used yet */
    assert_string_equal(c->hostname, "a.example");
    assert_string_equal(c->state, "/srv/my mail");
    assert_string_equal(c->run, "/etc/x/run#1");
    assert_string_equal(c->trust_anchor, "/etc/x/root.key");
    assert_int_equal(c->resolver_count, 1);
    assert_int_equal(c->resolvers[0].address.at.ss_family, AF_INET6);
    assert_int_equal(c->route_count, 2);
    assert_string_equal(c->routes[0].domain, "b.example");
    assert_string_equal(c->routes[0].host, "2001:db8::1");
    assert_int_equal(c->routes[0].port, 26);
    assert_string_equal(c->routes[1].domain, "*");
    assert_int_equal(c->routes[1].line, 7);
    assert_true(c->limits.value[LIMIT_message_size] == 25 * 1024 * 1024);
    assert_true(c->limits.value[LIMIT_idle_seconds] == 600);
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
mistakes_of_words_are_told(void **state)
{
    static const struct row rows[] = {
        {"unknown", "frobnicate x", "1:1: unknown directive 'frobnicate'", 0},
        {"misspelt", "\n  hostnam x", "2:3: unknown directive 'hostnam', did you mean 'hostname'?",
         0},
        {"capitals", "Listen smtp *:25", "1:1: unknown directive 'Listen', did you mean 'listen'?",
         0},
        {"missing all", "hostname", "1:9: NAME is missing: hostname NAME", 0},
        {"missing before a comment", "hostname # x", "1:9: NAME is missing: hostname NAME", 0},
        {"missing last", "tls * certificate a key",
         "1:24: FILE is missing: tls NAME certificate FILE key FILE", 0},
        {"missing keyword", "tls *",
         "1:6: certificate is missing: tls NAME certificate FILE key FILE", 0},
        {"wrong keyword", "tls * cert a key b", "1:7: 'cert' stands where 'certificate' is wanted",
         0},
        {"too many", "state /a /b", "1:10: '/b' is one word too many: state DIRECTORY", 0},
        {"far too many", "state a b c d e f g h i j k",
         "1:9: 'b' is one word too many: state DIRECTORY", 0},
        {"equals", "hostname = a.example", "1:10: '=' is not used here: hostname NAME", 0},
        {"repeated", "state /a\nstate /b", "2:1: 'state' is already given in line 1", 0},
        {"open quote", "state \"/a b", "1:7: this quote is not closed before the line ends", 0},
        {"quote at the end", "state \"", "1:7: this quote is not closed before the line ends", 0},
        {"quote within", "state /a\"b\"",
         "1:9: a quote within a word; quotes stand around a whole word", 0},
        {"word after a quote", "state \"a\"b",
         "1:10: a quote within a word; quotes stand around a whole word", 0},
        {"empty path", "state \"\"", "1:7: an empty path", 0},
        {"NUL", "state a\0b", "1:8: a NUL byte, where the file should be text in UTF-8", 9},
        {"control", "state \x1b[31m",
         "1:7: a control character, where the file should be text in UTF-8", 0},
        {"C1 control", "# \xc2\x9b",
         "1:3: a control character, where the file should be text in UTF-8", 0},
        {"bare CR", "state /a\rrun /b",
         "1:9: a control character, where the file should be text in UTF-8", 0},
        {"Latin-1", "# \xc3\xb1 \xf1", "1:5: a byte that is not part of a UTF-8 character", 0},
        {"overlong", "# \xc0\xaf", "1:3: a byte that is not part of a UTF-8 character", 0},
        {"overlong of three", "# \xe0\x80\xaf", "1:3: a byte that is not part of a UTF-8 character",
         0},
        {"surrogate", "# \xed\xa0\x80", "1:3: a byte that is not part of a UTF-8 character", 0},
        {"beyond Unicode", "# \xf4\x90\x80\x80",
         "1:3: a byte that is not part of a UTF-8 character", 0},
        {"cut off", "# \xe2\x82", "1:3: a byte that is not part of a UTF-8 character", 0},
        {"continuation", "# \x80", "1:3: a byte that is not part of a UTF-8 character", 0},
        {"columns are characters", "state \xc3\xb1 \xe2\x82\xac \xf0\x9f\x93\xa7",
         "1:9: '\xe2\x82\xac' is one word too many: state DIRECTORY", 0},
        {"order mark is no column", "\xef\xbb\xbfstat x",
         "1:1: unknown directive 'stat', did you mean 'state'?", 0},
    };

    (void)state;
    expect(rows, COUNT(rows), false);
}

static void
mistakes_of_values_are_told(void **state)
{
    static const struct row rows[] = {
        {"a name", "hostname mx_1.example",
         "1:10: 'mx_1.example' is not a host name: letters, digits, hyphens and dots, any other "
         "letters in their xn-- form",
         0},
        {"an address as a name", "hostname 192.0.2.1",
         "1:10: '192.0.2.1' is not a host name: letters, digits, hyphens and dots, any other "
         "letters in their xn-- form",
         0},
        {"an empty label", "tls a..b certificate a key b",
         "1:5: 'a..b' is not a host name: letters, digits, hyphens and dots, any other letters in "
         "their xn-- form",
         0},
        {"protocol", "listen smpt *:25", "1:8: unknown protocol 'smpt', did you mean 'smtp'?", 0},
        {"not yet", "listen imap *:143", "1:8: imap is not yet served by this version of valija",
         0},
        {"no port", "listen smtp 127.0.0.1",
         "1:13: '127.0.0.1' has no port: listen PROTOCOL ADDRESS:PORT", 0},
        {"no port in brackets", "listen smtp [::1]",
         "1:13: '[::1]' has no port: listen PROTOCOL ADDRESS:PORT", 0},
        {"port 0", "listen smtp *:0", "1:13: '0' is not a port, which is 1 to 65535", 0},
        {"port 65536", "listen smtp *:65536", "1:13: '65536' is not a port, which is 1 to 65535",
         0},
        {"port name", "listen smtp *:smtp", "1:13: 'smtp' is not a port, which is 1 to 65535", 0},
        {"port empty", "listen smtp *:", "1:13: '' is not a port, which is 1 to 65535", 0},
        {"bare IPv6", "listen smtp ::1:25",
         "1:13: an IPv6 address stands in brackets, as in [::1]:25, not '::1:25'", 0},
        {"half a bracket", "listen smtp [::1:25",
         "1:13: an IPv6 address stands in brackets, as in [::1]:25, not '[::1:25'", 0},
        {"name for address", "listen smtp localhost:25",
         "1:13: 'localhost' is not an address such as 192.0.2.1, [2001:db8::1] or *", 0},
        {"bad IPv4", "listen smtp 1.2.3:25",
         "1:13: '1.2.3' is not an address such as 192.0.2.1, [2001:db8::1] or *", 0},
        {"bad IPv6", "listen smtp [::g]:25",
         "1:13: '::g' is not an address such as 192.0.2.1, [2001:db8::1] or *", 0},
        {"star resolver", "resolver *:53",
         "1:1: warning: 'resolver' is understood but not yet used by this version of valija\n1:10: "
         "'*' is not an address such as 192.0.2.1 or [2001:db8::1]",
         0},
        {"same twice", "listen smtp *:25\nlisten pop3 *:25",
         "2:13: '*:25' is already taken by the listen line 1", 0},
        {"star and one", "listen smtp 127.0.0.1:25\nlisten smtp *:25",
         "2:13: '*:25' is already taken by the listen line 1", 0},
        {"any of a family", "listen smtp [::]:25\nlisten smtp [::1]:25",
         "2:13: '[::1]:25' is already taken by the listen line 1", 0},
        {"two sockets", "listen system unix:/a\nlisten system unix:/b",
         "2:15: 'unix:/b' is already taken by the listen line 1", 0},
        {"system is a file", "listen system *:25",
         "1:15: system listens on a file, as in unix:/run/valija/sendmail, not '*:25'", 0},
        {"system with no file", "listen system unix:", "1:15: an empty path", 0},
        {"TLS without one", "listen pop3s *:995\n",
         "1:1: pop3s needs a certificate: tls NAME certificate FILE key FILE", 0},
        {"certificate twice", TLS_LINE "tls MX.example.org certificate a key b",
         "2:5: 'MX.example.org' is already given in line 1", 0},
        {"route host", "route * a_b:25",
         "1:1: warning: 'route' is understood but not yet used by this version of valija\n1:9: "
         "'a_b' is not a host name: letters, digits, hyphens and dots, any other letters in their "
         "xn-- form",
         0},
        {"limit", "limit mesage-size 1M",
         "1:7: unknown limit 'mesage-size', did you mean 'message_size'?", 0},
        {"limit twice", "limit sessions 20\nlimit sessions 20",
         "2:7: 'sessions' is already given in line 1", 0},
        {"below", "limit message_size 1K", "1:20: '1K' is out of range, which is 64K to 1G bytes",
         0},
        {"above", "limit message_size 2G", "1:20: '2G' is out of range, which is 64K to 1G bytes",
         0},
        {"above 64 bits", "limit message_size 99999999999999999999",
         "1:20: '99999999999999999999' is out of range, which is 64K to 1G bytes", 0},
        {"above by its suffix", "limit message_size 18446744073709551615T",
         "1:20: '18446744073709551615T' is out of range, which is 64K to 1G bytes", 0},
        {"time", "limit stop_seconds 1h", "1:20: '1h' is out of range, which is 1s to 10m", 0},
        {"bytes in words", "limit message_size 10MB",
         "1:20: '10MB' is not a number of bytes such as 10485760 or 10M", 0},
        {"suffix of another unit", "limit idle_seconds 10K",
         "1:20: '10K' is not a time such as 300, in seconds, or 5m", 0},
        {"negative", "limit recipients -5", "1:18: '-5' is not a whole number such as 20", 0},
        {"suffix alone", "limit message_size M",
         "1:20: 'M' is not a number of bytes such as 10485760 or 10M", 0},
    };

    (void)state;
    expect(rows, COUNT(rows), false);
}

static void
warnings_do_not_stop_the_service(void **state)
{
    static const struct row rows[] = {
        {"short name", "hostname mx",
         "1:10: warning: 'mx' is not a full name such as mx.example.org; other servers may refuse "
         "mail from it",
         0},
        {"for later", "route * a.example:25",
         "1:1: warning: 'route' is understood but not yet used by this version of valija", 0},
    };

    (void)state;
    expect(rows, COUNT(rows), true);
}

static void
all_mistakes_are_told_in_order(void **state)
{
    static const struct row rows[] = {
        {"several", "hostnme a\nlimit\nlisten pop3s *:995\nstate",
         "1:1: unknown directive 'hostnme', did you mean 'hostname'?\n"
         "2:6: NAME is missing: limit NAME VALUE\n"
         "4:6: DIRECTORY is missing: state DIRECTORY\n"
         "3:1: pop3s needs a certificate: tls NAME certificate FILE key FILE",
         0},
    };

    (void)state;
    expect(rows, COUNT(rows), false);
}

static void
sizes_are_bounded(void **state)
{
    static const struct {
        const char *why, *line;
        size_t times;
        const char *said;
    } rows[] = {
        {"line", "x", CONF_LINE_MAX + 1, "f:1:1: the line is longer than 2048 bytes\n"},
        {"file", "#\n", CONF_FILE_MAX, "f: the file is larger than 1048576 bytes\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf text;
        char *complaints;

        buf_init(&text, 4 << 20);
        for (size_t n = 0; n < rows[i].times; n++)
            buf_put_string(&text, rows[i].line);
        assert_null(parse(buf_slice(&text)));
        complaints = said();
        assert_string_equal(complaints, rows[i].said);
        free(complaints);
        buf_clear(&text);
    }
}

static void
mistakes_beyond_the_bound_are_counted(void **state)
{
    struct buf text;
    char *complaints;

    (void)state;
    buf_init(&text, 4 << 20);
    for (size_t n = 0; n < CONF_MISTAKES_MAX + 7; n++)
        buf_put_string(&text, "bad\n");
    assert_null(parse(buf_slice(&text)));
    assert_int_equal(mistakes.count, CONF_MISTAKES_MAX);
    assert_int_equal(mistakes.missed, 7);
    assert_int_equal(mistakes.errors, CONF_MISTAKES_MAX + 7);
    complaints = said();
    assert_non_null(strstr(complaints, "f: 7 more are not shown\n"));
    free(complaints);
    buf_clear(&text);
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
long_words_are_cut_between_characters(void **state)
{
    char text[400] = "", *complaints;

    (void)state;
    for (size_t n = 0; n < 60; n++)
        strcat(text, "x\xc3\xb1");
    assert_null(parse(slice_of(text)));
    complaints = said();
    assert_int_equal(strlen(mistakes.at[0].what), strlen("unknown directive '...'") + 79);
    free(complaints);
}

static void
suggestions_are_the_likely_ones(void **state)
{
    static const char *const names[] = {"smtp", "submission", "submissions", "pop3", "pop3s"};
    static const struct {
        const char *why, *word, *suggestion;
    } rows[] = {
        {"swapped", "smpt", "smtp"},
        {"left out", "submision", "submission"},
        {"added", "pop33", "pop3"},
        {"changed", "snntp", ""},
        {"capitals", "POP3S", "pop3s"},
        {"a beginning", "subm", "submission"},
        {"nearest", "submissionss", "submissions"},
        {"far away", "imap", ""},
        {"empty", "", ""},
        {"too long to be a name", "submissionsubmissionsubmissionsub", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice found = conf_suggest(slice_of(rows[i].word), names, COUNT(names));

        if (!slice_eq(found, slice_of(rows[i].suggestion)))
            print_error("%s\n", rows[i].why);
        assert_true(slice_eq(found, slice_of(rows[i].suggestion)));
    }
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
        cmocka_unit_test(the_run_folder_follows_the_state_folder),
        cmocka_unit_test(addresses_are_ready_to_bind),
        cmocka_unit_test(the_star_certificate_comes_first),
        cmocka_unit_test(limits_take_the_suffixes_of_their_unit),
        cmocka_unit_test(mistakes_of_words_are_told),
        cmocka_unit_test(mistakes_of_values_are_told),
        cmocka_unit_test(warnings_do_not_stop_the_service),
        cmocka_unit_test(all_mistakes_are_told_in_order),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(mistakes_beyond_the_bound_are_counted),
        cmocka_unit_test(rows_of_one_directive_are_bounded),
        cmocka_unit_test(long_words_are_cut_between_characters),
        cmocka_unit_test(suggestions_are_the_likely_ones),
        cmocka_unit_test(the_system_name_stands_in),
        cmocka_unit_test(hosts_make_a_name_full),
        cmocka_unit_test(a_file_is_loaded_from_its_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
