/* The process itself, in its jail, asked over its channels as the other roles ask it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "credentials.h"
#include "mime/address.h"
#include "role/spawn.h"
#include "test_folder.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { ANSWER_MS = 20000 };

static pid_t pid;
static int control, ctl, edge;
static struct buf room;
static union msg_any answer;

static void
send_control(enum msg_type type, const void *message, int fd)
{
    struct buf frame;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } pass = {0};
    struct iovec part;
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

    buf_init(&frame, MSG_FRAME_MAX);
    assert_true(msg_frame_put(&frame, (struct msg_header){.type = type}, message));
    part = (struct iovec){frame.at, frame.len};
    if (fd >= 0) {
        m.msg_control = pass.bytes;
        m.msg_controllen = sizeof(pass.bytes);
        *CMSG_FIRSTHDR(&m) = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(fd));
    }
    assert_int_equal(sendmsg(control, &m, 0), frame.len);
    buf_clear(&frame);
}

/* A new channel from a role; the other end is the accounts process's. */
static int
connect_as(enum role_id id, unsigned index)
{
    int ends[2];

    assert_false(err_is(role_socketpair(ends)));
    send_control(MSG_role_peer, &(struct role_peer){id, index, 1}, ends[1]);
    close(ends[1]);
    return ends[0];
}

static void
begin(void)
{
    static char path[4096];
    struct role_boot boot;
    struct pollfd ready = {.events = POLLIN};

    assert_false(err_is(role_boot_prepare(ROLE_accounts, test_folder, test_folder, true, &boot,
                                          path, sizeof(path))));
    assert_false(err_is(role_spawn(ROLE_accounts, 0, &pid, &control)));
    send_control(MSG_role_boot, &boot, -1);
    send_control(MSG_role_host, &(struct role_host){SLICE("mail.example.com")}, -1);
    ctl = connect_as(ROLE_ctl, 1);
    edge = connect_as(ROLE_access, 0);
    send_control(MSG_role_go, &(struct role_go){1}, -1);
    ready.fd = control;
    assert_int_equal(poll(&ready, 1, ANSWER_MS), 1);
}

static int
end_with(int signal)
{
    int how = 0;

    if (signal)
        kill(pid, signal);
    else
        send_control(MSG_role_stop, &(struct role_stop){5}, -1);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    close(control);
    close(ctl);
    close(edge);
    return how;
}

static int
enter(void **state)
{
    (void)state;
    if (SANITIZED)
        return 0; /* the jail has no room for a sanitizer */
    test_folder_enter();
    assert_int_equal(chmod(test_folder, 0711), 0);
    buf_init(&room, 2 * MSG_FRAME_MAX);
    begin();
    return 0;
}

static int
leave(void **state)
{
    (void)state;
    if (SANITIZED)
        return 0;
    end_with(SIGKILL);
    buf_clear(&room);
    assert_int_equal(chdir("directory"), 0);
    test_folder_count("", true);
    assert_int_equal(chdir(".."), 0);
    rmdir("directory");
    test_folder_leave();
    return 0;
}

static void
ask(int fd, enum msg_type type, const void *message, enum msg_type expected)
{
    if (!chan_ask_now(fd, type, message, -1, expected, &answer, NULL, &room, ANSWER_MS))
        fail_msg("%s was not answered", msg_name(type));
}

static enum directory_result
change(enum msg_type type, const void *message)
{
    ask(ctl, type, message, MSG_directory_done);
    return (enum directory_result)answer.directory_done.result;
}

static enum accounts_verdict
log_in(int fd, const char *user, const char *password)
{
    struct accounts_login m = {slice_of(user), slice_of(password)};

    ask(fd, MSG_accounts_login, &m, MSG_accounts_login_answer);
    return (enum accounts_verdict)answer.accounts_login_answer.verdict;
}

static uint64_t
status_of(const char *name)
{
    struct role_value v;

    ask(ctl, MSG_role_status, &(struct role_status){}, MSG_role_status_answer);
    for (struct slice items = answer.role_status_answer.values;
         msg_items_take(&items, MSG_role_value, &v);)
        if (slice_eq(v.name, slice_of(name)))
            return v.value;
    fail_msg("there is no value %s", name);
    return 0;
}

