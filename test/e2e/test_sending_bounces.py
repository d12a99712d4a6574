"""Notices: the right code and reason for every way to fail, in the language of who reads it, and what RFC 3461
lets a sender ask for."""
import time

import pytest

from service import wait_until
from world import Notice, World

# why: script of the server (None: there is none), status, reason, what the notice quotes
AT_ONCE = {
    "unknown user": ("rcpt: 550 5.1.1 <x@y>: User unknown", "5.1.1", "no-mailbox", "User unknown"),
    "full mailbox": ("rcpt: 552 5.2.2 Over quota", "5.2.2", "mailbox-full", "Over quota"),
    "spam": ("dot: 554 5.7.1 Message rejected as spam", "5.7.1", "spam-content", "rejected as spam"),
    "moved": ("rcpt: 551 5.1.6 User has moved", "5.1.6", "user-moved", "has moved"),
    "too large": ("mail: 552 5.3.4 Message size exceeds limit", "5.3.4", "message-too-big", "exceeds"),
    "not relayed": ("rcpt: 550 5.7.1 Relaying denied", "5.7.1", "relay-denied", "Relaying"),
    "no words": ("rcpt: 550", "5.0.0", None, "550"),
    "many lines": ("rcpt: 550-5.1.1 No such\\n550-5.1.1 user\\n550 5.1.1 here", "5.1.1", "no-mailbox", "user"),
    "odd bytes": ("rcpt: 550 5.1.1 Usuario desconocido: \\xf1and\\xfa \\x1b[31m", "5.1.1", "no-mailbox", "desconocido"),
}
IN_THE_END = {  # what is tried again until the sender's patience is over
    "nobody listens": (None, "4.4.1", "connect-failed"),
    "nobody answers": ("deaf", "4.4.1", "connect-failed"),
    "says nothing": ("greeting: hang", "4.4.2", "connection-lost"),
    "hangs at EHLO": ("ehlo: hang", "4.4.2", "connection-lost"),
    "hangs at MAIL": ("mail: hang", "4.4.2", "connection-lost"),
    "hangs at RCPT": ("rcpt: hang", "4.4.2", "connection-lost"),
    "hangs at DATA": ("data: hang", "4.4.2", "connection-lost"),
    "hangs after the dot": ("dot: hang", "4.4.2", "connection-lost"),
    "closes at once": ("greeting: close", "4.4.2", "connection-lost"),
    "closes at EHLO": ("ehlo: close", "4.4.2", "connection-lost"),
    "closes at RCPT": ("rcpt: close", "4.4.2", "connection-lost"),
    "resets at MAIL": ("mail: reset", "4.4.2", "connection-lost"),
    "resets at DATA": ("data: reset", "4.4.2", "connection-lost"),
    "closes within the message": ("body: close", "4.4.2", "connection-lost"),
    "closes after the dot": ("dot: close", "4.4.2", "connection-lost"),
    "talks garbage": ("greeting: garbage then close", "4.5.0", None),
    "talks without end": ("ehlo: endless", "4.5.0", None),
    "is busy": ("greeting: 421 4.3.2 Too busy", "4.3.2", None),
    "full for now": ("rcpt: 452 4.2.2 Mailbox full", "4.2.2", "mailbox-full"),
}
TIME_OUTS = ("connection-lost", "time-out")


@pytest.fixture(scope="module", autouse=True)
def failures(world):
    """Mail that fails in all these ways, under way at once: why -> (remote, what ana sent, what eva sent)."""
    found = {}
    for why, (script, *_) in {**AT_ONCE, **IN_THE_END}.items():
        remote = world.remote("" if script in (None, "deaf") else script)
        if script in (None, "deaf"):
            remote.stop()
        if script == "deaf":
            remote.start_deaf()
        sender = "luz@here.example" if why in AT_ONCE else "eva@here.example"
        found[why] = remote, world.send(f"x@{remote.domain}", sender=sender)
    return found


