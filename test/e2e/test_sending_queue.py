"""What waits and why: retries that follow the reason, holds and commands, the end of waiting, warnings; and what
`valija trace` tells of it all."""
import time

import pytest

from service import wait_until
from world import HASTY, Notice, World


@pytest.fixture(scope="module", autouse=True)
def overdue(world):
    """Mail that cannot be delivered in the time it has: it waits while other tests run."""
    remote = world.remote("rcpt: 452 4.2.2 Mailbox full")
    return [*(world.send(f"x@{remote.domain}", sender=f"{who}@here.example") for who in ("eva", "leo")),
            world.send(f"x@{world.nowhere()}", sender="eva@here.example")]


# ---- later

@pytest.mark.parametrize("script, reason", [
    ("rcpt: 450 4.2.0 Greylisted, please try again in 1 second | ok", "greylisted"),
    ("rcpt: 451 4.7.1 Greylisting in action, please come back later | ok", "greylisted"),
    ("mail: 451 4.3.0 Temporary lookup failure | ok", None),
    ("data: 451 4.3.0 Try later | ok", None),
    ("dot: 451 4.3.0 Error in processing | ok", None),
    ("greeting: 421 4.3.2 Service not available | ok", "server-busy"),
    ("ehlo: 421 4.3.2 Service not available | ok", "server-busy"),
    ("mail: 421 4.3.2 Shutting down | ok", None),
    ("rcpt: 421 4.3.2 Shutting down | ok", None),
    ("dot: 421 4.3.2 Shutting down | ok", None),
    ("dot: close | ok", "connection-lost"),
    ("rcpt: reset | ok", None),
])
def test_what_is_refused_for_now_is_brought_later(world, script, reason):
    remote = world.remote(script)
    sent = world.send(f"x@{remote.domain}")
    if reason:
        row = world.wait_reason(sent, reason)
        assert row["next"] >= time.time() - 1
    remote.wait()
    world.wait_gone(sent)
    assert len(remote.messages) == 1
    assert world.trace(sent, "sent")[-1]["kind"] == "sent"


def test_the_queue_shows_who_said_what_and_when_it_goes_on(world):
    remote = world.remote("rcpt: 452 4.2.2 Mailbox of <x@there> is full")
    sent = world.send(f"x@{remote.domain}")
    row = world.wait_reason(sent, "mailbox-full")
    assert row["open"] == row["recipients"] == 1 and row["sender"] == "ana@here.example"
    target, = world.waiting(sent)
    assert target["address"] == f"x@{remote.domain}" and target["attempts"] >= 1
    def shown():
        text = world.service.run("queue", "show", sent.id).stdout
        return text if "Mailbox of <x@there> is full" in text and remote.name in text else None
    wait_until(shown, what="what the server said")
    assert "mailbox-full" in world.service.run("queue", "list").stdout
    world.service.run("queue", "remove", "--yes", sent.id)


def test_a_server_that_is_back_gets_what_waited(world):
    remote = world.remote()
    remote.stop()
    sent = [world.send(f"r{n}@{remote.domain}") for n in range(20)]
    world.wait_reason(sent[0], "connect-failed")
    remote.start()
    remote.wait(20, 30)
    for one in sent:
        world.wait_gone(one)
    assert len(remote.messages) == 20


def test_a_dead_destination_holds_nobody_else_up(world):
    dead, alive = world.nowhere(), world.remote()
    waiting = [world.send(f"r{n}@{dead}") for n in range(100)]
    begin = time.monotonic()
    sent = world.send(f"x@{alive.domain}")
    alive.wait()
    assert time.monotonic() - begin < 5
    world.wait_gone(sent)
    for one in waiting:
        world.service.run("queue", "remove", "--yes", one.id)


def test_a_rate_limit_slows_the_whole_destination_down(world):
    remote = world.remote("rcpt first@*: 451 4.7.1 Rate limit exceeded, try again later | ok")
    first = world.send(f"first@{remote.domain}")
    world.wait_reason(first, "rate-limited")
    second = world.send(f"second@{remote.domain}")
    for one in (first, second):
        world.wait_gone(one)
    moments = {m.recipients[0].partition("@")[0]: m.answered for m in remote.messages}
    assert len(remote.messages) == 2 and len(moments) == 2


