"""The courier by itself, asked through the door of the command: what it says of each recipient and of a whole
destination, and how it uses connections."""
import array
import os
import socket
import struct
import threading

import ipc
import pytest

import service as services
from service import wait_until
from world import World

VERDICTS = "undecided delivered relayed later unknown failed".split()
SITES = "ok slow down".split()
RETRIES = "no soon slowly throttle hold".split()
BODY = b"Subject: x\r\n\r\nhello\r\n"
DEAD, ALIVE = "127.4.1.1", "127.4.1.2"
ZONES = {"two.example": f"@ MX 10 dead\n@ MX 20 alive\ndead A {DEAD}\nalive A {ALIVE}\n", "failing.example": None}


class Outcome:
    def __init__(self, item):
        about, = ipc.unpack_items("queue_outcome", item.outcome) if item.outcome else [None]
        self.index, self.verdict, self.retry = item.index, VERDICTS[item.verdict], RETRIES[item.retry]
        self.wait, self.stage, self.tls = item.wait, item.stage.decode(), item.tls.decode()
        if about:
            self.reason, self.status = about.reason.decode(), about.status.decode()
            self.remote, self.said, self.ours = about.remote.decode(), about.said.decode(), bool(about.ours)

    def facts(self):
        return self.verdict, self.stage, self.reason, self.status


class Courier:
    """A channel on which any number of messages may be under way."""

    def __init__(self, service):
        self.channel, self.ids = ipc.door(service, "courier"), iter(range(1, 1 << 30))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.sock.close()

    def begin(self, domain, names=("bob",), body=BODY, fd=None, flags=0, notify=0, offset=0):
        """The serial number of the answer."""
        recipients = b"".join(ipc.pack("courier_rcpt", index=i, address=n if "@" in n else f"{n}@{domain}", orcpt="",
                                       notify=notify) for i, n in enumerate(names))
        message = dict(id=next(self.ids), domain=domain, sender="ana@here.example", envid="", ret=0, flags=flags,
                       recipients=recipients, body_size=len(body), body=b"" if fd is not None else body,
                       offset=offset)
        if fd is None:
            return self.channel.send("courier_send", **message)
        self.channel.serial += 1
        frame = struct.pack("<III", ipc.SCHEMAS["courier_send"][0], self.channel.serial, 0) + \
            ipc.pack("courier_send", **message)
        self.channel.sock.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
        return self.channel.serial

    def end(self):
        serial, m, _ = self.channel.receive("courier_sent")
        outcomes = [Outcome(o) for o in ipc.unpack_items("courier_outcome", m.outcomes)]
        return serial, SITES[m.site], m.wait, sorted(outcomes, key=lambda o: o.index)

    def send(self, domain, *names, **more):
        """What it says of the destination, and of each recipient."""
        serial = self.begin(domain, names or ("bob",), **more)
        got, site, self.wait, outcomes = self.end()
        assert got == serial
        return site, outcomes

    def send_all(self, domains, window=100):
        """Mail to each, with so many under way; the answers in their order."""
        domains, found, begun = list(domains), {}, {}
        while len(found) < len(domains):
            while len(begun) < len(domains) and len(begun) - len(found) < window:
                begun[self.begin(domains[len(begun)])] = len(begun)
            serial, site, _, outcomes = self.end()
            found[begun[serial]] = site, outcomes[0]
        return [found[i] for i in range(len(domains))]


def counters(service):
    answer, _ = ipc.door(service, "courier").ask("role_status", "role_status_answer")
    return {v.name.decode(): v.value for v in ipc.unpack_items("role_value", answer.values)}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("courier"), ZONES, users={}).start()
    made.alive = made.serve(ALIVE, name="alive.two.example")
    yield made
    assert made.stop() == 0, made.service.log()[-3000:]
    assert made.complaints() == []


@pytest.fixture
def courier(own):
    with Courier(own.service) as c:
        yield c


# ---- what becomes of a recipient, and what it says of the others

