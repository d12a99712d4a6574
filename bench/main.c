/* bench-load: what the service does a second, against a sink measured by the same generator. */
#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"

#include "load.h"

static const char usage[] =
    "bench-load MODE [OPTION...]\n"
    "\n"
    "  smtp     send messages and count those accepted\n"
    "  relay    the same, to a service that sends all on to a sink of ours, until that has them\n"
    "  retr     read the first account's mailbox by POP3\n"
    "  logins   log in by POP3, a connection each\n"
    "  memory   bytes (PSS) of the process --pid and of all it started\n"
    "\n"
    "  --host ADDRESS      IPv4 address of the service (127.0.0.1)\n"
    "  --smtp PORT         its SMTP port\n"
    "  --pop3 PORT         its POP3 port; smtp: also wait until POP3 lists every message\n"
    "  --accounts FILE     lines of an address, a space, and its password; smtp, relay: "
    "recipients\n"
    "  --sender FILE       one such line: who logs in and sends\n"
    "  --out PORT          relay: of the sink\n"
    "  --connections N     at a time (1)\n"
    "  --messages N        in all; retr: to read; logins: how many (1000)\n"
    "  --size BYTES        of a message (4096)\n"
    "  --recipients N      of each message (1)\n"
    "  --pipeline          MAIL, RCPT, DATA in one write; retr: commands ahead of answers\n"
    "  --sink              smtp: the same against our own sink first\n"
    "  --pid PID           the parent whose memory is measured\n"
    "  --json              one JSON object instead of a table\n";

struct command {
    struct load_options load, sender; /* of the latter, its one account */
    uint16_t out;
    bool sink, json;
    pid_t pid;
};

enum option_kind { NUMBER, PORT, FLAG, HOST, ACCOUNTS, PID };

static const struct {
    const char *name;
    enum option_kind kind;
    size_t at; /* in struct command */
} options[] = {
    {"host", HOST, 0},
    {"smtp", PORT, offsetof(struct command, load.smtp)},
    {"pop3", PORT, offsetof(struct command, load.pop3)},
    {"accounts", ACCOUNTS, offsetof(struct command, load)},
    {"sender", ACCOUNTS, offsetof(struct command, sender)},
    {"out", PORT, offsetof(struct command, out)},
    {"connections", NUMBER, offsetof(struct command, load.connections)},
    {"messages", NUMBER, offsetof(struct command, load.messages)},
    {"size", NUMBER, offsetof(struct command, load.size)},
    {"recipients", NUMBER, offsetof(struct command, load.recipients)},
    {"pipeline", FLAG, offsetof(struct command, load.pipeline)},
    {"sink", FLAG, offsetof(struct command, sink)},
    {"pid", PID, 0},
    {"json", FLAG, offsetof(struct command, json)},
};

static unsigned
read_number(const char *name, const char *text, unsigned most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || value == 0 || value > most)
        die("--%s: '%s' is not a number from 1 to %u", name, text, most);
    return (unsigned)value;
}

static void
read_accounts(struct load_options *o, const char *path)
{
    FILE *f = fopen(path, "re");
    struct load_account a = {0};

    if (!f)
        die("%s cannot be read", path);
    while (fscanf(f, "%255s %127s", a.address, a.password) == 2) {
        o->accounts = heap_grow(o->accounts, (o->account_count + 1) * sizeof(a));
        o->accounts[o->account_count++] = a;
    }
    fclose(f);
}

static void
take_option(struct command *c, size_t i, const char *value)
{
    char *at = (char *)c + options[i].at;

    switch (options[i].kind) {
    case NUMBER:
        *(unsigned *)(void *)at = read_number(options[i].name, value, UINT32_MAX / 4);
        break;
    case PORT:
        *(uint16_t *)(void *)at = (uint16_t)read_number(options[i].name, value, UINT16_MAX);
        break;
    case FLAG:
        *(bool *)at = true;
        break;
    case HOST:
        if (inet_pton(AF_INET, value, &c->load.host) != 1)
            die("--host: '%s' is not an IPv4 address", value);
        break;
    case ACCOUNTS:
        read_accounts((struct load_options *)(void *)at, value);
        break;
    case PID:
        c->pid = (pid_t)read_number(options[i].name, value, INT32_MAX);
        break;
    }
}

