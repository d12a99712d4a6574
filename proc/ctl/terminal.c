/* The terminal is /dev/tty, so that a password can be typed while standard input is a file. */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

/* One line without its line end, byte by byte: what follows it is somebody else's. False at the end
 * of the input, or where the line is too long. */
static bool
read_line(int fd, struct secret *line)
{
    bool any = false;
    uint8_t c;

    for (;;) {
        ssize_t n = read(fd, &c, 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return any;
        any = true;
        if (c == '\n')
            break;
        if (!secret_put(line, slice_make(&c, 1)))
            return false;
    }
    if (line->buf.len && line->buf.at[line->buf.start + line->buf.len - 1] == '\r')
        buf_cut(&line->buf, line->buf.len - 1);
    return true;
}

/* The echo goes before the question: an answer typed the moment it shows is neither shown nor
 * flushed away. */
static bool
ask_hidden(int tty, enum text question, const char *address, struct secret *out)
{
    struct termios before, silent;
    bool good;

    if (tcgetattr(tty, &before) != 0)
        return false;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
    tcsetattr(tty, TCSAFLUSH, &silent);
    text_prompt(tty, question, TEXT_ARGS(address));
    good = read_line(tty, out);
    tcsetattr(tty, TCSADRAIN, &before);
    if (write(tty, "\n", 1) != 1)
        good = false;
    return good;
}

static int
ask_twice(int tty, const char *address, struct secret *out)
{
    struct secret again;
    int status = 0;

    secret_init(&again, TERMINAL_LINE_MAX);
    if (!ask_hidden(tty, TEXT_ask_password_again, address, &again) ||
        !secret_eq(secret_get(out), secret_get(&again)))
        status = FAIL(passwords_differ);
    secret_clear(&again);
    return status;
}

int
terminal_password(const struct ctl *c, const char *address, bool twice, struct secret *out)
{
    int tty, status = 0;

    if (ctl_has(c, OPTION_password_stdin) || ctl_has(c, OPTION_hash_stdin))
        return read_line(STDIN_FILENO, out) && out->buf.len ? 0 : FAIL(no_password_line);
    tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (tty < 0)
        return FAIL(no_terminal);
    if (!ask_hidden(tty, TEXT_ask_password, address, out) || out->buf.len == 0)
        status = FAIL(no_password_line);
    else if (twice)
        status = ask_twice(tty, address, out);
    close(tty);
    return status;
}

int
terminal_confirm(const struct ctl *c, enum text question, const char *name)
{
    struct secret answer;
    int status;

    if (ctl_has(c, OPTION_yes) || !isatty(STDIN_FILENO))
        return 0;
    secret_init(&answer, TERMINAL_LINE_MAX);
    text_prompt(STDERR_FILENO, question, TEXT_ARGS(name));
    status = read_line(STDIN_FILENO, &answer) &&
                     slice_eq_nocase(secret_get(&answer), slice_of(text_get(TEXT_yes)))
                 ? 0
                 : FAIL(not_confirmed);
    secret_clear(&answer);
    return status;
}
