/* To whom a notice goes, what it says, and how it is handed to the queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "notice_letter.h"
#include "test/bounce/notice.h"

#define ABOUT UINT64_C(217000000000000002)

static struct catalogue *catalogue;

static int
set_up(void **state)
{
    (void)state;
    catalogue = catalogue_built_in();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    catalogue_free(catalogue);
    return 0;
}

/* ---- what is asked for ---- */

static const char original[] = "From: Ana <ana@here.example>\r\n"
                               "Subject: Roofs\r\n"
                               "Content-Language: es\r\n"
                               "Message-ID: <1.roof@here.example>\r\n"
                               "\r\n"
                               "The secret body\r\n";

/* An ask, with the recipients' texts that it points to. */
struct asked {
    struct courier_notify ask;
    struct buf recipients;
};

static const struct queue_outcome no_mailbox = {
    .attempts = 1,
    .tried = 1795383600,
    .reason = {(const uint8_t *)"no-mailbox", 10},
    .status = {(const uint8_t *)"5.1.1", 5},
    .remote = {(const uint8_t *)"mx.there.example [192.0.2.1]", 28},
    .said = {(const uint8_t *)"550 5.1.1 nobody of that name", 29},
};

static void
begin(struct asked *a, enum notice_kind kind)
{
    a->ask = (struct courier_notify){.id = ABOUT,
                                     .kind = kind,
                                     .sender = SLICE("ana@here.example"),
                                     .received = 1795380000,
                                     .until = 1795390000,
                                     .body_size = sizeof(original) - 1};
    buf_init(&a->recipients, MSG_FRAME_MAX);
}

static void
add(struct asked *a, struct courier_told told, const struct queue_outcome *outcome)
{
    struct buf room;

    buf_init(&room, MSG_FRAME_MAX);
    if (outcome)
        assert_true(msg_items_put(&room, MSG_queue_outcome, outcome));
    told.outcome = buf_slice(&room);
    assert_true(msg_items_put(&a->recipients, MSG_courier_told, &told));
    a->ask.recipients = buf_slice(&a->recipients);
    buf_clear(&room);
}

static struct courier_told
bob(void)
{
    return (struct courier_told){
        .index = 7, .address = SLICE("bob@there.example"), .written = SLICE("bob@there.example")};
}

static void
end(struct asked *a)
{
    buf_clear(&a->recipients);
}

static struct notice_facts
facts_of(const struct asked *a)
{
    return (struct notice_facts){
        .ask = &a->ask,
        .reader = {.address = SLICE("ana@here.example"),
                   .domain = SLICE("here.example"),
                   .language = SLICE("en")},
        .host = SLICE("mail.here.example"),
        .original = slice_head(slice_of(original), notice_original_size(&a->ask)),
        .id = 1,
        .now = 1795383605,
    };
}

/* The letter, which is well-formed and has so many recipients. */
static struct slice
written(const struct notice_facts *f, struct buf *out, size_t recipients)
{
    const char *fault;

    buf_init(out, NOTICE_LETTER_MAX);
    assert_true(notice_letter_put(out, catalogue, f));
    fault = notice_fault(buf_slice(out), recipients);
    if (fault)
        fail_msg("%s", fault);
    return buf_slice(out);
}

static bool
holds(struct slice text, const char *part)
{
    return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

static void
what_is_malformed_or_from_nobody_gets_no_notice(void **state)
{
    static const struct {
        const char *why;
        uint32_t kind;
        const char *sender, *address, *written;
        uint32_t hidden;
        bool has_outcome, sound;
    } rows[] = {
        {"all is there", NOTICE_FAILED, "ana@here.example", "b@x.example", "", 0, true, true},
        {"the null sender", NOTICE_FAILED, "", "b@x.example", "", 0, true, false},
        {"the null sender of what is held", NOTICE_HELD, "", "b@x.example", "", 0, true, true},
        {"a sender that is no address", NOTICE_DELAYED, "ana", "b@x.example", "", 0, true, false},
        {"no such kind", NOTICE_HELD + 1, "ana@here.example", "b@x.example", "", 0, true, false},
        {"no address", NOTICE_FAILED, "ana@here.example", "", "c@x.example", 0, true, false},
        {"hidden by nothing", NOTICE_FAILED, "ana@here.example", "b@x.example", "", 1, true, false},
        {"hidden", NOTICE_FAILED, "ana@here.example", "b@x.example", "c@x.example", 1, true, true},
        {"no outcome", NOTICE_FAILED, "ana@here.example", "b@x.example", "", 0, false, false},
    };
    struct asked a;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct courier_told told = {.address = slice_of(rows[i].address),
                                    .written = slice_of(rows[i].written),
                                    .hidden = rows[i].hidden};

        begin(&a, NOTICE_FAILED);
        a.ask.kind = rows[i].kind;
        a.ask.sender = slice_of(rows[i].sender);
        assert_false(notice_is_sound(&a.ask));
        add(&a, told, rows[i].has_outcome ? &no_mailbox : NULL);
        if (notice_is_sound(&a.ask) != rows[i].sound)
            fail_msg("%s", rows[i].why);
        a.ask.recipients.len--;
        assert_false(notice_is_sound(&a.ask));
        end(&a);
    }
}

