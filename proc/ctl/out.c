/* Text that comes from strangers (senders, addresses) reaches a terminal only through clean(). */
#include "out.h"

#include <stdlib.h>
#include <time.h>

#include "base/ensure.h"
#include "base/paragraph.h"
#include "conf/conf.h"
#include "size.h"

enum { CELL_MAX = 512, COLUMNS_MAX = 16, PARAGRAPH_MAX = 1 << 20 };

json_t *
out_string(struct slice s)
{
    json_t *j = json_stringn(s.len ? (const char *)s.at : "", s.len);

    if (j)
        return j;
    char *copy = heap_take(s.len + 1);

    for (size_t i = 0; i < s.len; i++)
        copy[i] = (char)(s.at[i] < 0x80 ? s.at[i] : '?');
    j = json_stringn(copy, s.len);
    free(copy);
    return j;
}

json_t *
out_number(uint64_t n)
{
    return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

void
out_paragraph(unsigned indent, struct slice text)
{
    const struct paragraph terminal = {.indent = indent, .width = 80};
    struct buf lines;

    buf_init(&lines, PARAGRAPH_MAX);
    paragraph_put(&lines, &terminal, text);
    fwrite(lines.at + lines.start, 1, lines.len, stdout);
    buf_clear(&lines);
}

static void
write_json(const json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(3));
    fputc('\n', stdout);
}

void
out_json(json_t *object)
{
    write_json(object);
    json_decref(object);
}

/* Control characters could speak to the terminal. */
static void
clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

static void
write_time(json_int_t seconds, char cell[CELL_MAX])
{
    time_t at = (time_t)seconds;
    struct tm local;

    if (seconds && localtime_r(&at, &local))
        strftime(cell, CELL_MAX, "%Y-%m-%d %H:%M:%S", &local);
}

static void
write_list(const json_t *list, char cell[CELL_MAX])
{
    struct buf out = {.at = (uint8_t *)cell, .room = CELL_MAX - 1, .cap = CELL_MAX - 1};

    for (size_t i = 0; i < json_array_size(list); i++) {
        buf_put_string(&out, i ? " " : "");
        buf_put_string(&out, json_string_value(json_array_get(list, i)));
    }
    cell[out.len] = '\0';
}

static void
write_age(json_int_t since, char cell[CELL_MAX])
{
    json_int_t now = (json_int_t)time(NULL);

    size_format_age(since < now ? (uint64_t)(now - since) : 0, cell);
}

static void
write_span(json_int_t seconds, char cell[CELL_MAX])
{
    struct buf out = {.at = (uint8_t *)cell, .room = CELL_MAX - 1, .cap = CELL_MAX - 1};

    conf_value_put(&out, UNIT_SECONDS, (uint64_t)seconds);
    cell[out.len] = '\0';
}

static void
write_cell(const json_t *value, enum out_kind kind, char cell[CELL_MAX])
{
    json_int_t n = json_integer_value(value);

    cell[0] = '\0';
    if (!value || json_is_null(value))
        return;
    if (kind == OUT_TEXT)
        snprintf(cell, CELL_MAX, "%s", json_string_value(value));
    else if (kind == OUT_YES)
        snprintf(cell, CELL_MAX, "%s", json_is_true(value) ? text_get(TEXT_yes) : "");
    else if (kind == OUT_TIME)
        write_time(n, cell);
    else if (kind == OUT_AGE)
        write_age(n, cell);
    else if (kind == OUT_SPAN)
        write_span(n, cell);
    else if (kind == OUT_LIST)
        write_list(value, cell);
    else if (kind == OUT_QUOTA && n == 0)
        snprintf(cell, CELL_MAX, "%s", text_get(TEXT_no_limit));
    else if (kind == OUT_NUMBER)
        snprintf(cell, CELL_MAX, "%" JSON_INTEGER_FORMAT, n);
    else
        size_format((uint64_t)n, cell);
    clean(cell);
}

/* Characters of UTF-8 text. */
static int
width_of(const char *text)
{
    int width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static bool
is_flush_right(enum out_kind kind)
{
    return kind == OUT_NUMBER || kind == OUT_SIZE || kind == OUT_QUOTA || kind == OUT_AGE ||
           kind == OUT_SPAN;
}

static void
measure(json_t *rows, const struct out_column *columns, int widths[COLUMNS_MAX])
{
    char cell[CELL_MAX];

    for (size_t k = 0; columns[k].key; k++) {
        ensure(k < COLUMNS_MAX);
        widths[k] = width_of(text_get(columns[k].head));
        for (size_t i = 0; i < json_array_size(rows); i++) {
            json_t *value = json_object_get(json_array_get(rows, i), columns[k].key);
            int width;

            write_cell(value, columns[k].kind, cell);
            width = width_of(cell);
            widths[k] = width > widths[k] ? width : widths[k];
        }
    }
}

static void
print_cell(const char *cell, const struct out_column *column, int width)
{
    int pad = width - width_of(cell);
    bool last = !column[1].key;

    if (is_flush_right(column->kind))
        printf("%*s%s%s", pad, "", cell, last ? "" : "  ");
    else
        printf("%s%*s", cell, last ? 0 : pad + 2, "");
}

void
out_rows(const struct ctl *c, json_t *rows, const struct out_column *columns)
{
    int widths[COLUMNS_MAX];
    char cell[CELL_MAX];
    size_t count = json_array_size(rows);

    for (size_t i = 0; ctl_has(c, OPTION_json) && i < count; i++)
        write_json(json_array_get(rows, i));
    if (!ctl_has(c, OPTION_json) && count) {
        measure(rows, columns, widths);
        for (size_t k = 0; columns[k].key; k++)
            print_cell(text_get(columns[k].head), &columns[k], widths[k]);
        putchar('\n');
        for (size_t i = 0; i < count; i++) {
            json_t *row = json_array_get(rows, i);

            for (size_t k = 0; columns[k].key; k++) {
                write_cell(json_object_get(row, columns[k].key), columns[k].kind, cell);
                print_cell(cell, &columns[k], widths[k]);
            }
            putchar('\n');
        }
    }
    json_decref(rows);
}

void
out_object(const struct ctl *c, json_t *object, const struct out_column *columns)
{
    char cell[CELL_MAX];
    int width = 0;

    if (ctl_has(c, OPTION_json)) {
        out_json(object);
        return;
    }
    for (size_t k = 0; columns[k].key; k++) {
        int w = width_of(text_get(columns[k].head));

        width = w > width ? w : width;
    }
    for (size_t k = 0; columns[k].key; k++) {
        const char *head = text_get(columns[k].head);

        write_cell(json_object_get(object, columns[k].key), columns[k].kind, cell);
        if (cell[0])
            printf("%s:%*s%s\n", head, width - width_of(head) + 1, "", cell);
    }
    json_decref(object);
}
