/* sendmail, as programs call it: options, a message on standard input, recipients. Also mailq and
 * newaliases. */
#include "sendmail.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "letter.h"
#include "mime/address.h"
#include "submit.h"

enum { LETTER_ROOM = 1 << 20, READ_BYTES = 65536 }; /* for fields that are added */

static bool
ignore(struct sendmail *s, const char *value)
{
    (void)s, (void)value;
    return true;
}

static bool
take_mode(struct sendmail *s, const char *value)
{
    s->mode = value[0];
    return value[0] && strchr("mspi", value[0]) && !value[1];
}

static bool
take_config(struct sendmail *s, const char *value)
{
    s->config = value;
    return true;
}

static bool
take_name(struct sendmail *s, const char *value)
{
    s->name = value;
    return true;
}

static bool
take_sender(struct sendmail *s, const char *value)
{
    s->sender = strcmp(value, "<>") == 0 ? "" : value;
    return true;
}

static bool
take_dots(struct sendmail *s, const char *value)
{
    (void)value;
    s->dots_are_text = true;
    return true;
}

static bool
take_notify(struct sendmail *s, const char *value)
{
    struct slice rest = slice_of(value), one;
    bool more = true, good = true;

    while (more) {
        more = slice_cut(&rest, ',', &one);
        good = good &&
               (slice_eq_nocase(one, SLICE("success")) || slice_eq_nocase(one, SLICE("failure")) ||
                slice_eq_nocase(one, SLICE("delay")) ||
                (slice_eq_nocase(slice_of(value), SLICE("never"))));
    }
    s->notify = value;
    return good;
}

static bool
take_old(struct sendmail *s, const char *value)
{
    if (strcmp(value, "i") == 0)
        s->dots_are_text = true;
    return true;
}

static bool
take_queue(struct sendmail *s, const char *value)
{
    (void)value;
    s->only_queue = true;
    return true;
}

static bool
take_ret(struct sendmail *s, const char *value)
{
    s->ret = value;
    return slice_eq_nocase(slice_of(value), SLICE("full")) ||
           slice_eq_nocase(slice_of(value), SLICE("hdrs"));
}

static bool
take_header(struct sendmail *s, const char *value)
{
    (void)value;
    s->from_header = true;
    return true;
}

/* Printable ASCII that needs no encoding as xtext (RFC 3461 4). */
static bool
take_envid(struct sendmail *s, const char *value)
{
    s->envid = value;
    for (; *value; value++)
        if (*value <= ' ' || *value > '~' || *value == '+' || *value == '=')
            return false;
    return s->envid[0] != '\0';
}

static bool
take_verbose(struct sendmail *s, const char *value)
{
    (void)value;
    s->verbose = true;
    return true;
}

static const struct {
    char letter;
    enum { NONE, VALUE, REST } value;
    bool (*take)(struct sendmail *s, const char *value);
} options[] = {
#define SENDMAIL(letter, value, function) {letter, value, function},
#include "sendmail.def"
#undef SENDMAIL
};

/* Takes one word of options; *at moves on where the next word is a value. */
static bool
take_word(struct sendmail *s, int argc, char **argv, int *at)
{
    for (const char *word = argv[*at] + 1; *word;) {
        size_t i = 0;
        const char *value = "";

        while (i < COUNT(options) && options[i].letter != *word)
            i++;
        word++;
        if (i == COUNT(options))
            return false;
        if (options[i].value != NONE) {
            value = word;
            word = "";
        }
        if (options[i].value == VALUE && !value[0]) {
            if (*at + 1 >= argc)
                return false;
            value = argv[++*at];
        }
        if (!options[i].take(s, value))
            return false;
    }
    return true;
}

bool
sendmail_parse(struct sendmail *s, int argc, char **argv, const char **wrong)
{
    int at = 1;

    *s = (struct sendmail){.mode = 'm'};
    for (; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        *wrong = argv[at];
        if (!take_word(s, argc, argv, &at))
            return false;
    }
    s->recipients = argv + at;
    return true;
}

