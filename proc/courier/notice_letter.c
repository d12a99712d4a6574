/* From what the queue knows of each recipient to the words of lib/bounce. A forward that keeps its
 * targets to itself is told once, however many it has. */
#include "notice_letter.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "mime/address.h"
#include "mime/header.h"

enum { RET_FULL = 1 };

static bool
is_held(const struct courier_notify *ask)
{
    return ask->kind == NOTICE_HELD;
}

static bool
told_is_sound(const struct courier_told *t, bool is_hidden)
{
    struct slice items = t->outcome;
    struct queue_outcome outcome;

    return msg_items_take(&items, MSG_queue_outcome, &outcome) && items.len == 0 &&
           (is_hidden ? t->written.len : t->address.len) > 0;
}

/* rfc3464#2-c: no notice about a message that came from nobody */
bool
notice_is_sound(const struct courier_notify *ask)
{
    struct slice items = ask->recipients;
    struct mime_address a;
    struct courier_told t;
    size_t count = 0;

    if (ask->kind > NOTICE_HELD || (!is_held(ask) && !mime_address_parse(ask->sender, &a)))
        return false;
    for (; msg_items_take(&items, MSG_courier_told, &t); count++)
        if (!told_is_sound(&t, t.hidden && !is_held(ask)))
            return false;
    return count > 0 && items.len == 0;
}

/* rfc3461#4.3-b: FULL counts where it failed */
static bool
wants_whole(const struct courier_notify *ask)
{
    return ask->kind == NOTICE_FAILED && ask->ret == RET_FULL && ask->body_size <= BOUNCE_WHOLE_MAX;
}

size_t
notice_original_size(const struct courier_notify *ask)
{
    if (wants_whole(ask) || ask->body_size < NOTICE_HEAD_MAX)
        return (size_t)ask->body_size;
    return NOTICE_HEAD_MAX;
}

static enum bounce_action
action_of(const struct courier_notify *ask, const struct courier_told *t)
{
    static const enum bounce_action actions[] = {
        [NOTICE_FAILED] = BOUNCE_failed,
        [NOTICE_DELAYED] = BOUNCE_delayed,
        [NOTICE_SUCCESS] = BOUNCE_delivered,
        [NOTICE_HELD] = BOUNCE_held,
    };

    return ask->kind == NOTICE_SUCCESS && t->relayed ? BOUNCE_relayed : actions[ask->kind];
}

static int64_t
until_of(const struct courier_notify *ask, const struct courier_told *t)
{
    bool is_meant = ask->kind == NOTICE_DELAYED || (ask->kind == NOTICE_FAILED && t->expired);

    return is_meant ? (int64_t)ask->until : 0;
}

static struct bounce_recipient
recipient_of(const struct courier_notify *ask, const struct courier_told *t)
{
    struct slice items = t->outcome;
    struct queue_outcome o = {0};
    struct bounce_recipient r;

    msg_items_take(&items, MSG_queue_outcome, &o);
    r = (struct bounce_recipient){
        .address = t->address,
        .written = t->written,
        .is_hidden = t->hidden && !is_held(ask), /* nothing is hidden from who runs the server */
        .orcpt = t->orcpt,
        .action = action_of(ask, t),
        .status = o.status,
        .reason = o.reason,
        .said = o.said,
        .is_ours = o.ours != 0,
        .remote = o.remote,
        .tried = (int64_t)o.tried,
        .until = until_of(ask, t),
    };
    if (ask->kind == NOTICE_SUCCESS)
        r.reason = SLICE("delivered");
    return r;
}

/* Another target of the same hidden forward is there already. */
static bool
is_known(const struct bounce_recipient *all, size_t count, const struct bounce_recipient *r)
{
    for (size_t i = 0; i < count && r->is_hidden; i++)
        if (all[i].is_hidden && slice_eq(all[i].written, r->written))
            return true;
    return false;
}

static size_t
count_told(struct slice items)
{
    struct courier_told t;
    size_t count = 0;

    while (msg_items_take(&items, MSG_courier_told, &t))
        count++;
    return count;
}

static size_t
read_recipients(const struct courier_notify *ask, struct bounce_recipient *to)
{
    struct slice items = ask->recipients;
    struct courier_told t;
    size_t count = 0;

    while (msg_items_take(&items, MSG_courier_told, &t)) {
        to[count] = recipient_of(ask, &t);
        count += !is_known(to, count, &to[count]);
    }
    return count;
}

/* Whose MAILER-DAEMON writes: the reader's own domain, where it is ours; to a stranger that of the
 * address he wrote to. */
static struct slice
domain_of(const struct notice_facts *f, const struct bounce_recipient *first)
{
    struct slice local, domain = f->reader.domain;

    if (domain.len == 0)
        mime_address_split(first->written, &local, &domain);
    return domain;
}

/* A stranger's mail says nothing of the postmaster's language. */
static void
choose_languages(const struct catalogue *c, const struct notice_facts *f, struct bounce *b)
{
    struct slice header = {NULL, 0}, body;

    if (!is_held(f->ask))
        mime_header_cut(f->original, &header, &body);
    notice_languages_choose(c, f->reader.language, header, b->languages);
}

bool
notice_letter_put(struct buf *out, const struct catalogue *c, const struct notice_facts *f)
{
    const struct courier_notify *ask = f->ask;
    struct bounce_recipient *recipients =
        heap_take(count_told(ask->recipients) * sizeof(*recipients));
    char reference[ID_REFERENCE_LEN + 1], postmaster[sizeof("postmaster@") + MIME_DOMAIN_MAX];
    struct bounce b = {
        .host = f->host,
        .sender = ask->sender,
        .envid = ask->envid,
        .wants_whole = wants_whole(ask) && f->original.len == ask->body_size,
        .arrived = (int64_t)ask->received,
        .recipients = recipients,
        .count = read_recipients(ask, recipients),
        .original = f->original,
        .id = f->id,
        .now = f->now,
        .offset = f->offset,
    };
    bool fine;

    b.domain = domain_of(f, &recipients[0]);
    id_reference(ask->id, reference);
    b.reference = slice_of(reference);
    if (is_held(ask)) {
        snprintf(postmaster, sizeof(postmaster), "postmaster@%.*s", (int)f->host.len,
                 (const char *)f->host.at);
        b.postmaster = slice_of(postmaster);
        b.held = ask->id;
    }
    choose_languages(c, f, &b);
    fine = bounce_put(out, c, &b);
    free(recipients);
    return fine;
}
