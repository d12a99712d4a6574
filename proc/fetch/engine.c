/* libcurl says which sockets it waits for and until when at most; we say what happened. It closes a
 * socket only after it said that it waits for it no longer. */
#include "engine.h"

#include <stdlib.h>

#include "base/ensure.h"

struct socket {
    curl_socket_t fd;
    struct watch *watch;
};

static struct {
    CURLM *multi;
    struct loop *loop;
    struct timer *timer;
    void (*done)(CURL *easy, CURLcode result);
} self;

static void
hand_out_finished(void)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(self.multi, &left))) {
        CURL *easy = m->easy_handle;
        CURLcode result = m->data.result;

        curl_multi_remove_handle(self.multi, easy);
        self.done(easy, result);
    }
}

static void
act(curl_socket_t fd, int events)
{
    int running;

    curl_multi_socket_action(self.multi, fd, events, &running);
    hand_out_finished();
}

static void
on_ready(void *ctx, unsigned ready)
{
    struct socket *s = ctx;

    act(s->fd,
        (ready & LOOP_READ ? CURL_CSELECT_IN : 0) | (ready & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *of_socket)
{
    struct socket *s = of_socket;
    unsigned want =
        (what & CURL_POLL_IN ? LOOP_READ : 0u) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0u);

    (void)easy, (void)ctx;
    if (what == CURL_POLL_REMOVE) {
        if (s)
            watch_free(s->watch);
        free(s);
        return 0;
    }
    if (!s) {
        s = heap_take(sizeof(*s));
        s->fd = fd;
        s->watch = loop_watch(self.loop, fd, 0, on_ready, s);
        curl_multi_assign(self.multi, fd, s);
    }
    watch_want(s->watch, want);
    return 0;
}

static void
on_time(void *ctx)
{
    (void)ctx;
    act(CURL_SOCKET_TIMEOUT, 0);
}

/* It must not be called back from in here, so that now, too, is a time to come. */
static int
on_timer(CURLM *multi, long ms, void *ctx)
{
    (void)multi, (void)ctx;
    if (ms < 0)
        timer_stop(self.timer);
    else
        timer_restart(self.timer, (uint32_t)ms);
    return 0;
}

void
engine_prepare(void)
{
    ensure(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    self.multi = curl_multi_init();
    ensure(self.multi != NULL);
    curl_multi_setopt(self.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(self.multi, CURLMOPT_TIMERFUNCTION, on_timer);
}

void
engine_start(struct loop *l, void (*done)(CURL *easy, CURLcode result))
{
    self.loop = l;
    self.done = done;
    self.timer = loop_after(l, 0, on_time, NULL);
}

void
engine_add(CURL *easy)
{
    ensure(curl_multi_add_handle(self.multi, easy) == CURLM_OK);
}

void
engine_remove(CURL *easy)
{
    curl_multi_remove_handle(self.multi, easy);
}
