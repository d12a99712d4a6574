"""Mail that an address passes on to another server: whose it is on the way, how its failure finds back, and what
strangers learn."""
import re

import pytest

from service import wait_until
from wire import Smtp, read_all
from world import Notice

SRS = re.compile(r"SRS0[=+-][^@]+@here\.example")


@pytest.fixture(scope="module")
def stranger(world):
    """A server from whose users mail comes, and to which it goes back."""
    return world.remote()


def alias(world, name, *targets):
    address = f"{name}@here.example"
    world.service.run("alias", "add", address, *targets)
    return address


def from_outside(world, stranger, to, name="jo", **more):
    return world.send(to, sender=f"{name}@{stranger.domain}", login="", **more)


def test_a_forward_travels_with_a_return_address_of_ours(world, stranger):
    remote = world.remote()
    sent = from_outside(world, stranger, alias(world, "srs", f"x@{remote.domain}"))
    message, = remote.wait()
    assert SRS.fullmatch(message.sender) and "jo" in message.sender and stranger.domain in message.sender
    assert message.recipients == [f"x@{remote.domain}"] and sent.body in message.body


def test_what_our_own_users_and_nobody_send_is_forwarded_as_theirs(world):
    remote = world.remote()
    address = alias(world, "own", f"x@{remote.domain}")
    world.send(address)
    assert remote.wait()[0].sender == "ana@here.example"
    world.send(address, sender="", login="")
    assert remote.wait(2)[1].sender == ""


def test_what_comes_back_to_that_address_goes_to_who_sent_it(world, stranger):
    remote = world.remote()
    from_outside(world, stranger, alias(world, "back", f"x@{remote.domain}"), "joe")
    back = remote.wait()[0].sender
    world.send([back], sender="", login="", text="it failed\r\n")
    message = wait_until(lambda: [m for m in stranger.messages if m.recipients == [f"joe@{stranger.domain}"]])[0]
    assert message.sender == "" and b"it failed" in message.body


@pytest.mark.parametrize("change", [lambda a: a.replace("SRS0=", "SRS0=AAAA"), lambda a: a.replace("ivy", "eve"),
                                    lambda a: "SRS0=AAAAAA=AA=there.example=x@here.example"])
def test_an_address_that_somebody_made_up_leads_nowhere(world, stranger, change):
    remote = world.remote()
    address = alias(world, f"made-up-{remote.domain.partition('.')[0]}", f"x@{remote.domain}")
    from_outside(world, stranger, address, "ivy")
    back = change(remote.wait()[0].sender)
    assert world.refusal(back, sender="", login="").startswith("550 5."), back


def test_a_failure_does_not_tell_strangers_where_it_would_have_gone(world, stranger):
    remote = world.remote("rcpt: 552 5.2.2 <quiz@it> of Ana Lopez is full")
    address = alias(world, "hidden", f"quiz@{remote.domain}")
    from_outside(world, stranger, address, "max")
    data = wait_until(lambda: [m for m in stranger.messages if m.recipients == [f"max@{stranger.domain}"]], 20)[0].body
    notice = Notice(data)
    assert notice.facts(address) == ("failed", "5.2.2", "mailbox-full")
    for word in (remote.domain, remote.host, "quiz@", "Lopez"):
        assert word.encode() not in data and word not in notice.text, word
    assert not world.refusal(notice.message["Reply-To"].strip("<>"), sender=f"max@{stranger.domain}", login=""
                             ).startswith("5"), "who answers it reaches somebody"


def test_where_a_forward_is_no_secret_whoever_writes_is_told(world, stranger):
    remote = world.remote()
    address = alias(world, "told", f"x@{remote.domain}", "--tell")
    with Smtp(world.service) as smtp:
        smtp.ehlo()
        smtp.say(f"MAIL FROM:<jo@{stranger.domain}>")
        reply = smtp.say(f"RCPT TO:<{address}>")
        assert reply.startswith("251 2.1.5") and f"x@{remote.domain}" in reply, reply
        assert smtp.say("DATA").startswith("354")
        smtp.send(b"Subject: told\r\n\r\n.\r\n")
        assert smtp.reply().startswith("250")
    assert remote.wait()[0].recipients == [f"x@{remote.domain}"]


def test_who_has_moved_is_told_and_gets_nothing(world, stranger):
    remote = world.remote()
    reply = world.refusal(alias(world, "moved", f"x@{remote.domain}", "--moved"), sender=f"jo@{stranger.domain}",
                          login="")
    assert reply.startswith("551 5.1.6") and f"x@{remote.domain}" in reply, reply
    assert remote.connections == []


def test_an_alias_may_have_readers_here_and_elsewhere(world, stranger):
    one, other = world.remote(), world.remote("rcpt: 450 4.2.1 Busy | ok")
    reader = world.service.new_account()
    address = alias(world, "mixed", reader, f"x@{one.domain}", f"y@{other.domain}")
    sent = from_outside(world, stranger, address)
    assert sent.body in read_all(world.service, reader, 1)[0]
    assert one.wait()[0].recipients == [f"x@{one.domain}"] and other.wait()[0].recipients == [f"y@{other.domain}"]
    world.wait_gone(sent)
    assert len(one.messages) == len(other.messages) == 1


def test_a_forward_that_comes_back_again_and_again_ends(world, stranger):
    remote = world.remote()
    address = alias(world, "round", f"x@{remote.domain}")
    body = b"".join(b"Received: from a by b; Tue, 1 Dec 2026 12:00:00 +0000\r\n" for _ in range(60))
    smtp = world.talk("")
    smtp.envelope(f"jo@{stranger.domain}", address)
    assert smtp.say("DATA").startswith("354")
    smtp.send(body + b"Subject: round\r\n\r\n.\r\n")
    assert smtp.reply().startswith("554 5.4.6")
    assert remote.attempts == []


def test_every_copy_says_by_which_address_it_came(world, stranger):
    remote = world.remote()
    from_outside(world, stranger, alias(world, "count", f"x@{remote.domain}"))
    message, = remote.wait()
    assert message.body.count(b"Received: ") == 1


# ---- senders (P9)

@pytest.mark.parametrize("sender, codes, reason", [
    ("jo@nowhere.example", "5", "sender-domain-not-found"), ("jo@nowhere .example", "5", None)])
def test_a_sender_whose_domain_does_not_exist_is_refused(world, sender, codes, reason):
    reply = world.refusal("ana@here.example", sender=sender, login="")
    assert reply.startswith(codes) and (reason is None or f"[{reason} " in reply), reply


def test_a_stray_space_in_a_senders_address_is_named(world):
    reply = world.refusal("ana@here.example", sender="jo@there.example ", login="")
    assert reply.startswith("5") and "space" in reply, reply


def test_strangers_may_not_send_through_us(world, stranger):
    reply = world.refusal(f"x@{world.nowhere()}", sender=f"jo@{stranger.domain}", login="")
    assert reply.startswith("550 5.7.1") and "[relay-denied " in reply, reply
