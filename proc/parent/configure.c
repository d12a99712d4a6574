/* What each role is told, and what it is not: keys go to keys alone, certificates to the edges,
 * sockets to the group they belong to, name servers to the resolver, routes to the courier. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "parent.h"

#define SYSTEM_RESOLVERS "/etc/resolv.conf"

/* Which group of edges serves a protocol: strangers come by SMTP, our users by all others. */
static enum role_id
group_of(enum role_protocol p)
{
    return p == ROLE_SMTP ? ROLE_mx : ROLE_access;
}

void
configure_boot(struct child *c)
{
    const struct conf *conf = c->parent->conf;
    struct role_boot boot;
    char root[CONF_PATH_MAX + 32];
    struct err e =
        role_boot_prepare(c->id, conf->state, conf->run, false, &boot, root, sizeof(root));

    if (err_is(e))
        LOG(storage, SLICE(""), log_string("role", role_name(c->id)), log_err(e));
    chan_send(c->control, MSG_role_boot, &boot, -1);
}

/* One that may be missing is not worth a line. */
static void
send_file(struct child *c, enum role_file_kind kind, const char *name, const char *path,
          bool may_miss)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct role_file m = {kind, slice_of(name)};

    if (fd < 0) {
        if (may_miss && errno == ENOENT)
            return;
        LOG(storage, SLICE(""), log_string("file", path), log_err(err_os(errno, "opening it")));
        return;
    }
    chan_send(c->control, MSG_role_file, &m, fd);
    close(fd);
}

static void
send_files(struct child *c)
{
    const struct conf *conf = c->parent->conf;

    for (size_t i = 0; i < conf->tls_count; i++) {
        const struct conf_tls *tls = &conf->tls[i];

        if (c->id == ROLE_keys)
            send_file(c, ROLE_FILE_KEY, tls->name, tls->key, false);
        if (c->id == ROLE_mx || c->id == ROLE_access)
            send_file(c, ROLE_FILE_CERTIFICATE, tls->name, tls->certificate, false);
    }
}

static void
send_setting(struct child *c, enum role_setting_kind kind, const char *value)
{
    chan_send(c->control, MSG_role_setting, &(struct role_setting){kind, slice_of(value)}, -1);
}

/* The system's servers stand in for those that no line names. */
static void
send_name_servers(struct child *c)
{
    const struct conf *conf = c->parent->conf;
    bool named = conf->trust_anchor_named;

    for (size_t i = 0; i < conf->resolver_count; i++)
        send_setting(c, ROLE_SETTING_RESOLVER, conf->resolvers[i].address.text);
    if (conf->resolver_count == 0)
        send_file(c, ROLE_FILE_SYSTEM_RESOLVERS, "", SYSTEM_RESOLVERS, true);
    if (conf->trust_anchor)
        send_file(c, named ? ROLE_FILE_TRUST_ANCHOR : ROLE_FILE_SYSTEM_TRUST_ANCHOR, "",
                  conf->trust_anchor, !named);
}

static void
send_routes(struct child *c)
{
    const struct conf *conf = c->parent->conf;
    char line[CONF_LINE_MAX + 32];

    for (size_t i = 0; i < conf->route_count; i++) {
        const struct conf_route *r = &conf->routes[i];

        snprintf(line, sizeof(line), "%s %s %u %s%s%s", r->domain, r->host, r->port,
                 conf_route_tls_words[r->tls], r->user ? " " : "", r->user ? r->user : "");
        send_setting(c, ROLE_SETTING_ROUTE, line);
        if (r->password)
            send_file(c, ROLE_FILE_ROUTE_PASSWORD, r->domain, r->password, false);
    }
}

/* To whom other servers have to prove their names. */
static void
send_authorities(struct child *c)
{
    const struct conf *conf = c->parent->conf;

    send_file(c, ROLE_FILE_AUTHORITIES, "", conf->authorities, !conf->authorities_named);
}

static void
send_routed(struct child *c)
{
    const struct conf *conf = c->parent->conf;

    for (size_t i = 0; i < conf->route_count; i++)
        send_setting(c, ROLE_SETTING_ROUTED, conf->routes[i].domain);
}

static void
send_own_address(void *ctx, const char *address)
{
    send_setting(ctx, ROLE_SETTING_OWN_ADDRESS, address);
}

static void
send_sockets(struct child *c)
{
    struct parent *p = c->parent;

    for (size_t i = 0; i < p->socket_count; i++) {
        const struct socket *s = &p->sockets[i];
        struct role_listen m = {s->protocol, slice_of(s->text)};

        if (group_of(s->protocol) == c->id)
            chan_send(c->control, MSG_role_listen, &m, s->fd);
    }
}

void
configure_rest(struct child *c)
{
    struct parent *p = c->parent;
    struct role_host host = {slice_of(p->conf->hostname)};
    struct role_go go = {p->generation};

    for (uint32_t i = 0; i < LIMIT_COUNT; i++)
        chan_send(c->control, MSG_role_limit, &(struct role_limit){i, p->conf->limits.value[i]},
                  -1);
    chan_send(c->control, MSG_role_host, &host, -1);
    send_sockets(c);
    send_files(c);
    if (c->id == ROLE_courier || c->id == ROLE_fetch)
        send_authorities(c);
    if (c->id == ROLE_resolver)
        send_name_servers(c);
    if (c->id == ROLE_access)
        send_routed(c);
    if (c->id == ROLE_courier) {
        send_routes(c);
        addresses_each(p->conf, send_own_address, c);
    }
    chan_send(c->control, MSG_role_go, &go, -1);
}