@pytest.mark.parametrize("why", AT_ONCE)
def test_what_is_refused_for_good_goes_back_at_once(world, failures, why):
    remote, sent = failures[why]
    _, status, reason, quoted = AT_ONCE[why]
    notice = world.notice(sent)
    assert notice.facts()[:2] == ("failed", status)
    assert reason in (None, notice.facts()[2])
    fields = notice.recipients[0]
    assert fields["remote-mta"].replace(" ", "").startswith("dns;" + remote.name)
    assert fields["diagnostic-code"].startswith("smtp;") and quoted in fields["diagnostic-code"]
    assert quoted in notice.text and notice.speaks("es")
    assert "\x1b" not in notice.text and b"\x1b" not in notice.data


@pytest.mark.parametrize("why", IN_THE_END)
def test_what_never_worked_goes_back_in_the_end_and_says_what_it_was(world, failures, why):
    _, sent = failures[why]
    _, status, reason = IN_THE_END[why]
    notice = world.notice(sent, "failed")
    assert notice.facts()[:2] == ("failed", status)
    assert reason in (None, notice.facts()[2]) or (reason in TIME_OUTS and notice.facts()[2] in TIME_OUTS)
    assert notice.speaks("en") and "diagnostic-code" in notice.recipients[0]
    world.wait_gone(sent)


# ---- the form, and what the sender asked for (RFC 3461)

ASKED = {  # how it is sent
    "usual": {}, "bob": {"sender": "bob@here.example"}, "many": {"count": 30},
    "bob in es": {"sender": "bob@here.example", "head": "Content-Language: es\r\n"},
    "bob in en": {"sender": "bob@here.example", "head": "Content-Language: en-GB\r\n"},
    "bob likes es": {"sender": "bob@here.example", "head": "Accept-Language: es-AR, en;q=0.5\r\n"},
    "whole": {"mail": "RET=FULL ENVID=A+2B1"}, "head": {"mail": "RET=HDRS"},
    "named": {"rcpt": "ORCPT=rfc822;Joe+2BOld@away.example"},
}


@pytest.fixture(scope="module", autouse=True)
def asked(world):
    """Mail to users that are unknown, under way at once: what -> (remote, what was sent)."""
    remote = world.remote("rcpt: 550 5.1.1 User unknown")
    found = {}
    for what, how in ASKED.items():
        how = {**how}
        to = [f"{what.replace(' ', '-')}{n}@{remote.domain}" for n in range(how.pop("count", 1))]
        found[what] = remote, world.send(to, text="every word\r\n", **how)
    return found


@pytest.fixture
def told(world, asked):
    """what -> the notice about it."""
    return lambda what: world.notice(asked[what][1])


def test_a_notice_is_what_the_standards_say(world, asked, told):
    notice, sent = told("usual"), asked["usual"][1]
    m = notice.message
    assert m["Return-Path"] == "<>" and m["To"] == "ana@here.example"
    assert "<MAILER-DAEMON@here.example>" in m["From"] and m["Auto-Submitted"].startswith("auto-")
    assert m["In-Reply-To"] == sent.message_id and m["Date"] and m["Message-ID"]
    assert notice.about["reporting-mta"] == "dns; mx.here.example" and notice.about["arrival-date"]
    assert notice.about["x-valija-reference"] in notice.text
    fields = notice.recipients[0]
    assert fields["final-recipient"] == f"rfc822; {sent.recipients[0]}" and fields["last-attempt-date"]
    assert max(map(len, notice.data.split(b"\r\n"))) <= 998 and notice.data.isascii()
    shown = world.service.run("explain", "-", stdin=notice.data.decode()).stdout
    assert "no-mailbox" in shown


def test_who_reads_a_language_unknown_to_us_is_told_in_both(told):
    notice = told("bob")
    assert notice.speaks("en", "es") or notice.speaks("es", "en")


