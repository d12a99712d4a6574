/* What a SASL machine asks goes to the accounts role, which holds the secrets; what comes back is a
 * verdict. One path for every protocol and mechanism. */
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "edge.h"

static void
on_login(struct conn *c, const union msg_any *m, int fd)
{
    struct login_answer a = {.verdict = ACCOUNTS_TEMPORARY};

    if (fd >= 0)
        close(fd);
    if (m) {
        const struct accounts_login_answer *l = &m->accounts_login_answer;

        a = (struct login_answer){.verdict = (enum accounts_verdict)l->verdict,
                                  .account = l->account,
                                  .address = l->address,
                                  .delay = l->login_delay,
                                  .signature = l->signature};
    }
    if (a.verdict == ACCOUNTS_OK)
        LOG(login, slice_of(c->id), log_slice("account", a.address),
            log_string("client", c->address),
            log_string("protocol", role_protocol_name(c->protocol)));
    else
        LOG(login_failed, slice_of(c->id), log_string("client", c->address),
            log_string("protocol", role_protocol_name(c->protocol)),
            log_number("verdict", a.verdict));
    c->on_login(c, &a);
}

static void
on_salt(struct conn *c, const union msg_any *m, int fd)
{
    struct login_answer a = {.verdict = ACCOUNTS_TEMPORARY};

    if (fd >= 0)
        close(fd);
    if (m)
        a = (struct login_answer){.verdict =
                                      (enum accounts_verdict)m->accounts_scram_salt_answer.verdict,
                                  .salt = m->accounts_scram_salt_answer.salt,
                                  .iterations = m->accounts_scram_salt_answer.iterations};
    c->on_login(c, &a);
}

/* The machines forget it before they say no. */
static void
keep_name(struct conn *c, struct slice user)
{
    buf_reset(&c->user);
    buf_put(&c->user, user);
}

void
login_ask(struct conn *c, const struct login_question *q, login_fn *fn)
{
    struct accounts_login password = {q->user, q->password};
    struct accounts_scram_salt salt = {q->user};
    struct accounts_scram_proof proof = {q->user, q->auth_message, q->proof};

    c->on_login = fn;
    keep_name(c, q->user);
    if (q->step == SASL_ASK_PASSWORD)
        conn_ask(c, ROLE_accounts, 0, MSG_accounts_login, &password, -1, MSG_accounts_login_answer,
                 on_login);
    else if (q->step == SASL_ASK_SCRAM_USER)
        conn_ask(c, ROLE_accounts, 0, MSG_accounts_scram_salt, &salt, -1,
                 MSG_accounts_scram_salt_answer, on_salt);
    else
        conn_ask(c, ROLE_accounts, 0, MSG_accounts_scram_proof, &proof, -1,
                 MSG_accounts_login_answer, on_login);
}

void
login_ask_apop(struct conn *c, struct slice user, struct slice stamp, struct slice digest,
               login_fn *fn)
{
    struct accounts_apop m = {user, stamp, digest};

    c->on_login = fn;
    keep_name(c, user);
    conn_ask(c, ROLE_accounts, 0, MSG_accounts_apop, &m, -1, MSG_accounts_login_answer, on_login);
}