static void
add_ana(void)
{
    struct directory_domain_add domain = {SLICE("example.com")};
    struct directory_account_add ana = {.address = SLICE("ana@example.com"),
                                        .password = SLICE("correct horse"),
                                        .quota = UINT64_MAX};

    assert_int_equal(change(MSG_directory_domain_add, &domain), DIRECTORY_OK);
    assert_int_equal(change(MSG_directory_account_add, &ana), DIRECTORY_OK);
}

static void
passwords_are_checked_and_remembered(void **state)
{
    static const struct {
        const char *why, *user, *password;
        enum accounts_verdict verdict;
        uint64_t cached; /* so far */
    } rows[] = {
        {"right", "ana@example.com", "correct horse", ACCOUNTS_OK, 0},
        {"again", "Ana@Example.com", "correct horse", ACCOUNTS_OK, 1},
        {"with a percent sign", "ana%example.com", "correct horse", ACCOUNTS_OK, 2},
        {"wrong", "ana@example.com", "correct horsf", ACCOUNTS_WRONG, 2},
        {"empty", "ana@example.com", "", ACCOUNTS_WRONG, 2},
        {"no such user", "eve@example.com", "correct horse", ACCOUNTS_WRONG, 2},
        {"no password", "postmaster@example.com", "", ACCOUNTS_WRONG, 2},
        {"no domain", "ana", "correct horse", ACCOUNTS_WRONG, 2},
        {"no user", "", "", ACCOUNTS_WRONG, 2},
        {"right after all", "ana@example.com", "correct horse", ACCOUNTS_OK, 3},
    };

    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (log_in(edge, rows[i].user, rows[i].password) != rows[i].verdict)
            fail_msg("%s", rows[i].why);
        if (rows[i].verdict == ACCOUNTS_OK)
            assert_true(slice_eq(answer.accounts_login_answer.address, SLICE("ana@example.com")));
        if (status_of("cached_logins") != rows[i].cached)
            fail_msg("%s: cached %u", rows[i].why, (unsigned)status_of("cached_logins"));
    }
    assert_int_equal(status_of("logins"), 4);
    assert_int_equal(status_of("failed_logins"), 6);
}

static void
a_change_ends_what_was_remembered(void **state)
{
    struct directory_account_passwd other = {.address = SLICE("ana@example.com"),
                                             .password = SLICE("battery staple")};
    struct directory_account_suspend suspend = {SLICE("ana@example.com"), 1};

    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    assert_int_equal(log_in(edge, "ana@example.com", "correct horse"), ACCOUNTS_OK);
    assert_int_equal(change(MSG_directory_account_passwd, &other), DIRECTORY_OK);
    assert_int_equal(log_in(edge, "ana@example.com", "correct horse"), ACCOUNTS_WRONG);
    assert_int_equal(log_in(ctl, "ana@example.com", "battery staple"), ACCOUNTS_OK);
    assert_int_equal(change(MSG_directory_account_suspend, &suspend), DIRECTORY_OK);
    assert_int_equal(log_in(edge, "ana@example.com", "battery staple"), ACCOUNTS_SUSPENDED);
    assert_int_equal(log_in(edge, "ana@example.com", "wrong"), ACCOUNTS_WRONG);
    suspend.suspended = 0;
    assert_int_equal(change(MSG_directory_account_suspend, &suspend), DIRECTORY_OK);
    assert_int_equal(log_in(edge, "ana@example.com", "battery staple"), ACCOUNTS_OK);
}

static void
hmac(struct slice key, struct slice text, uint8_t mac[SASL_SCRAM_KEY])
{
    assert_non_null(HMAC(EVP_sha256(), key.at, (int)key.len, text.at, text.len, mac, NULL));
}

/* As a client does: RFC 5802 section 3. */
static enum accounts_verdict
prove(const char *user, const char *password)
{
    struct accounts_scram_salt salt = {slice_of(user)};
    struct accounts_scram_proof m = {.user = slice_of(user), .auth_message = SLICE("n=,r=x,s=,i=")};
    uint8_t salted[32], client[32], stored[32], proof[32];

    ask(edge, MSG_accounts_scram_salt, &salt, MSG_accounts_scram_salt_answer);
    assert_int_equal(answer.accounts_scram_salt_answer.verdict, ACCOUNTS_OK);
    assert_int_equal(PKCS5_PBKDF2_HMAC(password, (int)strlen(password),
                                       answer.accounts_scram_salt_answer.salt.at,
                                       (int)answer.accounts_scram_salt_answer.salt.len,
                                       (int)answer.accounts_scram_salt_answer.iterations,
                                       EVP_sha256(), sizeof(salted), salted),
                     1);
    hmac(slice_make(salted, 32), SLICE("Client Key"), client);
    EVP_Digest(client, 32, stored, NULL, EVP_sha256(), NULL);
    hmac(slice_make(stored, 32), m.auth_message, proof);
    for (size_t i = 0; i < 32; i++)
        proof[i] ^= client[i];
    m.proof = slice_make(proof, 32);
    ask(edge, MSG_accounts_scram_proof, &m, MSG_accounts_login_answer);
    return (enum accounts_verdict)answer.accounts_login_answer.verdict;
}