@pytest.mark.parametrize("what, language", [("bob in es", "es"), ("bob in en", "en"), ("bob likes es", "es")])
def test_where_the_reader_has_not_said_his_language_his_message_may(told, what, language):
    assert told(what).speaks(language)


def test_recipients_that_fail_together_share_a_notice(told):
    assert len(told("many").recipients) == 30


def test_who_wants_the_whole_message_back_gets_it(told):
    whole = told("whole")
    assert whole.returned.get_content_type() == "message/rfc822" and b"every word" in whole.data
    assert whole.about["original-envelope-id"] == "A+1"
    for what in ("head", "usual"):
        notice = told(what)
        assert notice.returned.get_content_type() == "text/rfc822-headers" and b"every word" not in notice.data
        assert b"Subject: sent" in notice.data


def test_the_original_recipient_is_named_as_the_sender_named_it(told):
    assert told("named").recipients[0]["original-recipient"].replace(" ", "") == "rfc822;Joe+Old@away.example"


def test_who_wants_no_notice_gets_none(world):  # rfc3461#5.2-a
    remote = world.remote("rcpt: 550 5.1.1 User unknown")
    sent = [world.send(f"x@{remote.domain}", rcpt=f"NOTIFY={what}") for what in ("NEVER", "SUCCESS", "DELAY")]
    for one in sent:
        world.wait_gone(one)
        world.trace(one, "failed")
    time.sleep(1)
    assert [world.box("ana@here.example").notices(one.message_id) for one in sent] == [[], [], []]


def test_who_wants_to_know_of_success_is_told_what_is_known(world):
    remote = world.remote()  # offers no DSN, so nobody there will tell
    sent = world.send([f"x@{remote.domain}", "bob@here.example"], rcpt="NOTIFY=SUCCESS")
    found = wait_until(lambda: [n for n in [world.box("ana@here.example").notices(sent.message_id)]
                                if sum(len(x.recipients) for x in n) == 2], 20, "two recipients told")[0]
    told = {r["final-recipient"].rpartition(" ")[2]: r["action"] for n in found for r in n.recipients}
    assert told == {f"x@{remote.domain}": "relayed", "bob@here.example": "delivered"}


# ---- loops of notices

def test_nobody_is_told_about_mail_from_nobody(world):
    remote = world.remote("rcpt: 550 5.1.1 User unknown")
    world.service.run("alias", "add", "quiet@here.example", f"x@{remote.domain}")
    sent = world.send("quiet@here.example", sender="", login="")
    world.trace(sent, "failed")
    world.wait_gone(sent)
    assert all(e["kind"] != "notified" for e in world.trace(sent, "failed"))


def test_a_notice_that_cannot_be_delivered_is_the_end_of_it(tmp_path):
    world = World(tmp_path).start()
    try:
        remote = world.remote("rcpt: 550 5.1.1 User unknown")
        stranger = world.serve("127.2.0.0", "rcpt: 550 5.1.1 We do not know him either")  # away.example
        world.service.run("alias", "add", "fwd@here.example", f"x@{remote.domain}")
        sent = world.send("fwd@here.example", sender="evil@away.example", login="")
        world.trace(sent, "notified")
        wait_until(lambda: stranger.connections, what="the notice on its way")
        wait_until(lambda: world.queue() == [], 20, "an empty queue")
        assert [c for c in stranger.connections[0].commands if c.startswith(b"MAIL")][0].startswith(b"MAIL FROM:<>")
    finally:
        assert world.stop() == 0


def test_a_notice_to_a_stranger_speaks_both_languages(world):
    stranger = world.remote()
    remote = world.remote("rcpt: 550 5.1.1 User unknown")
    world.service.run("alias", "add", "both@here.example", f"x@{remote.domain}")
    world.send("both@here.example", sender=f"jo@{stranger.domain}", login="")
    notice = Notice(stranger.wait()[0].body)
    assert set(notice.languages) == {"en", "es"}