static void
each_kind_says_what_became_of_whom(void **state)
{
    static const struct {
        const char *why;
        enum notice_kind kind;
        uint32_t relayed, expired;
        const char *there, *not_there;
    } rows[] = {
        {"failed", NOTICE_FAILED, 0, 0, "Action: failed", "We kept trying until"},
        {"given up", NOTICE_FAILED, 0, 1, "We kept trying until 22 November 2026", "until {"},
        {"late", NOTICE_DELAYED, 0, 0, "Will-Retry-Until: Sun, 22 Nov 2026 23:26:40",
         "Action: failed"},
        {"delivered", NOTICE_SUCCESS, 0, 0, "Action: delivered", "no-mailbox"},
        {"relayed", NOTICE_SUCCESS, 1, 0, "Action: relayed", "Action: delivered"},
        {"held", NOTICE_HELD, 0, 0, "valija queue release 060qgb6p45002", "Will-Retry-Until"},
        {"held, to whom", NOTICE_HELD, 0, 0, "To: <postmaster@mail.here.example>", "To: <ana@"},
    };
    char reference[ID_REFERENCE_LEN + 1];
    struct asked a;

    (void)state;
    id_reference(ABOUT, reference); /* by which the message is traced */
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct courier_told told = bob();
        struct notice_facts f;
        struct slice letter;
        struct buf out;

        told.relayed = rows[i].relayed;
        told.expired = rows[i].expired;
        begin(&a, rows[i].kind);
        add(&a, told, &no_mailbox);
        f = facts_of(&a);
        letter = written(&f, &out, 1);
        if (!holds(letter, rows[i].there) || holds(letter, rows[i].not_there))
            fail_msg("%s:\n%.*s", rows[i].why, (int)letter.len, (const char *)letter.at);
        assert_true(holds(letter, reference));
        buf_clear(&out);
        end(&a);
    }
}

/* rfc3461#4.3-b */
static void
the_whole_message_comes_back_only_where_it_may(void **state)
{
    static const struct {
        const char *why;
        enum notice_kind kind;
        uint32_t ret;
        uint64_t size;
        size_t needed;
        bool whole;
    } rows[] = {
        {"failed, FULL", NOTICE_FAILED, 1, sizeof(original) - 1, sizeof(original) - 1, true},
        {"failed, HDRS", NOTICE_FAILED, 2, sizeof(original) - 1, sizeof(original) - 1, false},
        {"failed, not said", NOTICE_FAILED, 0, sizeof(original) - 1, sizeof(original) - 1, false},
        {"late, FULL", NOTICE_DELAYED, 1, sizeof(original) - 1, sizeof(original) - 1, false},
        {"held, FULL", NOTICE_HELD, 1, sizeof(original) - 1, sizeof(original) - 1, false},
        {"as large as may be", NOTICE_FAILED, 1, BOUNCE_WHOLE_MAX, BOUNCE_WHOLE_MAX, false},
        {"larger", NOTICE_FAILED, 1, BOUNCE_WHOLE_MAX + 1, NOTICE_HEAD_MAX, false},
        {"a header is enough", NOTICE_FAILED, 2, 1 << 20, NOTICE_HEAD_MAX, false},
        {"not all of it could be read", NOTICE_FAILED, 1, sizeof(original), sizeof(original),
         false},
    };
    struct asked a;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct notice_facts f;
        struct slice letter;
        struct buf out;

        begin(&a, rows[i].kind);
        a.ask.ret = rows[i].ret;
        a.ask.body_size = rows[i].size;
        add(&a, bob(), &no_mailbox);
        if (notice_original_size(&a.ask) != rows[i].needed)
            fail_msg("%s: %zu", rows[i].why, notice_original_size(&a.ask));
        f = facts_of(&a);
        f.original = slice_of(original);
        letter = written(&f, &out, 1);
        assert_true(holds(letter, "Subject: Roofs"));
        if (holds(letter, "The secret body") != rows[i].whole)
            fail_msg("%s", rows[i].why);
        buf_clear(&out);
        end(&a);
    }
}

