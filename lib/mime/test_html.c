/* HTML bodies as bounces have them, and as nobody should write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "mime/html.h"

static const struct {
    const char *why, *html, *expected;
} rows[] = {
    {"text", "a b", "a b"},
    {"blanks", " \n a\r\n\t b ", "a b"},
    {"inline tags", "a<b>b</b> <i>c</i>", "ab c"},
    {"blocks", "<div><p>a</p><p>b</div>c", "a\nb\nc"},
    {"breaks", "a<br>b<BR/><br />c<br><br><br>d", "a\nb\n\nc\n\nd"},
    {"cells and rows", "<table><tr><td>a</td><td>b</td></tr><tr><th>c</table>", "a b\nc"},
    {"kept blanks", "a<pre>\n  b\n   c  d\r\n</pre> e", "a\n\n  b\n   c  d\ne"},
    {"a whole page",
     "<!DOCTYPE html>\n<html><head><meta charset=utf-8><title>t</title>\n<style>p{}</style>"
     "<script>if (a<b) '</p>'</script></head>\n<body><h1>a</h1>\nb</body></html>\n",
     "a\nb"},
    {"comments", "a<!-- <p>x --> -->b<!--[if mso]>x<![endif]-->c<![if !mso]>d<![endif]>",
     "a -->bcd"},
    {"attributes", "<p title=\"a > b\" x='\"' y = \"'>\" z=it's>c", "c"},
    {"references", "&lt;a&gt; &amp;amp; &quot;&#39;&eacute;&Eacute;&#233;&#xE9;&#x1F600;",
     "<a> &amp; \"'\xc3\xa9\xc3\x89\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80"},
    {"spaces by reference", "a&nbsp;&nbsp;b&#160;c\xc2\xa0 d", "a b c d"},
    {"references without an end", "a&nbsp b &copy c", "a b \xc2\xa9 c"},
    {"numbers of Windows", "&#146;&#x80;", "\xe2\x80\x99\xe2\x82\xac"},
    {"an address in brackets", "<<b>ana@here.example</b>> <luis@there.example>: unknown",
     "<ana@here.example> <luis@there.example>: unknown"},

    {"no such references", "AT&T &; &#; &#x; &#12a; &nosuchthing; &averyveryverylongname; &",
     "AT&T &; &#; &#x; &#12a; &nosuchthing; &averyveryverylongname; &"},
    {"numbers that are no character", "&#0;&#xd800;&#x110000;&#4294967361;&#x100000041;",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"no tags", "1 < 2 > 0 <3 <> < p>", "1 < 2 > 0 <3 <> < p>"},
    {"an open tag", "a<p title=", "a"},
    {"an open quote", "a<p title=\">b", "a"},
    {"an open comment", "a<!--b", "a"},
    {"an open script", "a<script>b</p>", "a"},
    {"an end without a start", "a</script></pre></p>b", "a\nb"},
    {"malformed UTF-8", "a\xff<p>\xc3", "a\xef\xbf\xbd\n\xef\xbf\xbd"},
    {"nothing", "", ""},
};

static void
html_becomes_what_one_sees(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 200);
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_reset(&out);
        assert_true(mime_html_put(&out, slice_of(rows[i].html)));
        if (!slice_eq(buf_slice(&out), slice_of(rows[i].expected)))
            fail_msg("%s: <%.*s>", rows[i].why, (int)out.len, (const char *)out.at);
    }
    buf_clear(&out);
}

static void
html_stops_at_the_cap_between_characters(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 5);
    assert_false(mime_html_put(&out, SLICE("<p>ab &eacute;&eacute;")));
    assert_true(slice_eq(buf_slice(&out), SLICE("ab \xc3\xa9")));
    buf_clear(&out);
}

static void
html_is_appended(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 10);
    buf_put_string(&out, "x: ");
    assert_true(mime_html_put(&out, SLICE("<p> a")));
    assert_true(slice_eq(buf_slice(&out), SLICE("x: a")));
    buf_clear(&out);
}

/* The processor's time for that many bytes of the same few over and over. */
static clock_t
measure(const char *filler, size_t size)
{
    struct buf html, out;
    clock_t begin;

    buf_init(&html, 2 * size);
    buf_init(&out, 4 * size);
    while (html.len < size)
        buf_put_string(&html, filler);
    begin = clock();
    assert_true(mime_html_put(&out, buf_slice(&html)));
    begin = clock() - begin;
    buf_clear(&html);
    buf_clear(&out);
    return begin;
}

static void
time_is_linear_in_the_html(void **state)
{
    static const char *const fillers[] = {"<",     "<a",       "<!--",     "&",  "&amp", "<a@",
                                          "<a b=", "<script>", "<a b=\"'", "</", "&#1",  "<p>"};

    (void)state;
    for (size_t i = 0; i < COUNT(fillers); i++)
        if (measure(fillers[i], 800000) > 10 * measure(fillers[i], 100000) + CLOCKS_PER_SEC)
            fail_msg("%s", fillers[i]); /* quadratic would be 64 times */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_becomes_what_one_sees),
        cmocka_unit_test(html_stops_at_the_cap_between_characters),
        cmocka_unit_test(html_is_appended),
        cmocka_unit_test(time_is_linear_in_the_html),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
