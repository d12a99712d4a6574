/* The client's half of SMTP, one command at a time: over a local socket there is nothing to gain by
 * sending more at once. */
#include "submit.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    TIMEOUT_SECONDS = 600,
    COPY_BYTES = 65536
}; /* RFC 5321 4.5.3.2.6: ten minutes after the dot */

struct dialogue {
    const struct submit *m;
    int fd;
    struct buf line;              /* to be sent */
    struct buf in;                /* received, not read yet */
    char reply[SUBMIT_REPLY_MAX]; /* the last one; lines separated by line ends */
    unsigned code;                /* its first digits, or 0: the connection is lost */
    bool dsn, eightbit, utf8;     /* offered */
};

static bool
send_all(struct dialogue *d, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = send(d->fd, bytes.at, bytes.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = slice_tail(bytes, (size_t)n);
    }
    return true;
}

/* A whole line from the server, without its end. */
static bool
read_line(struct dialogue *d, struct slice *line)
{
    ptrdiff_t end;

    while ((end = slice_find(buf_slice(&d->in), '\n')) < 0) {
        uint8_t *to = buf_reserve(&d->in, 512);
        ssize_t n = to ? recv(d->fd, to, 512, 0) : 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        buf_added(&d->in, (size_t)n);
    }
    *line = slice_head(buf_slice(&d->in), (size_t)end);
    if (line->len && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

static void
note_offers(struct dialogue *d, struct slice line)
{
    struct slice word = slice_tail(line, 4), rest = word;

    slice_cut(&rest, ' ', &word);
    d->dsn |= slice_eq_nocase(word, SLICE("DSN"));
    d->eightbit |= slice_eq_nocase(word, SLICE("8BITMIME"));
    d->utf8 |= slice_eq_nocase(word, SLICE("SMTPUTF8"));
}

/* A reply of any number of lines (RFC 5321 4.2.1). The code is 0 where none came. */
static unsigned
read_reply(struct dialogue *d)
{
    struct buf reply = {
        .at = (uint8_t *)d->reply, .room = sizeof(d->reply) - 1, .cap = sizeof(d->reply) - 1};
    bool more = true;

    d->code = 0;
    while (more) {
        struct slice line;
        uint64_t code;

        if (!read_line(d, &line) || line.len < 3 || !slice_to_u64(slice_head(line, 3), &code)) {
            d->code = 0;
            break;
        }
        d->code = (unsigned)code;
        more = line.len > 3 && line.at[3] == '-';
        note_offers(d, line);
        if (d->m->verbose)
            fprintf(stderr, "<<< %.*s\n", (int)line.len, (const char *)line.at);
        buf_put_string(&reply, reply.len ? " " : "");
        buf_put(&reply, line);
        buf_drop(&d->in, (size_t)slice_find(buf_slice(&d->in), '\n') + 1);
    }
    d->reply[reply.len] = '\0';
    return d->code;
}

/* Sends the line that was put into d->line, and reads the reply. */
static unsigned
command(struct dialogue *d)
{
    struct slice line = buf_slice(&d->line);
    bool good;

    d->reply[0] = '\0';
    d->code = 0;
    if (d->m->verbose)
        fprintf(stderr, ">>> %.*s\n", (int)line.len, (const char *)line.at);
    good = buf_put_string(&d->line, "\r\n") && send_all(d, buf_slice(&d->line));
    buf_reset(&d->line);
    return good ? read_reply(d) : 0;
}

static unsigned
command_word(struct dialogue *d, const char *word)
{
    buf_put_string(&d->line, word);
    return command(d);
}

static int
refused(const struct dialogue *d, const char *what, enum failure for_good)
{
    if (d->code == 0)
        return FAIL(submit_lost);
    if (d->code < 500)
        return FAIL(submit_later, what, d->reply);
    return text_fail(for_good, TEXT_ARGS(what, d->reply));
}

static int
begin(struct dialogue *d)
{
    read_reply(d);
    if (d->code == 220)
        command_word(d, "EHLO localhost");
    return d->code == 220 || d->code == 250 ? 0 : refused(d, d->m->socket, FAILURE_submit_refused);
}

static void
put_parameter(struct dialogue *d, const char *name, const char *value)
{
    buf_put_format(&d->line, " %s=%s", name, value);
}

static int
send_mail(struct dialogue *d)
{
    const struct submit *m = d->m;

    buf_put_string(&d->line, "MAIL FROM:<");
    buf_put(&d->line, m->sender);
    buf_put_string(&d->line, ">");
    if (m->is_8bit && d->eightbit)
        put_parameter(d, "BODY", "8BITMIME");
    if (m->is_utf8 && d->utf8)
        buf_put_string(&d->line, " SMTPUTF8");
    if (m->ret && d->dsn)
        put_parameter(d, "RET", m->ret);
    if (m->envid && d->dsn)
        put_parameter(d, "ENVID", m->envid);
    return command(d) == 250 ? 0 : refused(d, "MAIL", FAILURE_sender_refused);
}

static int
send_rcpt(struct dialogue *d, struct slice recipient)
{
    char name[SUBMIT_LINE_MAX];

    slice_to_string(recipient, name, sizeof(name));
    buf_put_format(&d->line, "RCPT TO:<%s>", name);
    if (d->m->notify && d->dsn)
        put_parameter(d, "NOTIFY", d->m->notify);
    return command(d) / 10 == 25 ? 0 : refused(d, name, FAILURE_recipient_refused);
}

/* The text with a dot more before each line that begins with one (RFC 5321 4.5.2). */
static bool
send_text(struct dialogue *d)
{
    struct slice rest = d->m->text;
    const uint8_t *hit;

    if (rest.len && rest.at[0] == '.' && !send_all(d, SLICE(".")))
        return false;
    while (rest.len && (hit = memmem(rest.at, rest.len, "\r\n.", 3))) {
        size_t n = (size_t)(hit - rest.at) + 3;

        if (!send_all(d, slice_head(rest, n)) || !send_all(d, SLICE(".")))
            return false;
        rest = slice_tail(rest, n);
    }
    return send_all(d, rest) && send_all(d, SLICE(".\r\n"));
}

/* One transaction with the next recipients. Its status is that of the first trouble. */
static int
send_once(struct dialogue *d, struct slice *recipients)
{
    int first = send_mail(d);
    size_t accepted = 0;

    if (first)
        return first;
    for (size_t i = 0; recipients->len && i < d->m->recipients_at_once; i++) {
        struct slice one;
        int status;

        slice_cut(recipients, '\n', &one);
        status = send_rcpt(d, one);
        accepted += status == 0;
        first = first ? first : status;
        if (d->code / 100 != 5 && status)
            return status;
    }
    if (accepted == 0) {
        command_word(d, "RSET");
        return first;
    }
    if (command_word(d, "DATA") != 354)
        return refused(d, "DATA", FAILURE_submit_refused);
    d->code = 0;
    if (!send_text(d) || read_reply(d) != 250)
        return refused(d, "DATA", FAILURE_message_refused);
    return first;
}

static int
not_connected(const char *socket, struct err e)
{
    if (e.os == EACCES || e.os == EPERM)
        return FAIL(control_not_permitted, socket);
    return FAIL(sendmail_not_running, socket, err_text(e));
}

int
submit_send(const struct submit *m)
{
    struct timeval patience = {.tv_sec = TIMEOUT_SECONDS};
    struct dialogue d = {.m = m};
    struct slice rest = m->recipients;
    struct err e = service_connect(m->socket, SOCK_STREAM, &d.fd);
    int first, status = 0;

    if (err_is(e))
        return not_connected(m->socket, e);
    setsockopt(d.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(d.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    buf_init(&d.in, SUBMIT_REPLY_MAX);
    buf_init(&d.line, SUBMIT_LINE_MAX);
    first = begin(&d);
    while (rest.len && first != EX_TEMPFAIL && d.code / 100 == 2) {
        status = send_once(&d, &rest);
        first = first ? first : status;
    }
    if (d.code)
        command_word(&d, "QUIT");
    buf_clear(&d.in);
    buf_clear(&d.line);
    close(d.fd);
    return first;
}

/* Move what is there; false at the end. */
static bool
copy_some(int from, int to)
{
    static uint8_t room[COPY_BYTES];
    ssize_t n = read(from, room, sizeof(room));

    for (ssize_t done = 0; done < n;) {
        ssize_t w = write(to, room + done, (size_t)(n - done));

        if (w <= 0)
            return false;
        done += w;
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

int
submit_pipe(const char *socket)
{
    struct pollfd ends[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
    struct err e = service_connect(socket, SOCK_STREAM, &ends[1].fd);
    bool open = true;
    int to = ends[1].fd;

    if (err_is(e))
        return not_connected(socket, e);
    while (open && (poll(ends, 2, -1) > 0 || errno == EINTR)) {
        if (ends[1].revents)
            open = copy_some(to, STDOUT_FILENO);
        if (ends[0].revents && !copy_some(STDIN_FILENO, to)) {
            shutdown(to, SHUT_WR); /* what the server still says is heard */
            ends[0].fd = -1;
        }
    }
    close(to);
    return 0;
}
