/* Logins. A password goes to the cache first, then to a worker thread; what the directory says
 * about the account is read again when that returns. Users who do not exist take the same way, so
 * that time does not tell who does. */
#include <stdlib.h>

#include "accounts.h"
#include "base/ensure.h"

/* A password on its way through a worker. */
struct login {
    struct job job;
    struct asker asker;
    struct accounts *owner;
    struct name name;
    uint64_t account; /* 0: there is no such user */
    struct slice password;
    char password_room[SASL_PASSWORD_MAX];
    struct credentials
        proof;  /* hash: what to check against; the keys are made where there are none */
    bool learn; /* the account has no SCRAM keys yet */
    bool right;
};

static enum accounts_verdict
verdict_on(const struct account *who, bool right)
{
    if (!right)
        return ACCOUNTS_WRONG;
    if (who->domain_suspended)
        return ACCOUNTS_DOMAIN_SUSPENDED;
    return who->suspended ? ACCOUNTS_SUSPENDED : ACCOUNTS_OK;
}

static struct accounts_login_answer
make_answer(struct accounts *a, const struct name *n, const struct account *who, bool right)
{
    struct accounts_login_answer answer = {.verdict = verdict_on(who, right),
                                           .login_delay = UINT32_MAX};

    if (answer.verdict == ACCOUNTS_OK) {
        answer.account = who->id;
        answer.address = name_text(n);
        answer.login_delay = who->login_delay;
    }
    a->logins += answer.verdict == ACCOUNTS_OK;
    a->failed += answer.verdict != ACCOUNTS_OK;
    return answer;
}

static bool
is_remembered(struct accounts *a, uint64_t account, struct slice password)
{
    uint64_t keep_ms = role_limit(a->role, LIMIT_login_cache_seconds) * 1000;

    return account != 0 &&
           verified_has(&a->verified, account, password, loop_now_ms(a->role->loop), keep_ms);
}

static bool
skip(struct job *j)
{
    struct login *l = LIST_OF(j, struct login, job);

    l->right = is_remembered(l->owner, l->account, l->password);
    return l->right;
}

static void
run(struct job *j)
{
    struct login *l = LIST_OF(j, struct login, job);

    l->right = credentials_verify(l->proof.hash, l->password);
    if (l->right && l->learn)
        l->learn = credentials_make_scram(&l->proof, l->password);
}

static void
free_login(struct login *l)
{
    explicit_bzero(l, sizeof(*l));
    free(l);
}

static void
done(struct job *j)
{
    struct login *l = LIST_OF(j, struct login, job);
    struct accounts *a = l->owner;
    struct accounts_login_answer answer;
    struct account who = {0};

    if (l->right) {
        directory_account_get(&a->directory, &l->name, &who);
        /* another password, or another account of that name, since then? */
        l->right = who.id == l->account && strcmp(who.credentials.hash, l->proof.hash) == 0;
    }
    if (l->right) {
        verified_put(&a->verified, l->account, l->password, loop_now_ms(a->role->loop));
        if (l->learn && l->proof.iterations)
            directory_learn_scram(&a->directory, l->account, &l->proof);
    }
    answer = make_answer(a, &l->name, &who, l->right);
    if (!accounts_settle(a))
        answer = (struct accounts_login_answer){.verdict = ACCOUNTS_TEMPORARY};
    asker_answer(&l->asker, MSG_accounts_login_answer, &answer);
    credentials_wipe(&who.credentials);
    free_login(l);
}

static void
verify_slowly(struct accounts *a, struct chan_call *call, const struct accounts_login *m,
              const struct account *who)
{
    struct login *l = heap_take(sizeof(*l));

    l->job = (struct job){.skip = skip, .run = run, .done = done};
    l->job.key = map_hash(a->seed, m->user);
    l->owner = a;
    l->account = who->id;
    if (who->id)
        name_parse_user(&l->name, m->user);
    if (m->password.len)
        memcpy(l->password_room, m->password.at, m->password.len);
    l->password = slice_make(l->password_room, m->password.len);
    memcpy(l->proof.hash, who->credentials.hash, sizeof(l->proof.hash));
    l->learn = who->id && who->credentials.iterations == 0;
    asker_add(a, &l->asker, call);
    if (workers_put(&a->workers, WORKER_LOGINS, &l->job))
        return;
    asker_answer(&l->asker, MSG_accounts_login_answer,
                 &(struct accounts_login_answer){.verdict = ACCOUNTS_TEMPORARY});
    free_login(l);
}

