/* Prints the sample configuration or valija.conf(5) from keys.def, protocol.def and limit.def, so
 * that what is written about a directive is what the parser knows of it. */
#include <stdio.h>

#include "base/buf.h"
#include "conf/conf.h"

enum { SAMPLE_WIDTH = 78 };

static const struct {
    const char *word, *usage, *repeats, *fallback, *example, *help;
} keys[] = {
#define ONCE ""
#define MANY " May be repeated."
#define KEY(id, word, usage, times, fallback, example, help)                                       \
    {word, usage, times, fallback, example, help},
#include "conf/keys.def"
#undef KEY
};

static const char *const protocol_help[] = {
#define PROTOCOL(name, port, kind, served, help) help,
#include "conf/protocol.def"
#undef PROTOCOL
};

/* Text in lines that begin with "# ". */
static void
put_comment(const char *text)
{
    struct slice rest = slice_of(text), word;
    size_t column = 0;
    bool more = true;

    while (more) {
        more = slice_cut(&rest, ' ', &word);
        if (column == 0 || column + 1 + word.len > SAMPLE_WIDTH)
            column = (size_t)printf("%s#", column ? "\n" : "");
        column += (size_t)printf(" %.*s", (int)word.len, (const char *)word.at);
    }
    putchar('\n');
}

/* Text for troff: `...` is bold, and what troff would take for its own is escaped. */
static void
put_troff(const char *text)
{
    bool bold = false;

    for (const char *c = text; *c; c++) {
        if (*c == '`')
            fputs((bold = !bold) ? "\\fB" : "\\fR", stdout);
        else if (*c == '-')
            fputs("\\-", stdout);
        else if (*c == '\\')
            fputs("\\e", stdout);
        else
            putchar(*c);
    }
}

static const char *
value_text(struct buf *out, enum limit limit, uint64_t value)
{
    buf_reset(out);
    conf_value_put(out, limit_rows[limit].unit, value);
    buf_put_byte(out, '\0');
    return (const char *)buf_slice(out).at;
}

static void
print_sample(struct buf *value)
{
    char line[512];

    put_comment(
        "What this machine is: valija.conf(5). Every line may be left out; those that begin with "
        "# show an example or the default. Domains, accounts and aliases are not here: see "
        "valija(1). Printed from the program's own tables by tools/manual.");
    for (size_t i = 0; i < COUNT(keys); i++) {
        snprintf(line, sizeof(line), "%s%s", keys[i].help, keys[i].repeats);
        printf("\n# %s %s\n", keys[i].word, keys[i].usage);
        put_comment(line);
        snprintf(line, sizeof(line), "Default: %s.", keys[i].fallback);
        put_comment(line);
        if (keys[i].example[0])
            printf("#%s\n", keys[i].example);
    }
    printf("\n# The limits, with their defaults.\n");
    for (enum limit i = 0; i < LIMIT_COUNT; i++)
        printf("#limit %-20s %-5s # %s\n", limit_rows[i].name,
               value_text(value, i, limit_rows[i].fallback), limit_rows[i].help);
}

static void
put_keys(void)
{
    for (size_t i = 0; i < COUNT(keys); i++) {
        printf(".TP\n\\fB");
        put_troff(keys[i].word);
        printf("\\fR %s\n", keys[i].usage);
        put_troff(keys[i].help);
        printf("%s\n.br\nDefault: ", keys[i].repeats);
        put_troff(keys[i].fallback);
        printf(".\n");
    }
}

static void
put_protocols(void)
{
    for (size_t i = 0; i < COUNT(protocol_help); i++) {
        printf(".TP\n.B %s\n", conf_protocols[i].name);
        put_troff(protocol_help[i]);
        if (conf_protocols[i].port)
            printf(" (default port %u)", conf_protocols[i].port);
        printf("%s.\n", conf_protocols[i].served ? "" : "; not yet served by this version");
    }
}

static void
put_limits(struct buf *value)
{
    for (enum limit i = 0; i < LIMIT_COUNT; i++) {
        printf(".TP\n.B %s\n", limit_rows[i].name);
        put_troff(limit_rows[i].help);
        printf(".\n.br\nDefault %s,", value_text(value, i, limit_rows[i].fallback));
        printf(" from %s", value_text(value, i, limit_rows[i].least));
        printf(" to %s.\n", value_text(value, i, limit_rows[i].most));
    }
}

static void
print_manual(struct buf *value)
{
    printf(
        ".\\\" Printed from the tables of lib/conf by tools/manual.\n"
        ".TH VALIJA.CONF 5 2025\\-11\\-22 valija \"File Formats\"\n"
        ".SH NAME\nvalija.conf \\- what the machine of a valija mail server is\n"
        ".SH DESCRIPTION\n"
        "Read by\n.BR valija (1)\nat start and at SIGHUP. "
        "Domains, accounts and aliases are not in it: they are changed with the command while the "
        "service runs. An empty file, or none, is enough to start.\n"
        ".PP\n"
        "Each line is one directive: words with blanks between them. A word that has blanks itself "
        "stands in double quotes. Where a word begins with #, the rest of the line is a comment. "
        "The text is UTF\\-8. Relative paths start from the folder of the file.\n"
        ".PP\n"
        "The command\n.B valija config check\n"
        "prints every mistake with its line and column, and changes nothing.\n"
        ".SH DIRECTIVES\n");
    put_keys();
    printf(".SH PROTOCOLS\n");
    put_protocols();
    printf(".SH LIMITS\n"
           "Bytes may be written with K, M, G or T, each 1024 times the one before; seconds with "
           "s, m, h "
           "or d; milliseconds with ms or s.\n");
    put_limits(value);
    printf(".SH FILES\n.TP\n.I " CONF_FILE "\nthe file, unless\n.BR valija \" \" \\-c\n"
           "or the environment's VALIJA_CONF names another\n"
           ".SH EXAMPLES\n.nf\n");
    for (size_t i = 0; i < COUNT(keys); i++) {
        put_troff(keys[i].example);
        fputs(keys[i].example[0] ? "\n" : "", stdout);
    }
    printf(".fi\n.SH SEE ALSO\n.BR valija (1),\n.BR sendmail (1)\n");
}

int
main(int argc, char **argv)
{
    bool sample = argc == 2 && strcmp(argv[1], "sample") == 0;
    struct buf value;

    if (!sample && (argc != 2 || strcmp(argv[1], "manual") != 0)) {
        fprintf(stderr, "usage: print_manual sample|manual\n");
        return 64;
    }
    buf_init(&value, 64);
    (sample ? print_sample : print_manual)(&value);
    buf_clear(&value);
    return fflush(stdout) == 0 ? 0 : 74;
}