static void
scram_works_from_the_password_on_or_from_the_first_login_on(void **state) /* rfc5802#3-a */
{
    struct directory_account_add luis = {.address = SLICE("luis@example.com"),
                                         .hash = SLICE("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/")};

    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    assert_int_equal(prove("ana@example.com", "correct horse"), ACCOUNTS_OK);
    assert_int_equal(answer.accounts_login_answer.signature.len, SASL_SCRAM_KEY);
    assert_int_equal(prove("ana%example.com", "correct horsf"), ACCOUNTS_WRONG);
    assert_int_equal(answer.accounts_login_answer.signature.len, 0);
    assert_int_equal(prove("eve@example.com", "correct horse"), ACCOUNTS_WRONG);
    assert_int_equal(prove("", ""), ACCOUNTS_WRONG);
    assert_int_equal(change(MSG_directory_account_add, &luis), DIRECTORY_OK);
    assert_int_equal(prove("luis@example.com", "password"), ACCOUNTS_WRONG);
    assert_int_equal(log_in(edge, "luis@example.com", "password"), ACCOUNTS_OK);
    assert_int_equal(prove("luis@example.com", "password"), ACCOUNTS_OK);
}

static void
apop_works_for_those_who_opted_in(void **state) /* rfc1939#7-g */
{
    struct directory_account_apop opt_in = {SLICE("ana@example.com"), SLICE("tanstaaf")};
    struct accounts_apop m = {SLICE("ana@example.com"), SLICE("<1896.697170952@dbc.mtview.ca.us>"),
                              SLICE("c4c9334bac560ecc979e58001b3e22fb")};

    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    ask(edge, MSG_accounts_apop, &m, MSG_accounts_login_answer);
    assert_int_equal(answer.accounts_login_answer.verdict, ACCOUNTS_NO_APOP);
    assert_int_equal(change(MSG_directory_account_apop, &opt_in), DIRECTORY_OK);
    ask(edge, MSG_accounts_apop, &m, MSG_accounts_login_answer);
    assert_int_equal(answer.accounts_login_answer.verdict, ACCOUNTS_OK);
    m.stamp = SLICE("<1896.697170953@dbc.mtview.ca.us>");
    ask(edge, MSG_accounts_apop, &m, MSG_accounts_login_answer);
    assert_int_equal(answer.accounts_login_answer.verdict, ACCOUNTS_WRONG);
    m.user = SLICE("eve@example.com");
    ask(edge, MSG_accounts_apop, &m, MSG_accounts_login_answer);
    assert_int_equal(answer.accounts_login_answer.verdict, ACCOUNTS_NO_APOP);
}

static void
recipients_and_senders_are_answered(void **state)
{
    struct accounts_rcpt rcpt = {.address = SLICE("Postmaster")};
    struct accounts_sender sender = {0, SLICE("ana+x@example.com")};
    struct queue_target mailbox;
    struct slice items;

    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    sender.account = answer.directory_done.account;
    ask(edge, MSG_accounts_sender, &sender, MSG_accounts_sender_answer);
    assert_int_equal(answer.accounts_sender_answer.verdict, ACCOUNTS_OK);
    sender.address = SLICE("postmaster@example.com");
    ask(edge, MSG_accounts_sender, &sender, MSG_accounts_sender_answer);
    assert_int_equal(answer.accounts_sender_answer.verdict, ACCOUNTS_NOT_YOURS);
    ask(edge, MSG_accounts_rcpt, &rcpt, MSG_accounts_rcpt_answer);
    assert_int_equal(answer.accounts_rcpt_answer.verdict, ACCOUNTS_OK);
    items = answer.accounts_rcpt_answer.targets;
    assert_true(msg_items_take(&items, MSG_queue_target, &mailbox));
    assert_true(mailbox.account != 0 && mailbox.quota == limit_rows[LIMIT_quota_bytes].fallback);
    rcpt.address = SLICE("eve@example.com");
    ask(edge, MSG_accounts_rcpt, &rcpt, MSG_accounts_rcpt_answer);
    assert_int_equal(answer.accounts_rcpt_answer.verdict, ACCOUNTS_NO_MAILBOX);
}