@pytest.mark.parametrize("script, site, facts", [
    ("", "ok", ("delivered", "body", "", "2.0.0")),
    ("rcpt: 550 5.1.1 User unknown", "ok", ("failed", "rcpt", "no-mailbox", "5.1.1")),
    ("rcpt: 450 4.7.1 Greylisted, try again in 5 minutes", "ok", ("later", "rcpt", "greylisted", "4.7.1")),
    ("mail: 451 4.3.0 Something is wrong here", "ok", ("later", "mail", None, "4.3.0")),
    ("dot: 552 5.2.2 Mailbox full", "ok", ("failed", "body", "mailbox-full", "5.2.2")),
    ("dot: close", "ok", ("unknown", "body", "connection-lost", "4.4.2")),
    ("dot: hang", "slow", ("unknown", "body", "connection-lost", "4.4.2")),
    ("data: close", "ok", ("later", "data", "connection-lost", "4.4.2")),
    ("mail: hang", "slow", ("later", "mail", "connection-lost", "4.4.2")),
    ("mail: 421 4.7.0 Too many concurrent connections", "slow", ("later", "mail", "too-many-connections", "4.7.0")),
    ("greeting: 421 4.3.2 Not now", "down", ("later", "greeting", "try-later", "4.3.2")),
    ("greeting: 554 5.7.1 No mail from you", "ok", ("failed", "greeting", None, "5.7.1")),
    ("greeting: garbage", "down", ("later", "greeting", "misconfigured-receiver", "4.5.0")),
    ("ehlo: 421 4.3.2 Closing", "down", ("later", "hello", None, "4.3.2")),
])
def test_each_reply_and_fault_is_told_as_what_it_is(own, courier, script, site, facts):
    remote = own.remote(script)
    found, (outcome,) = courier.send(remote.domain)
    assert found == site
    assert outcome.facts() == tuple(f if f is not None else o for f, o in zip(facts, outcome.facts()))
    assert outcome.remote == f"{remote.name} [{remote.host}]"


@pytest.mark.parametrize("domain, site, facts", [
    ("nowhere.example", "ok", ("failed", "dns", "domain-not-found", "5.1.2")),
    ("failing.example", "down", ("later", "dns", "dns-failure", "4.4.3")),
    ("[127.0.0.1", "ok", ("failed", "dns", "domain-not-found", "5.1.2")),
])
def test_a_walk_that_leads_nowhere_is_told(courier, domain, site, facts):
    found, (outcome,) = courier.send(domain, "bob@there.example")
    assert (found, outcome.facts(), outcome.ours, outcome.remote) == (site, facts, True, "")


def test_a_refused_connection_is_told(own, courier):
    site, (outcome,) = courier.send(own.nowhere())
    assert site == "down" and outcome.facts() == ("later", "connect", "connect-failed", "4.4.1") and outcome.ours


def test_a_wait_is_read_from_the_words(own, courier):
    site, outcomes = courier.send(own.remote("rcpt a@*: 450 4.7.1 Greylisted, try again in 5 minutes").domain, "a", "b")
    assert [o.wait for o in outcomes] == [300, 0] and courier.wait == 300


def test_who_cannot_tell_of_success_has_only_relayed(own, courier):  # rfc3461#5.2.2-a
    able, unable = own.remote("offers: PIPELINING, DSN"), own.remote()
    for remote, notify, verdict in ((able, 2, "delivered"), (unable, 2, "relayed"), (unable, 4, "delivered"),
                                    (unable, 0, "delivered")):
        _, (outcome,) = courier.send(remote.domain, notify=notify)
        assert outcome.verdict == verdict


def test_many_recipients_have_room_for_what_is_said_of_each(own, courier):
    remote = own.remote(f"rcpt: 550 5.1.1 {'ñandú ' * 200}")
    _, outcomes = courier.send(remote.domain, *(f"r{n}" for n in range(100)))
    assert len(outcomes) == 100
    for o in outcomes:
        assert o.verdict == "failed" and o.said.startswith("550 5.1.1 ñandú ñandú") and len(o.said.encode()) > 200


