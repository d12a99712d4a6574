/* A ring, and a map into it. Invariant: each key of the map leads to the newest of its rows. */
#include "lately.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "base/map.h"
#include "ipc/msg.h"

struct row {
    uint64_t key, message; /* key 0: empty */
    uint32_t index, queue;
    enum courier_verdict verdict;
    char status[12], tls[32];
    const char *stage;
    size_t remote_len, said_len;
    uint8_t text[2 * LATELY_TEXT_MAX];
};

static struct {
    struct row *rows;
    size_t next;
    struct map map; /* key -> struct row */
    uint64_t seed;
} self;

static uint64_t
key_of(uint64_t message, uint32_t index)
{
    uint64_t words[] = {message, index};

    return map_hash(self.seed, slice_make(words, sizeof(words)));
}

static size_t
keep(uint8_t *at, struct slice s)
{
    s = slice_head(s, LATELY_TEXT_MAX);
    if (s.len)
        memcpy(at, s.at, s.len);
    return s.len;
}

static struct row *
next_row(void)
{
    struct row *r;

    if (!self.rows) {
        self.rows = heap_take(LATELY_MAX * sizeof(*self.rows));
        random_fill(&self.seed, sizeof(self.seed));
    }
    r = &self.rows[self.next];
    self.next = (self.next + 1) % LATELY_MAX;
    if (r->key && map_get(&self.map, r->key) == r)
        map_take(&self.map, r->key);
    return r;
}

void
lately_put(uint64_t message, uint32_t index, uint32_t queue, const struct finding *f)
{
    struct row *r = next_row();

    r->key = key_of(message, index);
    r->message = message;
    r->index = index;
    r->queue = queue;
    r->verdict = f->verdict;
    r->stage = f->stage;
    slice_to_string(f->status, r->status, sizeof(r->status));
    slice_to_string(slice_of(f->tls), r->tls, sizeof(r->tls));
    r->remote_len = keep(r->text, f->remote);
    r->said_len = keep(r->text + r->remote_len, f->said);
    map_put(&self.map, r->key, r);
}

bool
lately_find(uint64_t message, uint32_t index, uint32_t queue, struct finding *f)
{
    const struct row *r = self.rows ? map_get(&self.map, key_of(message, index)) : NULL;

    if (!r || r->message != message || r->index != index || r->queue == queue)
        return false;
    *f = (struct finding){.verdict = r->verdict,
                          .stage = r->stage,
                          .tls = r->tls,
                          .status = slice_of(r->status),
                          .remote = slice_make(r->text, r->remote_len),
                          .said = slice_make(r->text + r->remote_len, r->said_len)};
    return true;
}
