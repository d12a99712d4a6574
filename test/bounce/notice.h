/* What must hold for every notice, whatever strangers wrote. For unit tests and the fuzzer. */
#ifndef TEST_BOUNCE_NOTICE_H
#define TEST_BOUNCE_NOTICE_H

#include "base/buf.h"
#include "mime/header.h"
#include "mime/walk.h"

enum { NOTICE_LINE_MAX = 998, NOTICE_PARTS = 64 };

static const char *
notice_line_fault(struct slice notice)
{
    struct slice line;

    while (notice.len) {
        if (!slice_cut(&notice, '\n', &line) || !line.len || line.at[line.len - 1] != '\r')
            return "a line does not end in CR LF";
        line.len--;
        if (slice_find(line, '\r') >= 0 || slice_find(line, '\0') >= 0)
            return "a line holds CR or NUL";
        if (line.len > NOTICE_LINE_MAX)
            return "a line is too long";
    }
    return NULL;
}

/* Each field is one of ours, and none comes twice. */
static const char *
notice_field_fault(struct slice header, const char *const *names, size_t count)
{
    struct mime_field field;
    unsigned seen = 0;

    while (mime_field_take(&header, &field)) {
        size_t i = 0;

        while (i < count && !slice_eq(field.name, slice_of(names[i])))
            i++;
        if (i == count || seen & 1U << i)
            return "a field is not ours, or comes twice";
        seen |= 1U << i;
    }
    return seen ? NULL : "no fields";
}

static const char *
notice_header_fault(struct slice header)
{
    static const char *const names[] = {
        "From",           "Reply-To",     "To",           "Subject",
        "Date",           "Message-ID",   "In-Reply-To",  "References",
        "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};

    return notice_field_fault(header, names, COUNT(names));
}

static const char *
notice_status_fault(struct slice body, size_t recipients)
{
    static const char *const of_message[] = {"Original-Envelope-Id", "Reporting-MTA",
                                             "Arrival-Date", "X-Valija-Reference"};
    static const char *const of_recipient[] = {"Original-Recipient",
                                               "Final-Recipient",
                                               "Action",
                                               "Status",
                                               "Remote-MTA",
                                               "Diagnostic-Code",
                                               "Last-Attempt-Date",
                                               "Will-Retry-Until",
                                               "X-Valija-Reason"};
    const char *fault = NULL;
    struct slice group;
    size_t groups = 0;

    for (; !fault && mime_group_take(&body, &group); groups++)
        fault = groups ? notice_field_fault(group, of_recipient, COUNT(of_recipient))
                       : notice_field_fault(group, of_message, COUNT(of_message));
    if (!fault && groups != recipients + 1)
        fault = "not as many groups as recipients";
    return fault;
}

/* Its parts (rfc6522#3-a), how many there are, and those of the message within it. */
static size_t
notice_parts(struct slice notice, struct mime_part parts[NOTICE_PARTS], size_t *own)
{
    size_t count = mime_walk(notice, parts, NOTICE_PARTS);

    *own = 0;
    for (size_t i = 1; i < count; i++)
        *own += parts[i].parent == 0;
    return count;
}

/* What is wrong with it; NULL: nothing. */
static const char *
notice_fault(struct slice notice, size_t recipients)
{
    struct mime_part parts[NOTICE_PARTS];
    const char *fault = notice_line_fault(notice);
    size_t own, count = notice_parts(notice, parts, &own);

    if (fault)
        return fault;
    if (count < 3 || own < 2 || own > 3 ||
        !mime_part_is(&parts[0], SLICE("multipart"), SLICE("report")) ||
        !mime_part_is(&parts[1], SLICE("text"), SLICE("plain")) ||
        (!mime_part_is(&parts[2], SLICE("message"), SLICE("delivery-status")) &&
         !mime_part_is(&parts[2], SLICE("message"), SLICE("global-delivery-status"))))
        return "not the parts of a report";
    fault = notice_header_fault(parts[0].header);
    return fault ? fault : notice_status_fault(parts[2].body, recipients);
}

#endif