static void
read_options(struct command *c, int argc, char **argv)
{
    struct option table[COUNT(options) + 1] = {0};
    int i, got;

    for (size_t n = 0; n < COUNT(options); n++)
        table[n] = (struct option){options[n].name, options[n].kind != FLAG, NULL, 0};
    while ((got = getopt_long(argc, argv, "", table, &i)) == 0)
        take_option(c, (size_t)i, optarg);
    if (got != -1)
        exit(64); /* getopt_long has said why */
    if (optind != argc)
        die("'%s' is not understood; bench-load --help", argv[optind]);
}

static void
print_result(const struct command *c, const char *what, const struct load_result *r)
{
    double rate = (double)r->count / r->seconds;
    double readable = r->until_listed > 0 ? (double)r->count / r->until_listed : 0;
    double megabytes = (double)r->bytes / r->seconds / 1e6;
    const char *format =
        c->json ? "{\"what\": \"%s\", \"count\": %" PRIu64 ", \"seconds\": %.6f, \"rate\": %.1f, "
                  "\"readable_rate\": %.1f, \"recipients_rate\": %.1f, \"megabytes_rate\": %.1f, "
                  "\"p50_ms\": %.3f, \"p99_ms\": %.3f}\n"
                : "%-8s %9" PRIu64 " in %8.3f s  %9.1f/s  readable %9.1f/s  recipients %9.1f/s  "
                  "%8.1f MB/s  p50 %.3f ms  p99 %.3f ms\n";

    printf(format, what, r->count, r->seconds, rate, readable,
           (r->until_listed > 0 ? readable : rate) * c->load.recipients, megabytes, r->p50_ms,
           r->p99_ms);
    fflush(stdout);
}

static void
run_sink(const struct command *c)
{
    struct load_options o = c->load;
    struct load_result r;
    struct sink s;

    sink_start(&s, 0);
    o.smtp = s.port;
    inet_pton(AF_INET, "127.0.0.1", &o.host);
    o.pop3 = 0;
    r = smtp_run(&o);
    sink_stop(&s);
    print_result(c, "sink", &r);
}

static void
need(bool given, const char *option)
{
    if (!given)
        die("--%s is missing; bench-load --help", option);
}

static void
run_smtp(const struct command *c)
{
    struct load_result r;

    need(c->load.account_count > 0, "accounts");
    if (c->sink)
        run_sink(c);
    if (c->sink && !c->load.smtp)
        return; /* the sink alone */
    need(c->load.smtp, "smtp");
    r = smtp_run(&c->load);
    print_result(c, "smtp", &r);
}

static void
run_relay(const struct command *c)
{
    struct load_options o = c->load;
    struct load_result r;
    struct sink s;

    need(o.account_count > 0, "accounts");
    need(o.smtp, "smtp");
    need(c->out, "out");
    sink_start(&s, c->out);
    o.sink = &s;
    o.sender = c->sender.accounts;
    r = smtp_run(&o);
    print_result(c, "relay", &r);
    sink_stop(&s);
}

static void
run_pop3(const struct command *c, const char *what,
         struct load_result (*run)(const struct load_options *))
{
    struct load_result r;

    need(c->load.pop3, "pop3");
    need(c->load.account_count > 0, "accounts");
    r = run(&c->load);
    print_result(c, what, &r);
}

static void
run_memory(const struct command *c)
{
    need(c->pid > 0, "pid");
    printf(c->json ? "{\"pss\": %" PRIu64 "}\n" : "%" PRIu64 "\n", memory_of(c->pid));
}

int
main(int argc, char **argv)
{
    struct command c = {
        .load = {.connections = 1, .size = 4096, .recipients = 1, .messages = 1000}};
    const char *mode = argc > 1 ? argv[1] : "";

    if (strcmp(mode, "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    inet_pton(AF_INET, "127.0.0.1", &c.load.host);
    if (argc > 1)
        read_options(&c, argc - 1, argv + 1);
    if (strcmp(mode, "smtp") == 0)
        run_smtp(&c);
    else if (strcmp(mode, "relay") == 0)
        run_relay(&c);
    else if (strcmp(mode, "retr") == 0)
        run_pop3(&c, "retr", retr_run);
    else if (strcmp(mode, "logins") == 0)
        run_pop3(&c, "logins", logins_run);
    else if (strcmp(mode, "memory") == 0)
        run_memory(&c);
    else
        die("'%s' is not a mode; bench-load --help", mode);
    free(c.load.accounts);
    free(c.sender.accounts);
    return 0;
}