@pytest.mark.parametrize("change", [{"names": ()}, {"names": [f"r{n}" for n in range(101)]}, {"flags": 1 << 31}])
def test_a_request_that_makes_no_sense_harms_nobody(own, courier, change):
    courier.begin(own.remote().domain, **change)
    courier.end()
    assert courier.send(own.remote().domain)[1][0].verdict == "delivered"


def test_a_message_to_many_travels_once(own, courier):  # rfc5321#4.5.4.1-c
    remote = own.remote()
    _, outcomes = courier.send(remote.domain, *(f"r{n}" for n in range(30)))
    assert {o.verdict for o in outcomes} == {"delivered"} and len(remote.attempts) == 1


# ---- bodies

def test_a_body_in_a_file_is_read_from_where_it_begins(own, courier, tmp_path):
    body = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 50_000
    (tmp_path / "body").write_bytes(b"something else" + body + b"and more")
    fd = os.open(tmp_path / "body", os.O_RDONLY)
    remotes = own.remote(), own.remote("offers: PIPELINING, CHUNKING")
    for remote in remotes:
        _, (outcome,) = courier.send(remote.domain, body=body, fd=fd, offset=14)
        assert outcome.verdict == "delivered" and remote.wait()[0].body == body
    os.close(fd)


def test_a_body_that_cannot_be_read_is_not_half_sent(own, courier, tmp_path):
    (tmp_path / "body").write_bytes(BODY)
    fd = os.open(tmp_path / "body", os.O_RDONLY)
    remote = own.remote()
    _, (outcome,) = courier.send(remote.domain, body=BODY * 10, fd=fd)
    os.close(fd)
    assert outcome.facts()[::2] == ("later", "local-error") and remote.messages == []


def test_messages_that_are_refused_unsent_hold_up_nobody(own, courier):
    remote = own.remote("offers: PIPELINING, SIZE 10")
    found = courier.send_all([remote.domain] * 30)
    assert {o.facts() for _, o in found} == {("failed", "mail", "message-too-big", "5.3.4")}
    assert remote.attempts == [] and len(remote.connections) <= 3


# ---- connections

def test_a_site_gets_more_connections_as_it_goes_well_and_uses_them_again(own, courier):
    remote = own.remote("dot: wait 0.02 then ok")
    assert {o.verdict for _, o in courier.send_all([remote.domain] * 300)} == {"delivered"}
    assert 2 < remote.most_open <= 20
    assert max(len(c.messages) for c in remote.connections) > 5


def test_a_server_that_allows_few_connections_still_gets_everything(own, courier):
    remote = own.remote("greeting >4: 421 4.7.0 Too many connections\ndot: wait 0.01 then ok")
    assert {o.verdict for _, o in courier.send_all([remote.domain] * 200)} == {"delivered"}
    assert len(remote.wait(200)) == 200


def test_a_server_that_was_dead_is_not_tried_for_each_message(own, courier):  # rfc5321#4.5.4.1-a rfc5321#5.1-i
    before = counters(own.service)["unreachable"]
    for _ in range(5):
        _, (outcome,) = courier.send("two.example")
        assert outcome.verdict == "delivered" and outcome.remote.startswith("alive.two.example ")
        for c in own.alive.connections:
            c.open and c.sock.shutdown(socket.SHUT_RDWR)
    assert 1 <= counters(own.service)["unreachable"] - before <= 2, "once for each of the first connections"


def test_a_server_that_wants_to_hear_of_no_mail_now_is_not_the_last_word(own, courier):  # rfc5321#5.1-i
    own.alive.script("mail: 451 4.3.0 Not today")
    first = own.serve(DEAD, "mail: 451 4.3.0 Not today", name="dead.two.example")
    _, (outcome,) = courier.send("two.example")
    assert outcome.facts()[:2] == ("later", "mail") and (first.connections or own.alive.connections)
    own.alive.script("")
    assert courier.send("two.example")[1][0].verdict == "delivered"


