"""Every error text of the source documents that can meet mail on its way out is met for real: a server says it,
or the DNS or the network makes it happen, and the sender's notice is read in both languages."""
import re

import pytest

from test_explain import DOCUMENTS
from world import World

# What is no reply of a server: it happens by itself. A domain, or what the server does; the status.
HAPPENS = {
    "Sorry, I wasn't able to establish": ("refused", "4.4.1"),
    "TLS not available: connect failed": ("must.example", "4.7.5"),
    "Name service error for": ("nohost.example", "5.4.4"),
    "DNS Error: Domain name not found": ("nowhere.example", "5.1.2"),
}
# Who waits until his time is over is told what stopped it, and not merely that.
TOLD_AS = {"expired": "connect-failed"}
# What a user's own mail program says before anything is sent.
NOT_SENDING = {"client-host-not-found", "client-connection-lost"}
SAID_AT = {  # where the conversation is when a server says so; RCPT where nothing else fits
    "mail": ["badmailfrom", "Non-existing DNS_MX", "500 ERROR", "501 ERROR", "502 ERROR", "504 ERROR"],
    "greeting": ["421 ERROR", "too many concurrent", "requires PTR", "blacklist database"],
    "dot": ["451 ERROR", "552 ERROR", "554 ERROR", "Disk quota"]}
CODES = {"no-mailbox": "550", "relay-denied": "553", "mailbox-full": "552", "sender-domain-not-found": "553"}
READERS = {"eva": "en", "leo": "es"}
SENDING = [(text, reason) for text, reason in DOCUMENTS if reason not in NOT_SENDING]


def reply_of(text, reason):
    """As a server would say it: a code, and the words."""
    text = re.sub(r"^SMTP (\d\d\d) ERROR - ", r"\1 ", text)
    text = re.sub(r"^E(?=\d)", "", text)
    return text if re.match(r"\d\d\d", text) else f"{CODES[reason]} {text}"


def stage_of(text):
    return next((stage for stage, words in SAID_AT.items() if any(w in text for w in words)), "rcpt")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("errors"), {"nohost.example": "@ MX 10 gone.there.example.\n"},
                 more="route must.example 127.4.1.1:PORT tls must\n").start()
    made.serve("127.4.1.1", "handshake: close", certificate=made.certificate)
    yield made
    assert made.stop() == 0, made.service.log()[-3000:]
    assert made.complaints() == []


@pytest.fixture(scope="module")
def sent(world):
    """Mail of both readers that meets each of the texts, under way at once."""
    found = {}
    for text, reason in SENDING:
        happens = next((what for words, what in HAPPENS.items() if text.startswith(words)), None)
        if happens is None:
            domain = world.remote(f"{stage_of(text)}: {reply_of(text, reason)}").domain
        else:
            domain = world.nowhere() if happens[0] == "refused" else happens[0]
        address = f"x@{domain}"
        if happens and happens[1].startswith("5"):  # a user would be told at once: a forward meets it later
            address = f"to-{domain.partition('.')[0]}@here.example"
            world.service.run("alias", "add", address, f"x@{domain}")
        found[text] = [world.send(address, sender=f"{reader}@here.example") for reader in READERS]
    return found


@pytest.mark.parametrize("text, reason", SENDING, ids=[text[:60] for text, _ in SENDING])
def test_each_error_of_the_documents_is_told_to_the_sender(world, sent, text, reason):
    happens = next((what for words, what in HAPPENS.items() if text.startswith(words)), None)
    for one, language in zip(sent[text], READERS.values()):
        notice = world.notice(one, "failed", 60)
        action, status, told = notice.facts()
        assert told == TOLD_AS.get(reason, reason) and notice.speaks(language)
        if happens:
            assert status == happens[1]
            continue
        reply = reply_of(text, reason)
        enhanced = re.search(r"#([245]\.\d+\.\d+)", reply)
        assert status == enhanced[1] if enhanced else status[0] == reply[0], (status, reply)
        quoted = notice.recipients[0]["diagnostic-code"]
        assert quoted.startswith("smtp; ") and reply.split()[-1] in quoted and reply.split()[-1] in notice.text
