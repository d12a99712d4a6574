/* What each directive does with its values. A directive that is wrong leaves a complaint and no
 * trace in the result, so that the lines after it are still checked. */
#include <netinet/in.h>

#include "conf/conf_private.h"

const struct conf_protocol_row conf_protocols[CONF_PROTOCOL_COUNT] = {
#define PROTOCOL(name, port, kind, served, help) {#name, port, CONF_##kind, served},
#include "conf/protocol.def"
#undef PROTOCOL
};

static const char *const protocol_names[] = {
#define PROTOCOL(name, port, kind, served, help) #name,
#include "conf/protocol.def"
#undef PROTOCOL
};

static const char *const limit_names[] = {
#define LIMIT(name, unit, fallback, least, most, help) #name,
#include "base/limit.def"
#undef LIMIT
};

/* The index of a name, or -1 after a complaint. */
static int
find(struct conf_parser *p, const struct conf_word *word, const char *const *names, size_t count,
     enum conf_mistake_id unknown)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(word->text, slice_of(names[i])))
            return (int)i;
    conf_complain_unknown(p, word, unknown, names, count);
    return -1;
}

/* The rows with room for one more: they move to twice their room whenever it is used up. NULL after
 * a complaint. */
static void *
grow(struct conf_parser *p, const struct conf_word *word, void *rows, size_t count, size_t size)
{
    char digits[CONF_DIGITS];
    void *larger;

    if (count == CONF_ROWS_MAX) {
        conf_complain(p, word, MISTAKE_MANY_ROWS, conf_number(digits, CONF_ROWS_MAX),
                      slice_of(p->key->word));
        return NULL;
    }
    if (count & (count - 1))
        return rows;
    larger = conf_take(p, size * (count ? count * 2 : 1));
    if (count)
        memcpy(larger, rows, size * count);
    return larger;
}

static void
complain_repeated(struct conf_parser *p, const struct conf_word *word, unsigned line)
{
    char digits[CONF_DIGITS];

    conf_complain(p, word, MISTAKE_REPEATED, word->text, conf_number(digits, line));
}

void
conf_read_hostname(struct conf_parser *p, const struct conf_word *v)
{
    bool full;

    if (!conf_name_good(v->text, &full))
        conf_complain(p, v, MISTAKE_BAD_NAME, v->text, SLICE(""));
    else if (!full)
        conf_complain(p, v, MISTAKE_SHORT_NAME, v->text, SLICE(""));
    p->conf->hostname = conf_keep(p, v->text);
}

void
conf_read_state(struct conf_parser *p, const struct conf_word *v)
{
    p->conf->state = conf_path_keep(p, v);
}

void
conf_read_run(struct conf_parser *p, const struct conf_word *v)
{
    p->conf->run = conf_path_keep(p, v);
}

void
conf_read_trust_anchor(struct conf_parser *p, const struct conf_word *v)
{
    p->conf->trust_anchor_named = true;
    if (!slice_eq(v->text, SLICE("none")))
        p->conf->trust_anchor = conf_path_keep(p, v);
}

void
conf_read_authorities(struct conf_parser *p, const struct conf_word *v)
{
    p->conf->authorities_named = true;
    p->conf->authorities = conf_path_keep(p, v);
}

static bool
is_unspecified(const struct conf_listen *l)
{
    if (l->address.at.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&l->address.at)->sin_addr.s_addr == INADDR_ANY;
    return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&l->address.at)->sin6_addr);
}

/* Would the kernel refuse to bind both? Equal ports are at the same place in both families. */
static bool
overlap(const struct conf_listen *a, const struct conf_listen *b)
{
    const struct sockaddr_in *x = (const struct sockaddr_in *)&a->address.at;
    const struct sockaddr_in *y = (const struct sockaddr_in *)&b->address.at;

    if (x->sin_family == AF_UNIX || y->sin_family == AF_UNIX)
        return a->protocol == b->protocol; /* there is one system socket */
    if (x->sin_port != y->sin_port)
        return false;
    if (a->every || b->every)
        return true;
    if (x->sin_family != y->sin_family)
        return false;
    return is_unspecified(a) || is_unspecified(b) || memcmp(x, y, a->address.len) == 0;
}

static bool
read_socket(struct conf_parser *p, const struct conf_word *word, struct conf_address *address)
{
    struct conf_word file = *word;
    const char *path;
    char digits[CONF_DIGITS];

    if (!slice_take_prefix(&file.text, SLICE("unix:"))) {
        conf_complain(p, word, MISTAKE_NOT_A_SOCKET, word->text, SLICE(""));
        return false;
    }
    path = conf_path_keep(p, &file);
    if (path && !conf_path_address_set(address, path)) {
        conf_complain(p, word, MISTAKE_LONG_PATH, slice_of(path),
                      conf_number(digits, CONF_SOCKET_PATH_MAX));
        return false;
    }
    return path != NULL;
}