/* rfc3464#4.2-a */
static void
a_hidden_forward_is_told_once_and_hides_its_targets(void **state)
{
    struct courier_told told = {.address = SLICE("one@secret.example"),
                                .written = SLICE("sales@here.example"),
                                .hidden = 1};
    struct asked a;
    struct notice_facts f;
    struct slice letter;
    struct buf out;

    (void)state;
    begin(&a, NOTICE_FAILED);
    add(&a, told, &no_mailbox);
    told.address = SLICE("two@secret.example");
    add(&a, told, &no_mailbox);
    add(&a, bob(), &no_mailbox);
    f = facts_of(&a);
    letter = written(&f, &out, 2);
    assert_true(holds(letter, "Final-Recipient: rfc822; sales@here.example"));
    assert_false(holds(letter, "secret.example"));
    buf_clear(&out);
    a.ask.kind = NOTICE_HELD; /* who runs the server must know */
    letter = written(&f, &out, 3);
    assert_true(holds(letter, "two@secret.example"));
    buf_clear(&out);
    end(&a);
}

static void
the_languages_are_those_of_the_reader_and_his_message(void **state)
{
    static const struct {
        const char *why;
        enum notice_kind kind;
        const char *known, *there;
    } rows[] = {
        {"his own", NOTICE_FAILED, "en", "Content-Language: en\r\n"},
        {"his message's", NOTICE_FAILED, "", "Content-Language: es\r\n"},
        {"the postmaster did not write it", NOTICE_HELD, "", "Content-Language: en, es\r\n"},
        {"the postmaster's own", NOTICE_HELD, "es", "Content-Language: es\r\n"},
    };
    struct asked a;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct notice_facts f;
        struct buf out;

        begin(&a, rows[i].kind);
        add(&a, bob(), &no_mailbox);
        f = facts_of(&a);
        f.reader.language = slice_of(rows[i].known);
        if (!holds(written(&f, &out, 1), rows[i].there))
            fail_msg("%s", rows[i].why);
        buf_clear(&out);
        end(&a);
    }
}

/* ---- to whom ---- */

