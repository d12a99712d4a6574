/* valija login-test: are user and password right? The answer is fuller than a client's: who may run
 * this command may know which of the two is wrong. */
#include "directory.h"
#include "terminal.h"

static int
say_verdict(const struct ctl *c, const struct accounts_login_answer *a, const char *user)
{
    if (a->verdict == ACCOUNTS_SUSPENDED || a->verdict == ACCOUNTS_DOMAIN_SUSPENDED)
        return FAIL(login_suspended, user);
    if (a->verdict == ACCOUNTS_TEMPORARY)
        return FAIL(directory_temporary, user, "");
    if (a->verdict != ACCOUNTS_OK)
        return FAIL(login_wrong, user);
    if (ctl_has(c, OPTION_json))
        out_object(c,
                   json_pack("{s:b, s:o, s:o}", "right", 1, "address", out_string(a->address),
                             "account", out_number(a->account)),
                   NULL);
    else
        SAY(login_right, user);
    return 0;
}

static int
try_password(struct ctl *c, const char *user, struct slice password)
{
    struct accounts_login ask = {slice_of(user), password};
    struct service_question q = {.role = ROLE_accounts,
                                 .type = MSG_accounts_login,
                                 .message = &ask,
                                 .expected = MSG_accounts_login_answer};
    union msg_any answer;
    int status = service_ask(&c->service, &q, &answer);

    return status ? status : say_verdict(c, &answer.accounts_login_answer, user);
}

int
verb_login_test(struct ctl *c)
{
    char user[DIRECTORY_NAME_MAX];
    struct directory_account a;
    struct secret password;
    char *percent;
    int status;

    if (!slice_to_string(slice_of(c->args[0]), user, sizeof(user)))
        return FAIL(bad_address, c->args[0], "");
    percent = strchr(user, '@') ? NULL : strrchr(user, '%');
    if (percent)
        *percent = '@'; /* the other form that logins may have */
    status = directory_find_account(c, user, &a);
    if (status)
        return status;
    if (!a.password)
        return FAIL(login_no_password, user);
    secret_init(&password, TERMINAL_LINE_MAX);
    status = terminal_password(c, user, false, &password);
    if (status == 0)
        status = try_password(c, c->args[0], secret_get(&password));
    secret_clear(&password);
    return status;
}