def test_a_connection_is_left_in_order_after_a_while(own, courier):
    remote = own.remote()
    courier.send(remote.domain)
    wait_until(lambda: not any(c.open for c in remote.connections), 20, "the end of the connection")
    assert remote.connections[0].commands[-1] == b"QUIT"


def test_a_connection_that_is_lost_under_a_message_is_replaced(own, courier):
    remote = own.remote("mail: reset | 421 4.3.2 Restarting | ok")
    _, (outcome,) = courier.send(remote.domain)
    assert outcome.verdict == "delivered" and len(remote.connections) == 3


@pytest.fixture
def few(tmp_path):
    made = World(tmp_path, users={}, limits={"remote_connections": 4}).start()
    yield made
    assert made.stop() == 0


def test_sites_share_what_connections_there_are(few):
    slow = [few.remote("dot: wait 0.01 then ok") for _ in range(12)]
    with Courier(few.service) as courier:
        domains = [r.domain for _ in range(8) for r in slow]
        assert {o.verdict for _, o in courier.send_all(domains)} == {"delivered"}
    assert counters(few.service)["connections"] <= 4
    assert all(len(r.wait(8)) == 8 for r in slow)


def test_a_reload_changes_the_way(few):
    before, after = few.remote(), few.remote()
    few.service.config.write_text(few.service.config.read_text() + f"route elsewhere.example {before.host}:{few.port}\n")
    few.service.reload()
    with Courier(few.service) as courier:
        assert courier.send("elsewhere.example")[1][0].remote == f"[{before.host}]"
        few.service.config.write_text(few.service.config.read_text().replace(before.host, after.host))
        few.service.reload()
        wait_until(lambda: courier.send("elsewhere.example")[1][0].remote == f"[{after.host}]", what="the new way")


def test_a_message_that_has_left_hears_its_answer_before_a_stop(tmp_path):
    world = World(tmp_path, users={}).start()
    try:
        remote = world.remote("dot: wait 1 then ok")
        courier = Courier(world.service)
        courier.begin(remote.domain)
        wait_until(lambda: any(m.wire for c in remote.connections for m in c.messages), what="the message")
        stopping = threading.Thread(target=world.service.stop)
        stopping.start()
        assert courier.end()[3][0].verdict == "delivered"
        stopping.join()
    finally:
        world.stop()


# ---- TLS

def test_tls_is_told(own, courier):
    for remote, tls in ((own.remote(tls=True), "TLSv1.3"), (own.safe_remote(), "TLSv1.3 dane"), (own.remote(), "")):
        assert courier.send(remote.domain)[1][0].tls == tls


def test_a_broken_handshake_is_followed_by_clear_text_and_remembered(own, courier):
    remote = own.remote("handshake: close", tls=True)
    for _ in range(3):
        assert courier.send(remote.domain)[1][0].verdict == "delivered"
        for c in remote.connections:
            c.open and c.sock.shutdown(socket.SHUT_RDWR)
    assert sum(b"STARTTLS" in c.commands for c in remote.connections) == 1


@pytest.mark.parametrize("script, certificate", [("", False), ("starttls: 454 4.7.0 No", True), ("handshake: close", True)])
def test_where_the_dns_proves_a_server_nothing_goes_in_clear(own, courier, script, certificate):  # rfc7672#2.2-c
    remote = own.safe_remote(script)
    if not certificate:
        remote.certificate = None
    site, (outcome,) = courier.send(remote.domain)
    assert site == "down" and outcome.verdict == "later" and outcome.reason == "dane-failed"
    assert outcome.status.startswith("4.7.") and remote.attempts == []


def test_another_certificate_than_the_proven_one_is_refused(own, courier):
    remote = own.safe_remote(certificate=services.make_certificate(own.folder, "mx.other.example"))
    _, (outcome,) = courier.send(remote.domain)
    assert (outcome.stage, outcome.reason, outcome.status) == ("tls", "dane-failed", "4.7.5")
    assert remote.attempts == []
