/* The values of directives: host names, addresses with ports, paths, numbers with units. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/ensure.h"
#include "conf/conf_private.h"

enum { HOST_NAME_MAX_LEN = 253, LABEL_MAX_LEN = 63 };

bool
conf_name_good(struct slice name, bool *full)
{
    struct slice label;
    bool more, digits = true;

    *full = slice_find(name, '.') >= 0;
    if (name.len > HOST_NAME_MAX_LEN)
        return false;
    do {
        more = slice_cut(&name, '.', &label);
        if (label.len == 0 || label.len > LABEL_MAX_LEN || label.at[0] == '-' ||
            label.at[label.len - 1] == '-')
            return false;
        digits = true;
        for (size_t i = 0; i < label.len; i++) {
            if (!ascii_is_alnum(label.at[i]) && label.at[i] != '-')
                return false;
            digits = digits && ascii_is_digit(label.at[i]);
        }
    } while (more);
    return !digits; /* else it is an IPv4 address, or a number */
}

const char *
conf_path_keep(struct conf_parser *p, const struct conf_word *word)
{
    char path[CONF_PATH_MAX + 1], digits[CONF_DIGITS];
    bool relative = word->text.len && word->text.at[0] != '/';
    int n = snprintf(path, sizeof(path), "%s%s%.*s", relative ? p->input->folder : "",
                     relative ? "/" : "", (int)word->text.len, (const char *)word->text.at);

    if (n > 0 && n < (int)sizeof(path))
        return conf_keep(p, slice_of(path));
    if (n == 0)
        conf_complain(p, word, MISTAKE_EMPTY_PATH, SLICE(""), SLICE(""));
    else
        conf_complain(p, word, MISTAKE_LONG_PATH, word->text, conf_number(digits, CONF_PATH_MAX));
    return NULL;
}

bool
conf_host_port_cut(struct conf_parser *p, const struct conf_word *word, struct slice *host,
                   uint16_t *port)
{
    ptrdiff_t colon = slice_find_last(word->text, ':');
    ptrdiff_t bracket = slice_find_last(word->text, ']');
    struct slice digits;
    uint64_t number;

    if (colon < 0 || colon < bracket) {
        conf_complain(p, word, MISTAKE_NO_PORT, word->text, slice_of(p->key->usage));
        return false;
    }
    *host = slice_head(word->text, (size_t)colon);
    digits = slice_tail(word->text, (size_t)colon + 1);
    if (slice_find(*host, ':') >= 0) {
        if (bracket != colon - 1 || host->at[0] != '[') {
            conf_complain(p, word, MISTAKE_BARE_IPV6, word->text, SLICE(""));
            return false;
        }
        *host = slice_make(host->at + 1, host->len - 2);
    }
    if (!slice_to_u64(digits, &number) || number < 1 || number > UINT16_MAX) {
        conf_complain(p, word, MISTAKE_BAD_PORT, digits, SLICE(""));
        return false;
    }
    *port = (uint16_t)number;
    return true;
}

static bool
set_ip(struct conf_address *a, struct slice host, uint16_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a->at;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->at;
    char text[INET6_ADDRSTRLEN];

    if (!slice_to_string(host, text, sizeof(text)))
        return false;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        a->len = sizeof(*v4);
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        a->len = sizeof(*v6);
    }
    return a->len != 0;
}

bool
conf_host_good(struct slice host)
{
    struct conf_address address = {0};
    bool full;

    return conf_name_good(host, &full) || set_ip(&address, host, 0);
}

bool
conf_address_read(struct conf_parser *p, const struct conf_word *word, struct conf_address *address,
                  bool *every)
{
    struct slice host;
    uint16_t port;

    *address = (struct conf_address){0};
    if (!conf_host_port_cut(p, word, &host, &port))
        return false;
    if (every && (*every = slice_eq(host, SLICE("*"))))
        host = SLICE("::");
    if (!set_ip(address, host, port)) {
        conf_complain(p, word, MISTAKE_BAD_ADDRESS, host,
                      every ? SLICE("192.0.2.1, [2001:db8::1] or *")
                            : SLICE("192.0.2.1 or [2001:db8::1]"));
        return false;
    }
    address->text = conf_keep(p, word->text);
    return true;
}