/* Who is running this. */
static void
find_user(struct sendmail *s, const char *hostname)
{
    const struct passwd *user = getpwuid(getuid());
    struct slice gecos = slice_of(user ? user->pw_gecos : ""), name;

    slice_cut(&gecos, ',', &name);
    if (!slice_to_string(name, s->user_name, sizeof(s->user_name)) || slice_find(name, '&') >= 0)
        s->user_name[0] = '\0';
    if (user)
        snprintf(s->user, sizeof(s->user), "%s@%s", user->pw_name, hostname);
    else
        snprintf(s->user, sizeof(s->user), "uid%u@%s", (unsigned)getuid(), hostname);
}

/* An address in its one form, with our host where it has none. False: it is none. */
static bool
put_qualified(struct buf *out, struct slice text, const char *hostname)
{
    char with_host[2 * MIME_ADDRESS_MAX];
    struct mime_address a;

    if (mime_address_parse(text, &a))
        return mime_address_put(out, &a);
    if (snprintf(with_host, sizeof(with_host), "%.*s@%s", (int)text.len,
                 text.len ? (const char *)text.at : "", hostname) >= (int)sizeof(with_host))
        return false;
    return mime_address_parse(slice_of(with_host), &a) && mime_address_put(out, &a);
}

static int
qualify_all(struct buf *out, struct slice addresses, const char *hostname)
{
    struct slice one;

    while (addresses.len) {
        char text[MIME_ADDRESS_MAX];

        slice_cut(&addresses, '\n', &one);
        if (!put_qualified(out, one, hostname) || !buf_put_byte(out, '\n')) {
            slice_to_string(slice_head(one, sizeof(text) - 1), text, sizeof(text));
            return FAIL(bad_address, text, "");
        }
    }
    return 0;
}

/* A dot alone on the last line ends typing at a terminal. */
static bool
ends_in_dot(struct slice typed)
{
    struct slice end = slice_tail(typed, typed.len > 3 ? typed.len - 3 : 0);

    return slice_eq(end, SLICE("\n.\n")) || slice_eq(typed, SLICE(".\n"));
}