static void
a_notice_goes_to_a_mailbox_or_elsewhere_or_nowhere(void **state)
{
    static const struct {
        const char *why;
        uint32_t verdict;
        const char *address;
        bool has_targets;
        enum notice_result result;
        const char *domain, *elsewhere;
    } rows[] = {
        {"a mailbox", ACCOUNTS_OK, "a@here.example", true, NOTICE_KEPT, "here.example", ""},
        {"and a forward", ACCOUNTS_FORWARDS, "a@here.example", true, NOTICE_KEPT, "here.example",
         ""},
        {"nothing behind it", ACCOUNTS_OK, "a@here.example", false, NOTICE_NOWHERE, "", ""},
        {"elsewhere", ACCOUNTS_NOT_LOCAL, "a@x.example", false, NOTICE_KEPT, "", "a@x.example"},
        {"no domain of ours", ACCOUNTS_NOT_LOCAL, "postmaster", false, NOTICE_NOWHERE, "", ""},
        {"our postmaster", ACCOUNTS_OK, "postmaster", true, NOTICE_KEPT, "", ""},
        {"gone", ACCOUNTS_NO_MAILBOX, "a@here.example", false, NOTICE_NOWHERE, "", ""},
        {"a return address of long ago", ACCOUNTS_RETURN_OVER, "a@here.example", false,
         NOTICE_NOWHERE, "", ""},
        {"moved", ACCOUNTS_MOVED, "a@here.example", false, NOTICE_NOWHERE, "", ""},
        {"full", ACCOUNTS_FULL, "a@here.example", false, NOTICE_LATER, "", ""},
        {"not now", ACCOUNTS_TEMPORARY, "a@here.example", false, NOTICE_LATER, "", ""},
        {"a verdict nobody knows", 99, "a@here.example", false, NOTICE_LATER, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct accounts_rcpt_answer answer = {
            .verdict = rows[i].verdict,
            .targets = slice_of(rows[i].has_targets ? "(targets)" : ""),
            .language = SLICE("es"),
        };
        struct notice_reader reader = {0};
        struct queue_target target = {0};
        struct buf room;

        buf_init(&room, MSG_FRAME_MAX);
        if (notice_reader_find(&reader, slice_of(rows[i].address), &answer, &room) !=
            rows[i].result)
            fail_msg("%s", rows[i].why);
        if (rows[i].result == NOTICE_KEPT) {
            assert_true(slice_eq(reader.domain, slice_of(rows[i].domain)));
            assert_true(slice_eq(reader.language, SLICE("es")));
            if (rows[i].has_targets)
                assert_true(slice_eq(reader.targets, SLICE("(targets)")));
            else
                assert_true(msg_items_take(&reader.targets, MSG_queue_target, &target));
            assert_true(slice_eq(target.address, slice_of(rows[i].elsewhere)));
        }
        buf_clear(&room);
    }
}

static void
the_address_is_written_in_the_one_way(void **state)
{
    static const struct {
        enum notice_kind kind;
        const char *sender, *address;
    } rows[] = {
        {NOTICE_FAILED, "Ana@Here.EXAMPLE", "Ana@here.example"},
        {NOTICE_FAILED,
         "jos\xc3\xa9@ma\xc3\xb1"
         "ana.example",
         "jos\xc3\xa9@xn--maana-pta.example"},
        {NOTICE_FAILED, "\"a b\"@here.example", "\"a b\"@here.example"},
        {NOTICE_FAILED, "a@[192.0.2.1]", "a@[192.0.2.1]"},
        {NOTICE_FAILED, "a@here.example, b@here.example", NULL},
        {NOTICE_HELD, "", "postmaster"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct courier_notify ask = {.kind = rows[i].kind, .sender = slice_of(rows[i].sender)};
        struct buf out;

        buf_init(&out, 300);
        assert_int_equal(notice_address_put(&out, &ask), rows[i].address != NULL);
        if (rows[i].address && !slice_eq(buf_slice(&out), slice_of(rows[i].address)))
            fail_msg("%s", rows[i].sender);
        buf_clear(&out);
    }
}

/* rfc3464#2-c rfc3461#5.2-a */
static void
it_is_submitted_from_nobody_and_about_what_it_tells_of(void **state)
{
    static const struct {
        const char *why, *address, *letter;
        uint32_t flags;
    } rows[] = {
        {"all ASCII", "a@x.example", "To: a\r\n\r\nx\r\n", 0},
        {"an 8-bit part", "a@x.example", "To: a\r\n\r\n\xc3\xb1\r\n", QUEUE_8BIT},
        {"an address in its header", "a@x.example", "To: \xc3\xb1\r\n\r\nx\r\n",
         QUEUE_8BIT | QUEUE_SMTPUTF8},
        {"the reader's address", "\xc3\xb1@x.example", "To: a\r\n\r\nx\r\n", QUEUE_SMTPUTF8},
    };
    struct asked a;

    (void)state;
    begin(&a, NOTICE_DELAYED);
    add(&a, bob(), &no_mailbox);
    add(&a, (struct courier_told){.index = 9, .address = SLICE("c@x.example")}, &no_mailbox);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct notice_facts f = facts_of(&a);
        struct queue_envelope e;
        struct queue_recipient r;
        struct queue_index told[2];
        struct slice bytes;
        struct buf out;

        f.reader.address = slice_of(rows[i].address);
        f.reader.targets = SLICE("(targets)");
        buf_init(&out, MSG_FRAME_MAX);
        assert_true(notice_envelope_put(&out, &f, slice_of(rows[i].letter)));
        bytes = buf_slice(&out);
        assert_true(msg_items_take(&bytes, MSG_queue_envelope, &e) && bytes.len == 0);
        assert_true(e.sender.len == 0 && e.login.len == 0 && e.lifetime == 0);
        assert_true(e.about == ABOUT && e.notice == NOTICE_DELAYED && e.received == 1795383605);
        assert_true(msg_items_take(&e.told, MSG_queue_index, &told[0]));
        assert_true(msg_items_take(&e.told, MSG_queue_index, &told[1]) && e.told.len == 0);
        assert_true(told[0].index == 7 && told[1].index == 9);
        assert_true(msg_items_take(&e.recipients, MSG_queue_recipient, &r) && !e.recipients.len);
        assert_true(slice_eq(r.address, f.reader.address) && r.notify == 1);
        assert_true(slice_eq(r.targets, f.reader.targets));
        if (e.flags != rows[i].flags)
            fail_msg("%s", rows[i].why);
        buf_clear(&out);
    }
    end(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_malformed_or_from_nobody_gets_no_notice),
        cmocka_unit_test(each_kind_says_what_became_of_whom),
        cmocka_unit_test(the_whole_message_comes_back_only_where_it_may),
        cmocka_unit_test(a_hidden_forward_is_told_once_and_hides_its_targets),
        cmocka_unit_test(the_languages_are_those_of_the_reader_and_his_message),
        cmocka_unit_test(a_notice_goes_to_a_mailbox_or_elsewhere_or_nowhere),
        cmocka_unit_test(the_address_is_written_in_the_one_way),
        cmocka_unit_test(it_is_submitted_from_nobody_and_about_what_it_tells_of),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
