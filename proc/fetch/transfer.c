/* What libcurl is told, and what it tells. It gets the host's addresses with the question and the
 * authorities as bytes, so that it neither asks the DNS nor opens a file: the jail would end us. */
#include "transfer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"

/* An address as an item of a list for libcurl. */
static bool
put_address(struct buf *out, struct slice bytes)
{
    char text[INET6_ADDRSTRLEN];
    bool four = bytes.len == 4;

    if ((!four && bytes.len != 16) ||
        !inet_ntop(four ? AF_INET : AF_INET6, bytes.at, text, sizeof(text)))
        return false;
    return buf_put_format(out, four ? "%s%s" : "%s[%s]", out->len ? "," : "", text);
}

static bool
put_addresses(struct buf *out, struct slice items)
{
    struct fetch_address address;
    size_t count = 0;

    while (count < TRANSFER_ADDRESSES_MAX && msg_items_take(&items, MSG_fetch_address, &address))
        count += put_address(out, address.bytes);
    buf_put_byte(out, '\0');
    return count > 0;
}

/* "+HOST:PORT:ADDRESS,ADDRESS": a connection to that host goes there. */
static struct curl_slist *
resolve(CURLU *url, struct slice items)
{
    struct buf addresses, line;
    struct curl_slist *list = NULL;
    char *host = NULL, *port = NULL;

    buf_init(&addresses, TRANSFER_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 3) + 1);
    buf_init(&line, TRANSFER_URL_MAX + addresses.cap + 16);
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] != '[' &&
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        put_addresses(&addresses, items) &&
        buf_put_format(&line, "+%s:%s:%s", host, port, (const char *)buf_slice(&addresses).at) &&
        buf_put_byte(&line, '\0'))
        list = curl_slist_append(NULL, (const char *)buf_slice(&line).at);
    curl_free(host);
    curl_free(port);
    buf_clear(&addresses);
    buf_clear(&line);
    return list;
}

static bool
is_https(CURLU *url)
{
    char *scheme = NULL, *user = NULL;
    bool good = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                strcmp(scheme, "https") == 0 &&
                curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_NO_USER;

    curl_free(scheme);
    curl_free(user);
    return good;
}

static size_t
on_head(char *at, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;

    (void)at;
    t->head += size * n;
    t->large = t->head > TRANSFER_HEAD_MAX;
    return t->large ? 0 : size * n;
}

static size_t
on_body(char *at, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;

    t->large = !buf_put(&t->body, slice_make(at, size * n));
    return t->large ? 0 : size * n;
}

static void
set_target(struct transfer *t, const char *url)
{
    curl_easy_setopt(t->easy, CURLOPT_URL, url);
    curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolved);
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L); /* rfc8461#3.3-c */
    curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "valija/" VALIJA_VERSION);
}

/* rfc8461#3.3-a rfc8461#7.1-a: libcurl asks for the URL's host by name and compares it. */
static void
set_trust(struct transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(t->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(t->easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
}

/* rfc8461#3.3-i: its bytes; the time is set when it begins. */
static void
set_answer(struct transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->why);
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->body.cap);
}

static const char *
set_up(struct transfer *t, const struct fetch_get *m, CURLU *url)
{
    char text[TRANSFER_URL_MAX + 1];

    if (!slice_to_string(m->url, text, sizeof(text)) ||
        curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK || !is_https(url))
        return "it is no URL of HTTPS";
    t->resolved = resolve(url, m->addresses);
    if (!t->resolved)
        return "no address is known of its host";
    set_target(t, text);
    set_trust(t);
    set_answer(t);
    return NULL;
}

static uint64_t
lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct transfer *
transfer_new(const struct fetch_get *m, const struct chan_call *call, uint64_t now_ms,
             const char **why)
{
    struct transfer *t = heap_take(sizeof(*t));
    CURLU *url = curl_url();

    t->call = *call;
    t->until_ms = now_ms + lesser(m->seconds, TRANSFER_SECONDS_MAX) * 1000;
    t->easy = curl_easy_init();
    ensure(t->easy && url);
    buf_init(&t->body, lesser(m->bytes, FETCH_BYTES_MAX));
    *why = set_up(t, m, url);
    curl_url_cleanup(url);
    if (!*why)
        return t;
    transfer_free(t);
    return NULL;
}

void
transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->resolved);
    buf_clear(&t->body);
    free(t);
}

bool
transfer_begin(struct transfer *t, struct slice authorities, uint64_t now_ms)
{
    struct curl_blob pem = {(void *)(uintptr_t)authorities.at, authorities.len, CURL_BLOB_COPY};

    if (now_ms >= t->until_ms)
        return false;
    if (pem.len)
        curl_easy_setopt(t->easy, CURLOPT_CAINFO_BLOB, &pem);
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)(t->until_ms - now_ms));
    return true;
}

static enum fetch_result
result_of(const struct transfer *t, CURLcode code)
{
    static const struct {
        CURLcode code;
        enum fetch_result result;
    } rows[] = {
        {CURLE_OK, FETCH_CAME},
        {CURLE_PEER_FAILED_VERIFICATION, FETCH_UNPROVEN},
        {CURLE_FILESIZE_EXCEEDED, FETCH_LARGE},
        {CURLE_OPERATION_TIMEDOUT, FETCH_LATE},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].code == code)
            return rows[i].result;
    return t->large ? FETCH_LARGE : FETCH_FAILED;
}

enum fetch_result
transfer_answer(struct transfer *t, CURLcode code)
{
    struct fetch_got m = {.result = result_of(t, code)};
    const char *type = NULL;
    long status = 0;

    if (m.result == FETCH_CAME) {
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
        m.status = (uint32_t)status;
        m.type = slice_head(slice_of(type), TRANSFER_TYPE_MAX);
        m.body = buf_slice(&t->body);
    } else {
        m.why = slice_of(t->why[0] ? t->why : curl_easy_strerror(code));
    }
    chan_answer(&t->call, MSG_fetch_got, &m, -1);
    return (enum fetch_result)m.result;
}