static void
put_alias(uint32_t kind, const char *address, const char *target)
{
    struct directory_alias_add m = {slice_of(address), kind, {NULL, 0}};
    struct buf items;

    buf_init(&items, 1000);
    msg_items_put(&items, MSG_directory_target, &(struct directory_target){slice_of(target)});
    m.targets = buf_slice(&items);
    assert_int_equal(change(MSG_directory_alias_add, &m), DIRECTORY_OK);
    buf_clear(&items);
}

/* What strangers' mail goes to other servers with, and who else may ask where mail goes. */
static void
forwards_are_answered_with_a_return_address(void **state)
{
    struct directory_domain_language spanish = {SLICE("example.com"), SLICE("es")};
    struct accounts_rcpt rcpt = {SLICE("out@example.com"), SLICE("eve@there.example")};
    int courier = SANITIZED ? -1 : connect_as(ROLE_courier, 0);
    struct queue_target target;
    char back[MIME_ADDRESS_MAX + 1];

    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    put_alias(DIRECTORY_TOLD, "out@example.com", "ana@far.example");
    put_alias(DIRECTORY_MOVED, "old@example.com", "new@far.example");
    assert_int_equal(change(MSG_directory_domain_language, &spanish), DIRECTORY_OK);
    ask(edge, MSG_accounts_rcpt, &rcpt, MSG_accounts_rcpt_answer);
    assert_int_equal(answer.accounts_rcpt_answer.verdict, ACCOUNTS_FORWARDS);
    assert_true(slice_eq(answer.accounts_rcpt_answer.moved, SLICE("ana@far.example")));
    assert_true(slice_eq(answer.accounts_rcpt_answer.language, SLICE("es")));
    assert_true(msg_items_take(&answer.accounts_rcpt_answer.targets, MSG_queue_target, &target));
    assert_true(target.account == 0 && target.flags == QUEUE_FORWARD);
    assert_true(slice_to_string(target.sender, back, sizeof(back)));
    rcpt = (struct accounts_rcpt){slice_of(back), SLICE("")};
    ask(courier, MSG_accounts_rcpt, &rcpt, MSG_accounts_rcpt_answer);
    assert_int_equal(answer.accounts_rcpt_answer.verdict, ACCOUNTS_OK);
    assert_true(msg_items_take(&answer.accounts_rcpt_answer.targets, MSG_queue_target, &target));
    assert_true(slice_eq(target.address, SLICE("eve@there.example")));
    rcpt.address = SLICE("old@example.com");
    ask(courier, MSG_accounts_rcpt, &rcpt, MSG_accounts_rcpt_answer);
    assert_int_equal(answer.accounts_rcpt_answer.verdict, ACCOUNTS_MOVED);
    assert_true(slice_eq(answer.accounts_rcpt_answer.moved, SLICE("new@far.example")));
    assert_int_equal(answer.accounts_rcpt_answer.targets.len, 0);
    close(courier);
}

static void
strangers_senders_are_ours_or_not_and_accounts_have_a_lifetime(void **state)
{
    struct directory_account_lifetime day = {SLICE("ana@example.com"), 86400};
    struct accounts_sender sender = {0, SLICE("nobody@example.com")};
    int mx = SANITIZED ? -1 : connect_as(ROLE_mx, 0);

    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    ask(mx, MSG_accounts_sender, &sender, MSG_accounts_sender_answer);
    assert_int_equal(answer.accounts_sender_answer.verdict, ACCOUNTS_OK);
    sender.address = SLICE("nobody@far.example");
    ask(mx, MSG_accounts_sender, &sender, MSG_accounts_sender_answer);
    assert_int_equal(answer.accounts_sender_answer.verdict, ACCOUNTS_NOT_LOCAL);
    assert_int_equal(change(MSG_directory_account_lifetime, &day), DIRECTORY_OK);
    sender = (struct accounts_sender){answer.directory_done.account, SLICE("ana@example.com")};
    ask(edge, MSG_accounts_sender, &sender, MSG_accounts_sender_answer);
    assert_int_equal(answer.accounts_sender_answer.verdict, ACCOUNTS_OK);
    assert_int_equal(answer.accounts_sender_answer.lifetime, 86400);
    close(mx);
}

