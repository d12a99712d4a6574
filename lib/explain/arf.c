/* An abuse report (RFC 5965): somebody marked a message as unwanted. The fields name the recipient,
 * where the provider lets them; else the message they are about does. */
#include "explain/explain_private.h"
#include "mime/header.h"

static struct slice
find_recipient(struct slice header)
{
    static const char *const names[] = {"Original-Rcpt-To",   "Removal-Recipient",
                                        "Original-Recipient", "Delivered-To",
                                        "X-Original-To",      "To"};
    struct slice value, address, rest;

    for (size_t i = 0; i < COUNT(names); i++)
        if (mime_field_find(header, slice_of(names[i]), &value) &&
            text_find_address(value, &address, &rest))
            return address;
    return (struct slice){NULL, 0};
}

struct slice
arf_recipient(struct slice message)
{
    struct slice header, body;

    mime_header_cut(message, &header, &body);
    return find_recipient(header);
}

void
arf_read(struct session *s, struct slice report, struct slice original)
{
    struct slice type = {NULL, 0}, source = {NULL, 0}, recipient = find_recipient(report);
    struct finding *f;

    if (recipient.len == 0)
        recipient = arf_recipient(original);
    f = findings_get(&s->findings, recipient);
    if (!f)
        return;
    mime_field_find(report, SLICE("Feedback-Type"), &type);
    mime_field_find(report, SLICE("Reporting-MTA"), &source);
    f->form = s->explain->known[KNOWN_feedback];
    f->reply = type;
    text_take_host(&source, &f->remote);
}
