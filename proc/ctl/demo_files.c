/* What is in a demo's folder: valija.conf, demo.json, and the words printed about them. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "demo.h"

enum { FILE_ROOM = 65536 };

const struct demo_port demo_ports[] = {
#define DEMO_PORT(protocol, port) {#protocol, port},
#include "demo_port.def"
#undef DEMO_PORT
    {NULL, 0},
};

bool
demo_port_served(const struct demo_port *port)
{
    for (size_t i = 0; i < CONF_PROTOCOL_COUNT; i++)
        if (strcmp(conf_protocols[i].name, port->protocol) == 0)
            return conf_protocols[i].served;
    return false;
}

bool
demo_usual_folder(char *path, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (geteuid() == 0)
        return (size_t)snprintf(path, size, "/var/lib/valija-demo") < size;
    if (state && state[0] == '/')
        return (size_t)snprintf(path, size, "%s/valija-demo", state) < size;
    return home && home[0] == '/' &&
           (size_t)snprintf(path, size, "%s/.local/state/valija-demo", home) < size;
}

void
demo_path(const struct demo *d, const char *name, char path[DEMO_PATH_MAX])
{
    snprintf(path, DEMO_PATH_MAX, "%s/%s", d->folder, name);
}

static struct err
write_bytes(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.at, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_os(errno, "writing a file of the demo");
        bytes = slice_tail(bytes, (size_t)n);
    }
    return fsync(fd) == 0 ? ERR_OK : err_os(errno, "writing a file of the demo");
}

struct err
demo_write_file(const struct demo *d, const char *name, mode_t mode, struct slice bytes)
{
    char path[DEMO_PATH_MAX], new[DEMO_PATH_MAX + 8];
    struct err e;
    int fd;

    demo_path(d, name, path);
    snprintf(new, sizeof(new), "%s.new", path);
    unlink(new);
    fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return err_os(errno, "making a file of the demo");
    e = write_bytes(fd, bytes);
    close(fd);
    if (!err_is(e) && rename(new, path) != 0)
        e = err_os(errno, "making a file of the demo");
    return e;
}

static void
put_listens(const struct demo *d, struct buf *text)
{
    for (const struct demo_port *p = demo_ports; p->protocol; p++)
        buf_put_format(text, "%slisten %-11s 127.0.0.1:%u%s\n", demo_port_served(p) ? "" : "# ",
                       p->protocol, d->port_base + p->port,
                       demo_port_served(p) ? "" : "   # not served by this version");
}

struct err
demo_write_conf(const struct demo *d)
{
    struct buf text;
    struct err e;

    buf_init(&text, FILE_ROOM);
    buf_put_string(&text, "# The configuration of `valija demo`, written anew each time it starts. "
                          "To change it,\n# copy it and start `valija -c COPY serve`. "
                          "valija.conf(5) explains every line.\n\n"
                          "hostname mx.demo.example\n"
                          "state state\n"
                          "run run\n\n"
                          "# The usual ports moved up, so that no rights are needed, and only for "
                          "this machine.\n");
    put_listens(d, &text);
    buf_put_string(&text, "\n# Signed by itself: mail programs will ask whether to trust it.\n"
                          "tls * certificate " DEMO_CERTIFICATE " key " DEMO_KEY "\n\n"
                          "# These lift what would annoy someone who tries it from one address. "
                          "Leave them out\n# on a machine that strangers reach.\n"
                          "limit login_delay_seconds 0\n"
                          "limit sessions_per_address 10000\n"
                          "limit errors_per_session 1000\n"
                          "limit logins_per_session 100\n\n"
                          "# Senders such as you@example.org are taken at their word, so that it "
                          "works without a\n# DNS. Everywhere else a sender's domain must exist.\n"
                          "limit sender_domain_check 0\n");
    e = demo_write_file(d, DEMO_CONF, 0644, buf_slice(&text));
    buf_clear(&text);
    return e;
}

/* A password that can be read aloud: syllables, then two digits; about 49 bits. */
static void
make_password(char password[DEMO_PASSWORD_MAX])
{
    static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
    uint8_t chance[16];
    size_t n = 0;

    random_fill(chance, sizeof(chance));
    for (size_t i = 0; i < 12; i += 2) {
        if (i == 4 || i == 8)
            password[n++] = '-';
        password[n++] = consonants[chance[i] % (sizeof(consonants) - 1)];
        password[n++] = vowels[chance[i + 1] % (sizeof(vowels) - 1)];
    }
    snprintf(password + n, DEMO_PASSWORD_MAX - n, "-%02u",
             (unsigned)(chance[12] | chance[13] << 8) % 100);
}

