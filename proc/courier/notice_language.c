/* languages = language *( "," language )
 * language  = tag [ ";" "q" "=" weight ]            a tag of Content-Language has no weight
 * weight    = ( "0" / "1" ) [ "." 0*3DIGIT ]
 * The heaviest language that we speak; of equals the leftmost. Blanks and comments may stand
 * anywhere. */
#include "mime/header.h"
#include "mime/value.h"
#include "notice_letter.h"

enum { LANGUAGES_MAX = 16, WEIGHT_MOST = 1000, WEIGHT_DIGITS = 3 };

struct ours {
    struct slice of[LANGUAGES_MAX];
    size_t count;
};

/* "es" for "es-PE": what is more precise than we can be is cut off (RFC 4647 3.4). Empty: we do not
 * speak it. */
static struct slice
find(const struct ours *ours, struct slice tag)
{
    for (ptrdiff_t end; tag.len; tag.len = end < 0 ? 0 : (size_t)end) {
        for (size_t i = 0; i < ours->count; i++)
            if (slice_eq_nocase(tag, ours->of[i]))
                return ours->of[i];
        end = slice_find_last(tag, '-');
    }
    return tag;
}

/* In thousandths. */
static unsigned
weight_of(struct slice number)
{
    unsigned weight = 0, unit = WEIGHT_MOST;

    for (size_t i = 0; i < number.len && i < 2 + WEIGHT_DIGITS; i++) {
        if (i == 1 && number.at[i] == '.')
            continue;
        if (!ascii_is_digit(number.at[i]))
            return 0;
        weight += unit * (number.at[i] - '0');
        unit /= 10;
    }
    return weight < WEIGHT_MOST ? weight : WEIGHT_MOST;
}

static unsigned
take_weight(struct slice *value)
{
    struct slice name, number;

    if (!mime_sign_take(value, ';'))
        return WEIGHT_MOST;
    if (!mime_token_take(value, &name) || !slice_eq_nocase(name, SLICE("q")) ||
        !mime_sign_take(value, '=') || !mime_token_take(value, &number))
        return 0;
    return weight_of(number);
}

static struct slice
best_of(const struct ours *ours, struct slice value)
{
    struct slice best = {NULL, 0}, tag;
    unsigned most = 0;

    do {
        struct slice language = {NULL, 0};
        unsigned weight;

        if (mime_token_take(&value, &tag))
            language = find(ours, tag);
        weight = take_weight(&value);
        if (language.len && weight > most) {
            best = language;
            most = weight;
        }
    } while (mime_sign_take(&value, ','));
    return best;
}

void
notice_languages_choose(const struct catalogue *c, struct slice known, struct slice header,
                        struct slice languages[BOUNCE_LANGUAGES])
{
    static const char *const fields[] = {"Content-Language", "Accept-Language"};
    struct slice best, value;
    struct ours ours;

    ours.count = catalogue_languages(c, ours.of, COUNT(ours.of));
    best = find(&ours, known);
    for (size_t i = 0; i < COUNT(fields) && best.len == 0; i++)
        if (mime_field_find(header, slice_of(fields[i]), &value))
            best = best_of(&ours, value);
    for (size_t i = 0; i < BOUNCE_LANGUAGES; i++)
        languages[i] = i < ours.count && best.len == 0 ? ours.of[i] : (struct slice){NULL, 0};
    if (best.len)
        languages[0] = best;
}