static void
bad_passwords_and_hashes_are_refused(void **state)
{
    static const struct {
        const char *why;
        struct directory_account_add m;
        enum directory_result result;
    } rows[] = {
        {"a control character", {.password = {(const uint8_t *)"a\nb", 3}}, DIRECTORY_BAD_PASSWORD},
        {"no hash", {.hash = {(const uint8_t *)"secret", 6}}, DIRECTORY_BAD_PASSWORD},
        {"both",
         {.password = {(const uint8_t *)"a", 1}, .hash = {(const uint8_t *)"b", 1}},
         DIRECTORY_BAD_VALUE},
        {"neither", {.quota = 0}, DIRECTORY_OK},
    };

    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct directory_account_add m = rows[i].m;

        m.address = SLICE("new@example.com");
        if (change(MSG_directory_account_add, &m) != rows[i].result)
            fail_msg("%s", rows[i].why);
    }
}

/* A thousand changes sent at once are answered in order, each by itself. */
static void
many_changes_share_a_transaction(void **state)
{
    enum { MANY = 1000 };
    char address[40];
    int answered = 0;

    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    for (uint32_t i = 0; i < MANY; i++) {
        struct directory_account_add m = {.quota = 0};
        struct buf frame;

        snprintf(address, sizeof(address), "user%u@example.com", i);
        m.address = slice_of(address);
        buf_init(&frame, MSG_FRAME_MAX);
        msg_frame_put(&frame, (struct msg_header){MSG_directory_account_add, 1000 + i, 0}, &m);
        while (send(ctl, frame.at, frame.len, 0) < 0 && errno == EAGAIN)
            usleep(1000);
        buf_clear(&frame);
    }
    for (struct pollfd wait = {ctl, POLLIN, 0}; answered < MANY; answered++) {
        static uint8_t bytes[MSG_FRAME_MAX];
        struct msg_header header;
        ssize_t got;

        assert_int_equal(poll(&wait, 1, ANSWER_MS), 1);
        got = recv(ctl, bytes, sizeof(bytes), 0);
        assert_true(got > 0 && msg_frame_take(slice_make(bytes, (size_t)got), &header, &answer));
        assert_int_equal(header.serial, 1000 + answered);
        assert_int_equal(answer.directory_done.result, DIRECTORY_OK);
    }
    assert_int_equal(status_of("accounts"), MANY + 2);
}

static void
who_asked_may_go_before_the_answer(void **state)
{
    struct accounts_login m = {SLICE("ana@example.com"), SLICE("correct horse")};

    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    for (unsigned i = 0; i < 10; i++) {
        int gone = connect_as(ROLE_mx, 0), other = connect_as(ROLE_access, 1 + i);
        struct buf frame;

        buf_init(&frame, MSG_FRAME_MAX);
        msg_frame_put(&frame, (struct msg_header){MSG_accounts_login, 7, 0}, &m);
        assert_true(send(other, frame.at, frame.len, 0) > 0);
        assert_true(send(gone, frame.at, frame.len, 0) > 0); /* mx has no such door: malformed */
        buf_clear(&frame);
        close(other);
        close(gone);
    }
    assert_int_equal(log_in(edge, "ana@example.com", "correct horse"), ACCOUNTS_OK);
}

static void
all_of_it_survives_kill_and_stop(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    add_ana();
    assert_true(WIFSIGNALED(end_with(SIGKILL)));
    begin();
    assert_int_equal(log_in(edge, "ana@example.com", "correct horse"), ACCOUNTS_OK);
    assert_int_equal(end_with(0), 0);
    begin();
    assert_int_equal(log_in(edge, "ana@example.com", "correct horse"), ACCOUNTS_OK);
    assert_int_equal(status_of("accounts"), 2);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(passwords_are_checked_and_remembered),
        TEST(a_change_ends_what_was_remembered),
        TEST(scram_works_from_the_password_on_or_from_the_first_login_on),
        TEST(apop_works_for_those_who_opted_in),
        TEST(recipients_and_senders_are_answered),
        TEST(forwards_are_answered_with_a_return_address),
        TEST(strangers_senders_are_ours_or_not_and_accounts_have_a_lifetime),
        TEST(bad_passwords_and_hashes_are_refused),
        TEST(many_changes_share_a_transaction),
        TEST(who_asked_may_go_before_the_answer),
        TEST(all_of_it_survives_kill_and_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