# ---- by command

@pytest.fixture
def waiting(world):
    """A message that waits, and the server that can be told to take it."""
    remote = world.remote("rcpt: 450 4.2.1 Mailbox busy")
    sent = world.send(f"x@{remote.domain}")
    world.wait_reason(sent)
    return remote, sent


def test_a_held_message_waits_until_it_is_released(world, waiting):
    remote, sent = waiting
    wait_until(lambda: world.service.run("queue", "hold", sent.id, check=False).returncode == 0, what="the hold")
    assert world.wait_reason(sent, state="held")
    remote.script("")
    attempts = world.waiting(sent)[0]["attempts"]
    time.sleep(3)  # longer than any pause between attempts
    assert remote.messages == [] and world.waiting(sent)[0]["attempts"] == attempts
    world.service.run("queue", "release", sent.id)
    remote.wait()
    world.wait_gone(sent)
    world.trace(sent, "held", "released", "sent")


def test_a_retry_comes_at_once(tmp_path):
    world = World(tmp_path, limits={"retry_first_seconds": 3600, "retry_most_seconds": 3600}).start()
    try:
        remote = world.remote("rcpt: 450 4.2.1 Mailbox busy | ok")
        sent = world.send(f"x@{remote.domain}")
        assert world.wait_reason(sent)["next"] > time.time() + 600
        world.service.run("queue", "retry", sent.id)
        remote.wait()
        sent = world.send(f"y@{remote.domain}")
        world.wait_reason(sent)
        world.service.run("queue", "retry", "--all")
        remote.wait(2)
    finally:
        assert world.stop() == 0


def test_what_is_removed_is_gone_and_nobody_is_told(world, waiting):
    remote, sent = waiting
    wait_until(lambda: world.service.run("queue", "remove", "--yes", sent.id, check=False).returncode == 0)
    remote.script("")
    world.wait_gone(sent)
    world.trace(sent, "removed")
    time.sleep(2.5)
    assert remote.messages == [] and world.box("ana@here.example").notices(sent.message_id) == []


def test_what_a_postmaster_sends_back_is_told_as_such(world, waiting):
    remote, sent = waiting
    wait_until(lambda: world.service.run("queue", "bounce", sent.id, check=False).returncode == 0)
    notice = world.notice(sent, "failed")
    assert notice.facts()[2] == "returned-by-postmaster"
    assert remote.messages == []


def test_commands_about_what_is_not_there_fail_and_say_so(world):
    for verb in ("hold", "release", "retry", "remove", "bounce"):
        done = world.service.run("queue", verb, *(["--yes"] if verb == "remove" else []), "0000000000001", check=False)
        assert done.returncode != 0 and "0000000000001" in done.stderr


# ---- held by itself

def test_where_our_address_is_listed_mail_waits_for_a_person_who_is_told(world):
    world.service.run("account", "passwd", "postmaster@here.example", "--password-stdin", stdin="post-secret\n")
    world.service.accounts["postmaster@here.example"] = "post-secret"
    remote = world.remote("rcpt: 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org")
    sent = world.send(f"x@{remote.domain}")
    row = world.wait_reason(sent, state="held")
    told = wait_until(lambda: [m for m in world.box("postmaster@here.example").look() if sent.id.encode() in m], 20,
                      "the postmaster's notice")
    assert len(told) == 1 and row["reason"].encode() in told[0]
    remote.script("")
    world.service.run("queue", "release", sent.id)
    remote.wait()


# ---- the end

def test_what_waited_too_long_goes_back_with_its_last_reason(world, overdue):
    for one, language in zip(overdue[:2], ("en", "es")):
        notice = world.notice(one, "failed")
        assert notice.facts()[2] == "mailbox-full" and notice.speaks(language)
        assert "4.2.2 Mailbox full" in notice.recipients[0]["diagnostic-code"]
        assert "will-retry-until" not in notice.recipients[0]
        assert {"en": "which is as long", "es": "es todo el tiempo permitido"}[language] in notice.text.replace("\n", " ")
        world.wait_gone(one)
        world.trace(one, "failed", "notified")


