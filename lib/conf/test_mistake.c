/* What is said of each mistake, and where. */
#include <stdio.h>

#include "base/suggest.h"
#include "conf/test_conf.h"

#define NAME_RULE "letters, digits, hyphens and dots, any other letters in their xn-- form"

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

static const struct row word_rows[] = {
    {"unknown", "frobnicate x", "1:1: unknown directive 'frobnicate'", 0},
    {"misspelt", "\n  hostnam x", "2:3: unknown directive 'hostnam', did you mean 'hostname'?", 0},
    {"capitals", "Listen smtp *:25", "1:1: unknown directive 'Listen', did you mean 'listen'?", 0},
    {"missing all", "hostname", "1:9: NAME is missing: hostname NAME", 0},
    {"missing before a comment", "hostname # x", "1:9: NAME is missing: hostname NAME", 0},
    {"missing last", "tls * certificate a key",
     "1:24: FILE is missing: tls NAME certificate FILE key FILE", 0},
    {"missing keyword", "tls *", "1:6: certificate is missing: tls NAME certificate FILE key FILE",
     0},
    {"wrong keyword", "tls * cert a key b", "1:7: 'cert' stands where 'certificate' is wanted", 0},
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
    {"C1 control", "# \xc2\x9b", "1:3: a control character, where the file should be text in UTF-8",
     0},
    {"bare CR", "state /a\rrun /b",
     "1:9: a control character, where the file should be text in UTF-8", 0},
    {"Latin-1", "# \xc3\xb1 \xf1", "1:5: a byte that is not part of a UTF-8 character", 0},
    {"overlong", "# \xc0\xaf", "1:3: a byte that is not part of a UTF-8 character", 0},
    {"overlong of three", "# \xe0\x80\xaf", "1:3: a byte that is not part of a UTF-8 character", 0},
    {"surrogate", "# \xed\xa0\x80", "1:3: a byte that is not part of a UTF-8 character", 0},
    {"beyond Unicode", "# \xf4\x90\x80\x80", "1:3: a byte that is not part of a UTF-8 character",
     0},
    {"cut off", "# \xe2\x82", "1:3: a byte that is not part of a UTF-8 character", 0},
    {"continuation", "# \x80", "1:3: a byte that is not part of a UTF-8 character", 0},
    {"columns are characters", "state \xc3\xb1 \xe2\x82\xac \xf0\x9f\x93\xa7",
     "1:9: '\xe2\x82\xac' is one word too many: state DIRECTORY", 0},
    {"order mark is no column", "\xef\xbb\xbfstat x",
     "1:1: unknown directive 'stat', did you mean 'state'?", 0},
};

static void
mistakes_of_words_are_told(void **state)
{
    (void)state;
    expect(word_rows, COUNT(word_rows), false);
}

static const struct row value_rows[] = {
    {"a name", "hostname mx_1.example", "1:10: 'mx_1.example' is not a host name: " NAME_RULE, 0},
    {"an address as a name", "hostname 192.0.2.1",
     "1:10: '192.0.2.1' is not a host name: " NAME_RULE, 0},
    {"an empty label", "tls a..b certificate a key b", "1:5: 'a..b' is not a host name: " NAME_RULE,
     0},
    {"protocol", "listen smpt *:25", "1:8: unknown protocol 'smpt', did you mean 'smtp'?", 0},
    {"not yet", "listen imap *:143", "1:8: imap is not yet served by this version of valija", 0},
    {"no port", "listen smtp 127.0.0.1",
     "1:13: '127.0.0.1' has no port: listen PROTOCOL ADDRESS:PORT", 0},
    {"no port in brackets", "listen smtp [::1]",
     "1:13: '[::1]' has no port: listen PROTOCOL ADDRESS:PORT", 0},
    {"port 0", "listen smtp *:0", "1:13: '0' is not a port, which is 1 to 65535", 0},
    {"port 65536", "listen smtp *:65536", "1:13: '65536' is not a port, which is 1 to 65535", 0},
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
     "1:10: '*' is not an address such as 192.0.2.1 or [2001:db8::1]", 0},
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
     "1:9: 'a_b' "
     "is not a host name: " NAME_RULE,
     0},
    {"limit", "limit mesage-size 1M",
     "1:7: unknown limit 'mesage-size', did you mean 'message_size'?", 0},
    {"limit twice", "limit sessions 20\nlimit sessions 20",
     "2:7: 'sessions' is already given in line 1", 0},
    {"below", "limit message_size 1K", "1:20: '1K' is out of range, which is 64K to 1G bytes", 0},
    {"above", "limit message_size 2G", "1:20: '2G' is out of range, which is 64K to 1G bytes", 0},
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

static void
mistakes_of_values_are_told(void **state)
{
    (void)state;
    expect(value_rows, COUNT(value_rows), false);
}

static void
warnings_do_not_stop_the_service(void **state)
{
    static const struct row rows[] = {
        {"short name", "hostname mx",
         "1:10: warning: 'mx' is not a full name such as mx.example.org; other servers may refuse "
         "mail from it",
         0},
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
        struct slice found = suggest_name(slice_of(rows[i].word), names, COUNT(names));

        if (!slice_eq(found, slice_of(rows[i].suggestion)))
            print_error("%s\n", rows[i].why);
        assert_true(slice_eq(found, slice_of(rows[i].suggestion)));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_of_words_are_told),
        cmocka_unit_test(mistakes_of_values_are_told),
        cmocka_unit_test(warnings_do_not_stop_the_service),
        cmocka_unit_test(all_mistakes_are_told_in_order),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(mistakes_beyond_the_bound_are_counted),
        cmocka_unit_test(long_words_are_cut_between_characters),
        cmocka_unit_test(suggestions_are_the_likely_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