bool
conf_path_address_set(struct conf_address *address, const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&address->at;

    *address = (struct conf_address){.len = sizeof(*un), .text = path};
    un->sun_family = AF_UNIX;
    return slice_to_string(slice_of(path), un->sun_path, sizeof(un->sun_path));
}

static const char *const wanted[] = {
    [UNIT_NUMBER] = "a whole number such as 20",
    [UNIT_BYTES] = "a number of bytes such as 10485760 or 10M",
    [UNIT_MILLISECONDS] = "a time such as 500, in milliseconds, or 2s",
    [UNIT_SECONDS] = "a time such as 300, in seconds, or 5m",
};

/* The largest first, so that a range is told in few digits. */
static const struct suffix {
    enum limit_unit unit;
    const char *text;
    uint64_t factor;
} suffixes[] = {
    {UNIT_NUMBER, "", 1},
    {UNIT_BYTES, "T", UINT64_C(1) << 40},
    {UNIT_BYTES, "G", UINT64_C(1) << 30},
    {UNIT_BYTES, "M", UINT64_C(1) << 20},
    {UNIT_BYTES, "K", UINT64_C(1) << 10},
    {UNIT_BYTES, "", 1},
    {UNIT_MILLISECONDS, "s", 1000},
    {UNIT_MILLISECONDS, "ms", 1},
    {UNIT_MILLISECONDS, "", 1},
    {UNIT_SECONDS, "d", 86400},
    {UNIT_SECONDS, "h", 3600},
    {UNIT_SECONDS, "m", 60},
    {UNIT_SECONDS, "s", 1},
    {UNIT_SECONDS, "", 1},
};

/* What a suffix multiplies with, or 0 where the unit has no such suffix. */
static uint64_t
factor_of(enum limit_unit unit, struct slice suffix)
{
    for (size_t i = 0; i < COUNT(suffixes); i++)
        if (suffixes[i].unit == unit && slice_eq_nocase(suffix, slice_of(suffixes[i].text)))
            return suffixes[i].factor;
    return 0;
}

void
conf_value_put(struct buf *out, enum limit_unit unit, uint64_t value)
{
    size_t i = 0;

    while (suffixes[i].unit != unit || value % suffixes[i].factor != 0)
        i++;
    buf_put_u64(out, value / suffixes[i].factor);
    buf_put_string(out, value ? suffixes[i].text : "");
}

static void
complain_range(struct conf_parser *p, const struct conf_word *word, const struct limit_row *row)
{
    struct buf range;

    buf_init(&range, CONF_MISTAKE_WORD_MAX);
    conf_value_put(&range, row->unit, row->least);
    buf_put_string(&range, " to ");
    conf_value_put(&range, row->unit, row->most);
    buf_put_string(&range, row->unit == UNIT_BYTES ? " bytes" : "");
    conf_complain(p, word, MISTAKE_OUT_OF_RANGE, word->text, buf_slice(&range));
    buf_clear(&range);
}

/* False: not digits and a suffix. */
static bool
cut_suffix(enum limit_unit unit, struct slice text, struct slice *digits, uint64_t *factor)
{
    size_t n = 0;

    while (n < text.len && ascii_is_digit(text.at[n]))
        n++;
    *digits = slice_head(text, n);
    *factor = factor_of(unit, slice_tail(text, n));
    return n != 0 && *factor != 0;
}

bool
conf_value_read(enum limit_unit unit, struct slice text, uint64_t *value)
{
    struct slice digits;
    uint64_t factor;

    return cut_suffix(unit, text, &digits, &factor) && slice_to_u64(digits, value) &&
           !__builtin_mul_overflow(*value, factor, value);
}

uint64_t
conf_limit_read(struct conf_parser *p, const struct conf_word *word, enum limit limit)
{
    const struct limit_row *row = &limit_rows[limit];
    struct slice digits;
    uint64_t factor, value;

    if (!cut_suffix(row->unit, word->text, &digits, &factor)) {
        conf_complain(p, word, MISTAKE_BAD_NUMBER, word->text, slice_of(wanted[row->unit]));
        return row->fallback;
    }
    if (conf_value_read(row->unit, word->text, &value) && value >= row->least && value <= row->most)
        return value;
    complain_range(p, word, row);
    return row->fallback;
}
