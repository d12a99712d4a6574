/* Invariant: fixed and routes have room for a power of two of rows, and the same index. */
#include "settings.h"

#include <stdlib.h>

#include "base/ensure.h"

enum { SMTPS_PORT = 465 }; /* where TLS comes first (RFC 8314 3.3) */

struct settings *
settings_new(void)
{
    struct settings *s = heap_take(sizeof(*s));

    s->users = 1;
    s->arena = arena_new("settings", SETTINGS_MEMORY_MAX);
    secret_init(&s->seen, SETTINGS_MEMORY_MAX);
    return s;
}

struct settings *
settings_get(struct settings *s)
{
    s->users++;
    return s;
}

void
settings_put(struct settings *s)
{
    if (!s || --s->users)
        return;
    for (size_t i = 0; i < s->route_count; i++)
        secret_clear(&s->routes[i].password);
    secret_clear(&s->seen);
    arena_free(s->arena);
    free(s->fixed);
    free(s->routes);
    free(s->addresses);
    free(s);
}

static void
note(struct settings *s, const char *what, struct slice value)
{
    secret_put(&s->seen, slice_of(what));
    secret_put(&s->seen, value);
    secret_put(&s->seen, slice_make("", 1));
}

static struct slice
keep(struct settings *s, struct slice value)
{
    struct slice kept = arena_copy(s->arena, value);

    ensure(kept.at || value.len == 0);
    return kept;
}

/* Room for one row more. */
static void *
grow(void *rows, size_t count, size_t size)
{
    return count & (count - 1) ? rows : heap_grow(rows, (count ? count * 2 : 1) * size);
}

static enum smtp_tls
read_policy(struct slice word, uint64_t port)
{
    if (slice_eq(word, SLICE("never")))
        return SMTP_TLS_NEVER;
    if (port == SMTPS_PORT)
        return SMTP_TLS_AT_ONCE;
    return slice_eq(word, SLICE("may")) ? SMTP_TLS_MAY : SMTP_TLS_MUST;
}

/* DOMAIN HOST PORT POLICY [USER] */
void
settings_put_route(struct settings *s, struct slice value)
{
    struct slice domain, host, digits, policy;
    uint64_t port;
    size_t n = s->route_count;

    note(s, "route ", value);
    slice_cut(&value, ' ', &domain);
    slice_cut(&value, ' ', &host);
    slice_cut(&value, ' ', &digits);
    slice_cut(&value, ' ', &policy);
    ensure(slice_to_u64(digits, &port) && port <= UINT16_MAX);
    s->fixed = grow(s->fixed, n, sizeof(*s->fixed));
    s->routes = grow(s->routes, n, sizeof(*s->routes));
    s->fixed[n] = (struct route_fixed){keep(s, domain), keep(s, host), (uint16_t)port};
    s->routes[n] = (struct settings_route){.tls = read_policy(policy, port),
                                           .verify = slice_eq(policy, SLICE("verify")),
                                           .login = keep(s, value)};
    secret_init(&s->routes[n].password, SETTINGS_PASSWORD_MAX);
    s->route_count++;
}

void
settings_put_address(struct settings *s, struct slice value)
{
    uint8_t bytes[16];
    size_t len = route_literal_read(value, bytes);

    ensure(len);
    note(s, "address ", value);
    s->addresses = grow(s->addresses, s->address_count, sizeof(*s->addresses));
    s->addresses[s->address_count++] = keep(s, slice_make(bytes, len));
}

/* The route stands before its password. */
void
settings_put_password(struct settings *s, struct slice domain, struct slice text)
{
    struct slice line;

    slice_cut(&text, '\n', &line);
    if (line.len && line.at[line.len - 1] == '\r')
        line.len--;
    note(s, "password ", line);
    for (size_t i = 0; i < s->route_count; i++)
        if (slice_eq_nocase(s->fixed[i].domain, domain))
            secret_put(&s->routes[i].password, line);
}

bool
settings_eq(const struct settings *a, const struct settings *b)
{
    return secret_eq(secret_get(&a->seen), secret_get(&b->seen));
}

const struct settings_route *
settings_route_of(const struct settings *s, const struct route_fixed *fixed)
{
    return fixed ? &s->routes[fixed - s->fixed] : NULL;
}
