/* To whom a notice goes, and how it is handed to the queue. */
#include "base/ensure.h"
#include "mime/address.h"
#include "mime/header.h"
#include "notice_letter.h"

/* rfc3464#2-a: to the return path. What is held is for the postmaster of this server. */
bool
notice_address_put(struct buf *out, const struct courier_notify *ask)
{
    struct mime_address a;

    if (ask->kind == NOTICE_HELD)
        return buf_put_string(out, "postmaster");
    return mime_address_parse(ask->sender, &a) && mime_address_put(out, &a);
}

/* A mailbox that is full may have room tomorrow; what is gone stays so. */
static const enum notice_result results[] = {
    [ACCOUNTS_OK] = NOTICE_KEPT,
    [ACCOUNTS_NOT_LOCAL] = NOTICE_KEPT,
    [ACCOUNTS_NO_MAILBOX] = NOTICE_NOWHERE,
    [ACCOUNTS_SUSPENDED] = NOTICE_NOWHERE,
    [ACCOUNTS_DOMAIN_SUSPENDED] = NOTICE_NOWHERE,
    [ACCOUNTS_FULL] = NOTICE_LATER,
    [ACCOUNTS_WRONG] = NOTICE_NOWHERE,
    [ACCOUNTS_NOT_YOURS] = NOTICE_NOWHERE,
    [ACCOUNTS_LOOP] = NOTICE_NOWHERE,
    [ACCOUNTS_TEMPORARY] = NOTICE_LATER,
    [ACCOUNTS_NO_APOP] = NOTICE_NOWHERE,
    [ACCOUNTS_FORWARDS] = NOTICE_KEPT,
    [ACCOUNTS_MOVED] = NOTICE_NOWHERE,
    [ACCOUNTS_RETURN_OVER] = NOTICE_NOWHERE,
};

enum notice_result
notice_reader_find(struct notice_reader *reader, struct slice address,
                   const struct accounts_rcpt_answer *answer, struct buf *room)
{
    enum notice_result result =
        answer->verdict < COUNT(results) ? results[answer->verdict] : NOTICE_LATER;
    struct queue_target elsewhere = {.address = address};
    struct slice local, domain;

    if (result != NOTICE_KEPT)
        return result;
    mime_address_split(address, &local, &domain);
    *reader = (struct notice_reader){address, domain, answer->language, answer->targets};
    if (answer->verdict != ACCOUNTS_NOT_LOCAL)
        return reader->targets.len ? NOTICE_KEPT : NOTICE_NOWHERE;
    reader->domain = (struct slice){NULL, 0};
    if (domain.len == 0 || !msg_items_put(room, MSG_queue_target, &elsewhere))
        return NOTICE_NOWHERE;
    reader->targets = buf_slice(room);
    return NOTICE_KEPT;
}

/* Of the notice itself: not the message's. Parts of it carry the message's header as UTF-8, which
 * 8BITMIME is enough for; an address in its own header wants SMTPUTF8 (rfc6533#4-a). */
static uint32_t
flags_of(struct slice address, struct slice letter)
{
    struct slice header, body;

    mime_header_cut(letter, &header, &body);
    return (slice_is_ascii(letter) ? 0u : QUEUE_8BIT) |
           (slice_is_ascii(address) && slice_is_ascii(header) ? 0u : QUEUE_SMTPUTF8);
}

/* Which of the message's targets it tells of. */
static bool
put_told(struct buf *out, struct slice recipients)
{
    struct courier_told told;

    while (msg_items_take(&recipients, MSG_courier_told, &told))
        msg_items_put(out, MSG_queue_index, &(struct queue_index){told.index});
    return !out->full;
}

/* rfc3464#2-c: the null return path. rfc3461#5.2-a: nobody is told of what becomes of it. */
bool
notice_envelope_put(struct buf *out, const struct notice_facts *f, struct slice letter)
{
    enum { NOTIFY_NEVER = 1 };
    struct queue_recipient to = {
        .address = f->reader.address, .notify = NOTIFY_NEVER, .targets = f->reader.targets};
    struct queue_envelope e = {.received = (uint64_t)f->now,
                               .client = SLICE("local"),
                               .flags = flags_of(f->reader.address, letter),
                               .about = f->ask->id,
                               .notice = f->ask->kind};
    struct buf told, recipient;
    bool fine;

    buf_init(&told, MSG_FRAME_MAX);
    buf_init(&recipient, 2 * MSG_FRAME_MAX);
    fine =
        put_told(&told, f->ask->recipients) && msg_items_put(&recipient, MSG_queue_recipient, &to);
    e.told = buf_slice(&told);
    e.recipients = buf_slice(&recipient);
    fine = fine && msg_items_put(out, MSG_queue_envelope, &e);
    buf_clear(&told);
    buf_clear(&recipient);
    return fine;
}