def test_a_server_that_never_answered_is_told_after_the_wait(world, overdue):
    notice = world.notice(overdue[2], "failed")
    assert notice.facts() == ("failed", "4.4.1", "connect-failed")
    assert "diagnostic-code" in notice.recipients[0]
    failed = next(e for e in world.trace(overdue[2], "received", "failed") if e["kind"] == "failed")
    received = next(e for e in world.trace(overdue[2], "received", "failed") if e["kind"] == "received")
    assert failed["time"] - received["time"] >= HASTY - 1


def test_a_sender_is_warned_once_that_his_mail_is_late(tmp_path):  # rfc3461#4.1-c
    world = World(tmp_path, limits={"delay_notice_seconds": 2, "retry_first_seconds": 8, "retry_most_seconds": 8}).start()
    try:
        remote = world.remote("rcpt: 450 4.2.1 Mailbox busy")
        sent = [world.send(f"x@{remote.domain}", sender=f"{who}@here.example", rcpt=rcpt)
                for who, rcpt in (("ana", ""), ("luz", "NOTIFY=FAILURE,DELAY"), ("bob", "NOTIFY=FAILURE"))]
        for one, languages in zip(sent[:2], (["en"], ["es"])):
            notice = world.notice(one, "delayed")
            assert notice.facts()[:2] == ("delayed", "4.2.1") and notice.speaks(*languages)
            assert "will-retry-until" in notice.recipients[0]
        time.sleep(3)
        assert len(world.box("ana@here.example").notices(sent[0].message_id)) == 1
        assert world.box("bob@here.example").notices() == []
        remote.script("")
        world.service.run("queue", "retry", "--all")
        remote.wait(3)
    finally:
        assert world.stop() == 0


# ---- restart

def test_a_restart_forgets_nothing_that_waits(tmp_path):
    world = World(tmp_path, limits={"retry_first_seconds": 3600, "retry_most_seconds": 3600}).start()
    try:
        remote = world.remote("rcpt held@*: ok\nrcpt: 450 4.2.1 Mailbox busy")
        sent = [world.send(f"{name}@{remote.domain}") for name in ("one", "two")]
        held = world.send(f"held@{world.nowhere()}")
        before = [world.wait_reason(one) for one in sent]
        world.wait_reason(held)
        world.service.run("queue", "hold", held.id)
        world.talks.clear()
        world.service.restart()
        after = [world.queue(one) for one in sent]
        assert [(r["reason"], r["next"], r["state"]) for r in after] == [
            (r["reason"], r["next"], r["state"]) for r in before]
        assert world.queue(held)["state"] == "held"
        remote.script("")
        world.service.run("queue", "retry", "--all")
        remote.wait(2)
        assert world.queue(held)
    finally:
        assert world.stop() == 0


# ---- the trace

def test_the_trace_tells_every_step_of_what_was_sent_deferred_and_bounced(world):
    remote = world.remote("""
        rcpt yes@*: 450 4.7.1 Greylisted | ok
        rcpt no@*: 550 5.1.1 No such user here
    """, tls=True)
    sent = world.send([f"yes@{remote.domain}", f"no@{remote.domain}"])
    notice = world.notice(sent, "failed")
    events = world.trace(sent, "received", "recipient", "deferred", "sent", "failed", "notified")
    assert isinstance(notice, Notice)
    by_kind = {e["kind"]: e for e in events}
    assert by_kind["deferred"]["reason"] == "greylisted" and by_kind["deferred"]["next"] > 0
    assert by_kind["failed"]["reason"] == "no-mailbox" and by_kind["failed"]["recipient"] == f"no@{remote.domain}"
    for kind in ("deferred", "sent", "failed"):
        assert remote.name in by_kind[kind]["remote"] and remote.host in by_kind[kind]["remote"]
        assert by_kind[kind]["tls"].startswith("TLSv1.3")
    assert "550 5.1.1 No such user here" in by_kind["failed"]["reply"]
    assert by_kind["deferred"]["stage"] == by_kind["failed"]["stage"] == "rcpt"
    for name in (f"no@{remote.domain}", sent.message_id, sent.id):
        shown = world.service.run("trace", name).stdout
        for word in (sent.id, remote.name, "No such user here", "valija explain no-mailbox", "greylisted"):
            assert word in shown, (word, shown)
    assert "greylisted" not in world.service.run("trace", sent.id, options=["--lang", "es"]).stdout.replace(
        "explain greylisted", "")