static void
take_password(struct demo_account *a, const json_t *accounts)
{
    for (size_t i = 0; i < json_array_size(accounts); i++) {
        const json_t *one = json_array_get(accounts, i);
        const char *address = json_string_value(json_object_get(one, "address"));
        const char *password = json_string_value(json_object_get(one, "password"));

        if (address && password && strcmp(address, a->address) == 0 &&
            strlen(password) < sizeof(a->password))
            snprintf(a->password, sizeof(a->password), "%s", password);
    }
}

void
demo_find_passwords(struct demo *d)
{
    char path[DEMO_PATH_MAX];
    json_t *before;

    demo_path(d, DEMO_JSON, path);
    before = json_load_file(path, 0, NULL);
    for (size_t i = 0; i < DEMO_ACCOUNTS; i++) {
        take_password(&d->accounts[i], json_object_get(before, "accounts"));
        if (!d->accounts[i].password[0])
            make_password(d->accounts[i].password);
    }
    json_decref(before);
}

struct err
demo_write_json(const struct demo *d)
{
    char certificate[DEMO_PATH_MAX], config[DEMO_PATH_MAX];
    json_t *ports = json_object(), *accounts = json_array(), *all;
    struct err e;
    char *text;

    demo_path(d, DEMO_CERTIFICATE, certificate);
    demo_path(d, DEMO_CONF, config);
    for (const struct demo_port *p = demo_ports; p->protocol; p++)
        if (demo_port_served(p))
            json_object_set_new(ports, p->protocol, json_integer(d->port_base + p->port));
    for (size_t i = 0; i < DEMO_ACCOUNTS; i++)
        json_array_append_new(accounts, json_pack("{s:s, s:s}", "address", d->accounts[i].address,
                                                  "password", d->accounts[i].password));
    all = json_pack("{s:s, s:o, s:o, s:s, s:s}", "host", "127.0.0.1", "ports", ports, "accounts",
                    accounts, "certificate", certificate, "config", config);
    text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
    json_decref(all);
    if (!text)
        return err_make(ERR_MALFORMED, "the demo's folder has a name that is not UTF-8");
    e = demo_write_file(d, DEMO_JSON, 0600, slice_of(text));
    free(text);
    return e;
}

static unsigned
port_of(const struct demo *d, const char *protocol)
{
    const struct demo_port *p = demo_ports;

    while (p->protocol && strcmp(p->protocol, protocol) != 0)
        p++;
    ensure(p->protocol);
    return d->port_base + p->port;
}

/* How sendmail is called here: beside this program, as in a build folder, or by its name. */
static const char *
find_sendmail(char path[DEMO_PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, CONF_PATH_MAX);

    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n <= 0)
        return "sendmail";
    snprintf(path + n, DEMO_PATH_MAX - (size_t)n, "sendmail");
    return access(path, X_OK) == 0 ? path : "sendmail";
}

void
demo_print(const struct demo *d)
{
    static const char url_user[] = "ana%40" DEMO_DOMAIN;
    const struct demo_account *ana = &d->accounts[0], *luis = &d->accounts[1];
    char smtp[16], submission[16], pop3s[16], sendmail[DEMO_PATH_MAX];

    snprintf(smtp, sizeof(smtp), "%u", port_of(d, "smtp"));
    snprintf(submission, sizeof(submission), "%u", port_of(d, "submission"));
    snprintf(pop3s, sizeof(pop3s), "%u", port_of(d, "pop3s"));
    SAY(demo_ready, d->folder);
    for (const struct demo_port *p = demo_ports; p->protocol; p++)
        if (demo_port_served(p))
            printf("  %-12s 127.0.0.1:%u\n", p->protocol, d->port_base + p->port);
    SAY(demo_accounts);
    for (size_t i = 0; i < DEMO_ACCOUNTS; i++)
        printf("  %-20s %s\n", d->accounts[i].address, d->accounts[i].password);
    SAY(demo_try, smtp, pop3s, ana->password, submission, luis->password, ana->address,
        luis->address, url_user, find_sendmail(sendmail));
    fflush(stdout);
}