void
conf_read_listen(struct conf_parser *p, const struct conf_word *v)
{
    struct conf *c = p->conf;
    struct conf_listen *rows, new = {.line = p->line};
    char digits[CONF_DIGITS];
    bool local;
    int protocol = find(p, &v[0], protocol_names, COUNT(protocol_names), MISTAKE_UNKNOWN_PROTOCOL);

    if (protocol < 0)
        return;
    new.protocol = (enum conf_protocol)protocol;
    if (!conf_protocols[protocol].served)
        conf_complain(p, &v[0], MISTAKE_NOT_SERVED, v[0].text, SLICE(""));
    local = conf_protocols[protocol].kind == CONF_LOCAL;
    if (local && !read_socket(p, &v[1], &new.address))
        return;
    if (!local && !conf_address_read(p, &v[1], &new.address, &new.every))
        return;
    for (size_t i = 0; i < c->listen_count; i++)
        if (overlap(&c->listens[i], &new)) {
            conf_complain(p, &v[1], MISTAKE_OVERLAP, v[1].text,
                          conf_number(digits, c->listens[i].line));
            return;
        }
    rows = grow(p, &v[0], c->listens, c->listen_count, sizeof(*rows));
    if (!rows)
        return;
    c->listens = rows;
    rows[c->listen_count++] = new;
}

/* A host name or `*`, which no row before has. */
static bool
check_name(struct conf_parser *p, const struct conf_word *word)
{
    bool full;

    if (slice_eq(word->text, SLICE("*")) || conf_name_good(word->text, &full))
        return true;
    conf_complain(p, word, MISTAKE_BAD_NAME, word->text, SLICE(""));
    return false;
}

void
conf_read_tls(struct conf_parser *p, const struct conf_word *v)
{
    struct conf *c = p->conf;
    struct conf_tls *rows, new = {.line = p->line};

    for (size_t i = 0; i < c->tls_count; i++)
        if (slice_eq_nocase(v[0].text, slice_of(c->tls[i].name))) {
            complain_repeated(p, &v[0], c->tls[i].line);
            return;
        }
    new.certificate = conf_path_keep(p, &v[1]);
    new.key = conf_path_keep(p, &v[2]);
    rows = grow(p, &v[0], c->tls, c->tls_count, sizeof(*rows));
    if (!check_name(p, &v[0]) || !rows)
        return;
    new.name = conf_keep(p, v[0].text);
    c->tls = rows;
    rows[c->tls_count++] = new;
}

void
conf_read_resolver(struct conf_parser *p, const struct conf_word *v)
{
    struct conf *c = p->conf;
    struct conf_resolver *rows, new = {.line = p->line};

    if (!conf_address_read(p, v, &new.address, NULL))
        return;
    rows = grow(p, v, c->resolvers, c->resolver_count, sizeof(*rows));
    if (!rows)
        return;
    c->resolvers = rows;
    rows[c->resolver_count++] = new;
}

const char *const conf_route_tls_words[CONF_ROUTE_TLS_COUNT] = {
#define ROUTE_TLS(name, word) word,
#include "conf/route_tls.def"
#undef ROUTE_TLS
};

/* A password is never sent where everybody can read it, so a login makes TLS a must. */
static bool
read_route_tls(struct conf_parser *p, const struct conf_word *policy, struct conf_route *route)
{
    int tls = route->user ? CONF_ROUTE_MUST : CONF_ROUTE_MAY;

    if (policy->text.at)
        tls = find(p, policy, conf_route_tls_words, CONF_ROUTE_TLS_COUNT, MISTAKE_UNKNOWN_POLICY);
    route->tls = (enum conf_route_tls)tls;
    return tls >= 0;
}

void
conf_read_route(struct conf_parser *p, const struct conf_word *v)
{
    struct conf *c = p->conf;
    struct conf_route *rows, new = {.line = p->line};
    struct slice host;

    for (size_t i = 0; i < c->route_count; i++)
        if (slice_eq_nocase(v[0].text, slice_of(c->routes[i].domain))) {
            complain_repeated(p, &v[0], c->routes[i].line);
            return;
        }
    if (!check_name(p, &v[0]) || !conf_host_port_cut(p, &v[1], &host, &new.port))
        return;
    if (!conf_host_good(host)) {
        conf_complain(p, &v[1], MISTAKE_BAD_NAME, host, SLICE(""));
        return;
    }
    if (v[2].text.at) {
        new.user = conf_keep(p, v[2].text);
        new.password = conf_path_keep(p, &v[3]);
    }
    rows = grow(p, &v[0], c->routes, c->route_count, sizeof(*rows));
    if (!rows || !read_route_tls(p, &v[4], &new))
        return;
    new.domain = conf_keep(p, v[0].text);
    new.host = conf_keep(p, host);
    c->routes = rows;
    rows[c->route_count++] = new;
}

void
conf_read_limit(struct conf_parser *p, const struct conf_word *v)
{
    int limit = find(p, &v[0], limit_names, COUNT(limit_names), MISTAKE_UNKNOWN_LIMIT);

    if (limit < 0)
        return;
    if (p->limit_lines[limit]) {
        complain_repeated(p, &v[0], p->limit_lines[limit]);
        return;
    }
    p->limit_lines[limit] = p->line;
    p->conf->limits.value[limit] = conf_limit_read(p, &v[1], (enum limit)limit);
}
