/* Replies and troubles become outcomes here and nowhere else. */
#include "smtp/outcome.h"

#include "base/ensure.h"
#include "mime/utf8.h"

static const struct smtp_stage_row stages[] = {
#define STAGE(name, word, write, answer) [SMTP_STAGE_##name] = {word, write, answer},
#include "smtp/stage.def"
#undef STAGE
};

static const struct smtp_trouble_row troubles[] = {
    [SMTP_TROUBLE_NONE] = {"", "", ""},
#define TROUBLE(name, code, id, words) [SMTP_TROUBLE_##name] = {code, id, words},
#include "smtp/trouble.def"
#undef TROUBLE
};

const struct smtp_stage_row *
smtp_stage_row(enum smtp_stage s)
{
    ensure(s < SMTP_STAGE_COUNT);
    return &stages[s];
}

const struct smtp_trouble_row *
smtp_trouble_row(enum smtp_trouble t)
{
    ensure(t > SMTP_TROUBLE_NONE && t < SMTP_TROUBLE_COUNT);
    return &troubles[t];
}

const char *
smtp_verdict_word(enum smtp_verdict v)
{
    static const char *const words[] = {
        [SMTP_VERDICT_UNDECIDED] = "undecided", [SMTP_VERDICT_DELIVERED] = "delivered",
        [SMTP_VERDICT_TEMPORARY] = "temporary", [SMTP_VERDICT_PERMANENT] = "permanent",
        [SMTP_VERDICT_UNKNOWN] = "unknown",
    };

    ensure(v < COUNT(words));
    return words[v];
}

/* On one line, and cut between characters. */
static struct slice
keep(struct slice text, struct arena *a)
{
    uint8_t room[SMTP_SAID_MAX];
    struct buf kept = {.at = room, .room = sizeof(room), .cap = sizeof(room)};

    mime_utf8_put_most(&kept, text);
    for (size_t i = 0; i < kept.len; i++)
        if (room[i] == '\n')
            room[i] = ' ';
    return arena_copy(a, slice_trim(buf_slice(&kept)));
}

/* Only the code decides, never the text: rfc5321#4.2-b. */
struct smtp_outcome
smtp_outcome_of_reply(const struct smtp_reply *r, enum smtp_stage stage, struct arena *a)
{
    struct smtp_outcome o = {.stage = stage, .code = r->code};

    if (smtp_reply_class(r) == 4)
        o.verdict = SMTP_VERDICT_TEMPORARY;
    if (smtp_reply_class(r) == 5)
        o.verdict = SMTP_VERDICT_PERMANENT;
    memcpy(o.enhanced, r->enhanced, sizeof(o.enhanced));
    o.text = keep(buf_slice(&r->text), a);
    return o;
}

struct smtp_outcome
smtp_outcome_of_trouble(enum smtp_trouble t, struct slice words, enum smtp_stage stage,
                        struct arena *a)
{
    const struct smtp_trouble_row *row = smtp_trouble_row(t);
    struct smtp_outcome o = {.stage = stage, .trouble = t};

    o.verdict = row->code[0] == '5' ? SMTP_VERDICT_PERMANENT : SMTP_VERDICT_TEMPORARY;
    slice_to_string(slice_of(row->code), o.enhanced, sizeof(o.enhanced));
    o.text = words.len ? keep(words, a) : slice_of(row->words);
    return o;
}
