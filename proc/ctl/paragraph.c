/* Characters are counted as the terminal does for the languages there are: a UTF-8 sequence is one.
 */
#include "paragraph.h"

static size_t
width_of(struct slice word)
{
    size_t n = 0;

    for (size_t i = 0; i < word.len; i++)
        n += (word.at[i] & 0xc0) != 0x80;
    return n;
}

static void
put_word(FILE *to, struct slice word)
{
    for (size_t i = 0; i < word.len; i++)
        fputc(word.at[i] < ' ' || word.at[i] == 0x7f ? '?' : word.at[i], to);
}

static void
print_line(FILE *to, unsigned indent, struct slice line)
{
    unsigned hanging = indent + (line.len > 2 && line.at[0] == '-' && line.at[1] == ' ' ? 2 : 0);
    size_t column = indent;
    struct slice word;

    fprintf(to, "%*s", (int)indent, "");
    for (bool first = true; line.len;) {
        size_t width;

        slice_cut(&line, ' ', &word);
        width = width_of(word);
        if (!first && column + 1 + width > PARAGRAPH_WIDTH) {
            fprintf(to, "\n%*s", (int)hanging, "");
            column = hanging;
        } else if (!first) {
            fputc(' ', to);
            column++;
        }
        put_word(to, word);
        column += width;
        first = false;
    }
    fputc('\n', to);
}

void
paragraph_print(FILE *to, unsigned indent, struct slice text)
{
    struct slice line;

    while (text.len) {
        slice_cut(&text, '\n', &line);
        print_line(to, indent, line);
    }
}