static int
read_input(const struct sendmail *s, struct buf *typed)
{
    for (;;) {
        uint8_t *to = buf_reserve(typed, READ_BYTES);
        ssize_t n;

        if (!to)
            return FAIL(message_too_large);
        n = read(STDIN_FILENO, to, READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL(input_failed, strerror(errno));
        buf_added(typed, (size_t)n);
        if (n == 0 || (!s->dots_are_text && ends_in_dot(buf_slice(typed))))
            return 0;
    }
}

static const char *
socket_path(const struct conf *conf)
{
    for (size_t i = 0; i < conf->listen_count; i++)
        if (conf->listens[i].protocol == CONF_system)
            return ((const struct sockaddr_un *)&conf->listens[i].address.at)->sun_path;
    return "";
}

static int
write_letter(struct sendmail *s, const struct conf *conf, struct slice typed, struct letter *l)
{
    struct letter_wish wish = {.hostname = conf->hostname,
                               .name = s->name     ? s->name
                                       : s->sender ? ""
                                                   : s->user_name,
                               .dot_ends = !s->dots_are_text,
                               .seconds = (int64_t)(clock_now_us() / 1000000)};

    wish.from = s->envelope_from.len ? buf_slice(&s->envelope_from) : slice_of(s->user);
    wish.offset = clock_utc_offset(wish.seconds);
    random_fill(&wish.id, sizeof(wish.id));
    return letter_make(l, &wish, typed) ? 0 : FAIL(message_too_large);
}

static int
find_recipients(const struct sendmail *s, const struct conf *conf, const struct letter *l,
                struct buf *out)
{
    struct buf named;
    int status;

    buf_init(&named, LETTER_RECIPIENTS_MAX);
    for (char **word = s->recipients; *word; word++)
        letter_put_addresses(&named, slice_of(*word));
    if (s->from_header)
        buf_put(&named, buf_slice(&l->recipients));
    status =
        named.full ? FAIL(too_many_targets) : qualify_all(out, buf_slice(&named), conf->hostname);
    if (status == 0 && out->len == 0)
        status = FAIL(no_recipients);
    buf_clear(&named);
    return status;
}

static int
send_letter(struct sendmail *s, const struct conf *conf, const struct letter *l,
            struct slice recipients)
{
    struct submit m = {.socket = socket_path(conf),
                       .sender = buf_slice(&s->envelope_from),
                       .recipients = recipients,
                       .recipients_at_once = conf->limits.value[LIMIT_recipients],
                       .text = buf_slice(&l->text),
                       .is_8bit = l->is_8bit,
                       .verbose = s->verbose,
                       .notify = s->notify,
                       .ret = s->ret,
                       .envid = s->envid};

    for (const uint8_t *at = recipients.at, *end = at + recipients.len; at != end; at++)
        m.is_utf8 |= *at >= 0x80;
    return submit_send(&m);
}

static int
deliver(struct sendmail *s, const struct conf *conf)
{
    uint64_t most = conf->limits.value[LIMIT_message_size];
    struct buf typed, recipients;
    struct letter l;
    int status = 0;

    buf_init(&typed, most + READ_BYTES);
    buf_init(&recipients, 2 * LETTER_RECIPIENTS_MAX);
    buf_init(&s->envelope_from, MIME_ADDRESS_MAX);
    letter_init(&l, most + most / 16 + LETTER_ROOM); /* line ends grow */
    find_user(s, conf->hostname);
    if (!s->sender)
        buf_put_string(&s->envelope_from, s->user);
    else if (s->sender[0] && !put_qualified(&s->envelope_from, slice_of(s->sender), conf->hostname))
        status = FAIL(bad_address, s->sender, "");
    if (status == 0)
        status = read_input(s, &typed);
    if (status == 0)
        status = write_letter(s, conf, buf_slice(&typed), &l);
    if (status == 0)
        status = find_recipients(s, conf, &l, &recipients);
    if (status == 0)
        status = send_letter(s, conf, &l, buf_slice(&recipients));
    letter_clear(&l);
    buf_clear(&s->envelope_from);
    buf_clear(&recipients);
    buf_clear(&typed);
    return status;
}

static int
print_queue(struct ctl *c)
{
    int status = ctl_connect(c);

    return status ? status : verb_queue_list(c);
}

static int
run_mode(struct sendmail *s)
{
    struct ctl c = {0};
    int status;

    c.options[OPTION_config] = s->config;
    if (s->mode == 'i' || (s->only_queue && !s->recipients[0] && !s->from_header))
        return 0; /* aliases are looked up as they are; the queue runs by itself */
    status = s->mode == 'p' ? print_queue(&c) : ctl_configure(&c);
    if (status == 0 && s->mode == 's')
        status = submit_pipe(socket_path(c.conf));
    else if (status == 0 && s->mode == 'm')
        status = deliver(s, c.conf);
    ctl_clear(&c);
    return status;
}

int
sendmail_run(int argc, char **argv)
{
    struct sendmail s;
    const char *wrong = "";

    text_start(NULL, false);
    if (!sendmail_parse(&s, argc, argv, &wrong))
        return FAIL(sendmail_option, wrong);
    return run_mode(&s);
}

int
mailq_run(int argc, char **argv)
{
    struct sendmail s;
    const char *wrong = "";

    text_start(NULL, false);
    if (!sendmail_parse(&s, argc, argv, &wrong))
        return FAIL(sendmail_option, wrong);
    s.mode = 'p';
    s.only_queue = false;
    return run_mode(&s);
}

int
newaliases_run(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 0; /* aliases are looked up as they are */
}
