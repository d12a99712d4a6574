/* A table of few places: an address has one by its hash, and the newest keeps it. */
#include "known.h"

#include "base/map.h"
#include "mime/address.h"

enum {
    KNOWN_PLACES = 256,
    KNOWN_MS = 2000,            /* then what the mailbox holds is asked anew */
    KNOWN_ROOM_MIN = 256 << 20, /* bytes free; who has less is asked about each time */
    KNOWN_NOTE_MAX = 256,       /* bytes of targets */
};

static struct known {
    char address[MIME_ADDRESS_MAX + 1]; /* empty: the place is free */
    uint64_t until_ms, room;
    uint8_t note[KNOWN_NOTE_MAX];
    size_t note_len;
} places[KNOWN_PLACES];

static struct known *
place_of(struct slice address)
{
    return &places[map_hash(0, address) % KNOWN_PLACES];
}

bool
known_get(const struct edge *e, struct slice address, struct smtp_answer *a)
{
    const struct known *k = place_of(address);

    if (loop_now_ms(e->role->loop) >= k->until_ms || !slice_eq(slice_of(k->address), address))
        return false;
    *a = (struct smtp_answer){.room = k->room, .note = slice_make(k->note, k->note_len)};
    return true;
}

/* What goes elsewhere goes under a return address that depends on the sender. */
static bool
are_mailboxes(struct slice targets)
{
    struct queue_target t = {.account = 0};
    bool all = true;

    while (all && msg_items_take(&targets, MSG_queue_target, &t))
        all = t.account != 0;
    return all && targets.len == 0;
}

void
known_put(const struct edge *e, struct slice address, const struct accounts_rcpt_answer *said)
{
    struct known *k = place_of(address);

    if (said->verdict != ACCOUNTS_OK || said->room < KNOWN_ROOM_MIN ||
        said->targets.len > sizeof(k->note) || !are_mailboxes(said->targets) ||
        !slice_to_string(address, k->address, sizeof(k->address)))
        return;
    k->until_ms = loop_now_ms(e->role->loop) + KNOWN_MS;
    k->room = said->room;
    k->note_len = said->targets.len;
    memcpy(k->note, said->targets.at, said->targets.len);
}

void
known_clear(void)
{
    for (size_t i = 0; i < COUNT(places); i++)
        places[i].until_ms = 0;
}
