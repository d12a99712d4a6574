/* At which addresses this machine takes mail from other servers: those of the `listen smtp` lines,
 * and all of its interfaces where a line names none. The courier must not bring mail to itself (RFC
 * 5321 5.1). */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include "base/log.h"
#include "parent.h"

/* False: it stands for all, or is none of the internet's. */
static bool
put_text(const struct sockaddr *at, char text[INET6_ADDRSTRLEN])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)at;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)at;

    if (at->sa_family == AF_INET && v4->sin_addr.s_addr != INADDR_ANY)
        return inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
    if (at->sa_family == AF_INET6 && !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
        return inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
    return false;
}

static void
tell_interfaces(address_fn *fn, void *ctx)
{
    struct ifaddrs *all;
    char text[INET6_ADDRSTRLEN];

    if (getifaddrs(&all) != 0) {
        LOG(storage, SLICE(""), log_err(err_os(errno, "listing this machine's addresses")));
        return;
    }
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        if (i->ifa_addr && put_text(i->ifa_addr, text))
            fn(ctx, text);
    freeifaddrs(all);
}

void
addresses_each(const struct conf *conf, address_fn *fn, void *ctx)
{
    bool all = false;
    char text[INET6_ADDRSTRLEN];

    for (size_t i = 0; i < conf->listen_count; i++) {
        const struct conf_listen *l = &conf->listens[i];

        if (l->protocol != CONF_smtp)
            continue;
        if (put_text((const struct sockaddr *)&l->address.at, text))
            fn(ctx, text);
        else
            all = true;
    }
    if (all)
        tell_interfaces(fn, ctx);
}
