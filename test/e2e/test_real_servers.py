"""Postfix and Exim as Debian has them on the other side: mail goes to their mailboxes and comes back from them."""
import os
import re
import smtplib

import pytest

from conftest import as_root
from real import Exim, Postfix
from service import wait_until
from wire import read_all
from world import World, mail_exchanger

pytestmark = as_root
HOSTS = {"postfix.example": "127.5.0.1", "exim.example": "127.5.0.2"}
TEXT = "".join(f"line {n} with a dot behind the end\r\n.{'.' * n}\r\n" for n in range(20)) + "áéíóú ñ\r\n"
HEAD = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    zones = {domain: mail_exchanger("@", host).replace("mx.@", "mx") for domain, host in HOSTS.items()}
    made = World(tmp_path_factory.mktemp("world"), zones, limits={"connection_messages": 20}).start()
    yield made
    assert made.stop() == 0, made.service.log()[-3000:]


@pytest.fixture(scope="module")
def servers(world):
    for path in world.certificate:
        os.chmod(path, 0o644)
    here = f"[127.0.0.1]:{world.service.ports['smtp']}"
    found = {
        "postfix.example": Postfix(world.folder / "postfix", HOSTS["postfix.example"], world.port, "postfix.example"
                                   ).configure(f"transport_maps = inline:{{ here.example=smtp:{here} }}\n",
                                               world.certificate),
        "exim.example": Exim(world.folder / "exim", HOSTS["exim.example"], world.port, "exim.example"
                             ).configure(world.certificate)}
    try:
        yield {domain: server.start() for domain, server in found.items()}
    finally:
        for server in found.values():
            server.stop()


@pytest.mark.parametrize("domain", HOSTS)
def test_mail_is_in_their_mailboxes_as_it_was_sent_and_came_over_tls(world, servers, domain):
    server = servers[domain]
    sent = world.send([f"ana@{domain}", f"bob@{domain}"], head=HEAD, text=TEXT, mail="BODY=8BITMIME")
    for user in ("ana", "bob"):
        stored = server.messages(user, 1)[0]
        assert stored.endswith(sent.body), stored
        assert b"TLS" in stored.partition(sent.body)[0]
    world.wait_gone(sent)
    event = world.trace(sent, "sent")[-1]
    assert event["tls"].startswith("TLSv1.3") and HOSTS[domain] in event["remote"]


@pytest.mark.parametrize("domain", HOSTS)
def test_many_messages_share_a_connection_and_none_is_lost(world, servers, domain):
    server = servers[domain]
    before = {user: len(server.files(user)) for user in server.users}
    for n in range(50):
        world.send(f"{server.users[n % 2]}@{domain}", text=f"number {n}\r\n")
    found = [m for user in server.users for m in server.messages(user, before[user] + 25)]
    assert sorted(int(n) for n in re.findall(rb"^number (\d+)\r", b"".join(found), re.M)) == list(range(50))


@pytest.mark.parametrize("domain, status, words", [
    ("postfix.example", "5.1.1", "User unknown"), ("exim.example", "5.0.0", "User unknown")])
def test_who_is_unknown_there_is_told_to_the_sender(world, servers, domain, status, words):
    assert servers[domain]
    notice = world.notice(world.send(f"nobody@{domain}", sender="luz@here.example"))
    assert notice.facts() == ("failed", status, "no-mailbox") and notice.speaks("es")
    assert words in " ".join(notice.text.split()) and words in notice.recipients[0]["diagnostic-code"]


@pytest.mark.parametrize("domain", HOSTS)
def test_a_large_message_arrives_whole(world, servers, domain):
    server = servers[domain]
    before = len(server.files("ana"))
    sent = world.send(f"ana@{domain}", text="0123456789abcdef" * 4 + "\r\n" + ("x" * 70 + "\r\n") * 100_000)
    assert max(server.messages("ana", before + 1), key=len).endswith(sent.body)


def test_what_comes_from_postfix_is_in_our_mailbox(world, servers):
    """There and back: a forward of Postfix's would be the same to us."""
    postfix, reader = servers["postfix.example"], world.service.new_account()
    smtp = smtplib.SMTP(postfix.host, postfix.port, timeout=20)
    with smtp:
        smtp.sendmail("ana@postfix.example", [reader], b"Subject: from Postfix\r\n\r\n.hello\r\n")
    stored = read_all(world.service, reader, 1, 20)[0]
    assert stored.endswith(b".hello\r\n") and b"Return-Path: <ana@postfix.example>" in stored
    assert re.search(rb"by mx\.here\.example with ESMTPS \(TLSv1\.3", stored)


def test_postfix_tells_its_own_users_what_we_said(world, servers):
    postfix = servers["postfix.example"]
    before = len(postfix.files("bob"))
    with smtplib.SMTP(postfix.host, postfix.port, timeout=20) as smtp:
        smtp.sendmail("bob@postfix.example", ["nobody@here.example"], b"Subject: to nobody\r\n\r\nhello\r\n")
    bounce = postfix.messages("bob", before + 1)[-1]
    assert b"550 5.1.1" in bounce and b"[no-mailbox " in bounce.replace(b"\r\n    ", b" ")


def test_a_server_that_is_away_gets_what_waited_when_it_is_back(world, servers):
    postfix = servers["postfix.example"]
    before = len(postfix.files("ana"))
    postfix.stop()
    sent = world.send("ana@postfix.example", text="waited\r\n")
    world.wait_reason(sent, "connect-failed")
    postfix.start()
    wait_until(lambda: len(postfix.files("ana")) == before + 1, 30, "the message")
    world.wait_gone(sent)
