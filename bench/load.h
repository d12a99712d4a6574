/* What the parts of bench-load share: what to do, what came of it, and the connection they all use.
 * A benchmark has no second chance: whatever is unexpected ends the program with a sentence. */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <sys/types.h>

#include "base/buf.h"

struct load_account {
    char address[256];
    char password[128];
    uint64_t expected; /* messages that should be listed, once counted */
};

struct load_options {
    struct in_addr host;
    uint16_t smtp, pop3;
    unsigned connections;
    unsigned size;       /* bytes of a message */
    unsigned recipients; /* of each message */
    unsigned messages;   /* in all; logins: how many of them */
    bool pipeline;       /* SMTP: MAIL, RCPT and DATA in one write; POP3: all RETR ahead */
    struct load_account *accounts;
    size_t account_count;
    const struct load_account *sender; /* SMTP: logs in and sends; NULL: anybody, without a login */
    const struct sink *sink;           /* SMTP: what is sent comes out there again; or NULL */
};

struct load_result {
    uint64_t count;        /* messages, logins or retrieved messages */
    uint64_t bytes;        /* of retrieved messages */
    double seconds;        /* from the first to the last of them */
    double until_listed;   /* SMTP: until POP3 lists the last one, or the sink has it; 0: not
                              looked at */
    double p50_ms, p99_ms; /* how long one took: the reply to the end of data, a whole login */
};

struct load_result smtp_run(const struct load_options *o);
struct load_result retr_run(const struct load_options *o); /* the mailbox of the first account */
struct load_result logins_run(const struct load_options *o);

/* Messages in the mailbox by STAT, in a session of its own. */
uint64_t pop3_stat(const struct load_options *o, const struct load_account *account);
void pop3_wait_listed(const struct load_options *o); /* until every account lists its `expected` */

/* A process that answers the SMTP dialogue and stores nothing, at this port, or, with 0, one of its
 * own. It counts for others. */
struct sink {
    pid_t pid;
    uint16_t port;
    volatile struct sink_count {
        uint64_t connections, messages, recipients;
    } * count;
};

void sink_start(struct sink *s, uint16_t port);
void sink_stop(struct sink *s);
void sink_wait(const struct sink *s, uint64_t recipients); /* until it has had so many */

/* Bytes of memory that a process and all it started hold, shared pages divided (PSS). */
uint64_t memory_of(pid_t pid);

/* How long things took. */
struct timings {
    uint32_t *us;
    size_t count, room;
};

void timings_put(struct timings *t, uint64_t us);
double timings_ms(struct timings *t, double part); /* part 0.99: 99 of 100 took less; sorts */
void timings_clear(struct timings *t);

/* One connection. `in` is what came and was not taken yet, `out` what is still to be written. */
struct wire {
    int fd, epoll;
    void *ctx;    /* what epoll hands back */
    bool blocked; /* epoll tells when there is room to write again */
    struct buf in, out;
};

int wire_connect(struct in_addr host, uint16_t port);         /* a blocking, undelayed socket */
void wire_open(struct wire *w, int epoll, int fd, void *ctx); /* takes fd; ctx comes with events */
void wire_close(struct wire *w);
bool wire_read(struct wire *w); /* false: the peer has closed */
void wire_flush(struct wire *w);

/* The next whole line without its end, valid until the next read. */
bool wire_line(struct wire *w, struct slice *line);

uint64_t now_us(void);
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

#endif