void
login_on_ask(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct accounts *a = accounts_of(ctx);
    struct accounts_login ask = m->accounts_login;
    struct accounts_login_answer answer = {.verdict = ACCOUNTS_TEMPORARY};
    struct account who = {0};
    struct name n;

    if (name_parse_user(&n, ask.user))
        directory_account_get(&a->directory, &n, &who);
    if (ask.password.len > SASL_PASSWORD_MAX)
        ask.password.len = 0; /* never right, and as slow */
    if (!accounts_settle(a)) {
        chan_answer(call, MSG_accounts_login_answer, &answer, -1);
    } else if (is_remembered(a, who.id, ask.password)) {
        a->cached++;
        answer = make_answer(a, &n, &who, true);
        chan_answer(call, MSG_accounts_login_answer, &answer, -1);
    } else {
        verify_slowly(a, call, &ask, &who);
    }
    credentials_wipe(&who.credentials);
}

/* The user's credentials, or false ones that nothing matches; *n is the name either way. */
static void
find_or_fake(struct accounts *a, struct slice user, struct name *n, struct account *who)
{
    struct credentials fake;
    bool named = name_parse_user(n, user);

    credentials_fake(&fake, a->secret, named ? name_text(n) : user);
    *who = (struct account){0};
    if (named)
        directory_account_get(&a->directory, n, who);
    if (who->credentials.iterations == 0) {
        fake.apop[0] = '\0';
        who->credentials = fake;
    }
    credentials_wipe(&fake);
}

void
login_on_scram_salt(void *ctx, struct chan_call *call, const union msg_any *m)
{
    struct accounts *a = accounts_of(ctx);
    struct accounts_scram_salt_answer answer = {.verdict = ACCOUNTS_OK};
    struct account who;
    struct name n;

    find_or_fake(a, m->accounts_scram_salt.user, &n, &who);
    answer.salt = slice_make(who.credentials.salt, who.credentials.salt_len);
    answer.iterations = who.credentials.iterations;
    if (!accounts_settle(a))
        answer = (struct accounts_scram_salt_answer){.verdict = ACCOUNTS_TEMPORARY};
    chan_answer(call, MSG_accounts_scram_salt_answer, &answer, -1);
    credentials_wipe(&who.credentials);
}

void
login_on_scram_proof(void *ctx, struct chan_call *call, const union msg_any *m)
{
    const struct accounts_scram_proof *p = &m->accounts_scram_proof;
    struct accounts *a = accounts_of(ctx);
    struct accounts_login_answer answer;
    uint8_t signature[SASL_SCRAM_KEY];
    struct account who;
    struct name n;
    bool right;

    find_or_fake(a, p->user, &n, &who);
    right = sasl_scram_verify(&who.credentials.scram, p->auth_message, p->proof, signature) &&
            who.id != 0;
    answer = make_answer(a, &n, &who, right);
    if (answer.verdict == ACCOUNTS_OK)
        answer.signature = slice_make(signature, sizeof(signature));
    if (!accounts_settle(a))
        answer = (struct accounts_login_answer){.verdict = ACCOUNTS_TEMPORARY};
    chan_answer(call, MSG_accounts_login_answer, &answer, -1);
    credentials_wipe(&who.credentials);
}

/* rfc1939#7-g. A user who does not exist has not opted in either. */
void
login_on_apop(void *ctx, struct chan_call *call, const union msg_any *m)
{
    const struct accounts_apop *p = &m->accounts_apop;
    struct accounts *a = accounts_of(ctx);
    struct accounts_login_answer answer;
    struct account who = {0};
    struct name n;

    if (name_parse_user(&n, p->user))
        directory_account_get(&a->directory, &n, &who);
    answer = make_answer(a, &n, &who, credentials_apop(who.credentials.apop, p->stamp, p->digest));
    if (who.credentials.apop[0] == '\0')
        answer.verdict = ACCOUNTS_NO_APOP;
    if (!accounts_settle(a))
        answer = (struct accounts_login_answer){.verdict = ACCOUNTS_TEMPORARY};
    chan_answer(call, MSG_accounts_login_answer, &answer, -1);
    credentials_wipe(&who.credentials);
}
