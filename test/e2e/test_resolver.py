"""The resolver role against a real DNS: every verdict, what is proven and what is not."""
import os
import time

import pytest

import ipc
import service as services
from conftest import as_root
from dns import Dns
from service import wait_until
from wire import Smtp

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52}
VERDICTS = ["found", "no domain", "no record", "temporary", "bogus"]
HASH = "ab" * 32

ZONES = {
    "plain.example": "@ MX 20 mx2\n@ MX 10 mx1\nmx1 A 127.0.0.2\nmx1 AAAA ::1\nmx2 A 127.0.0.3\n"
                     "@ TXT \"v=spf1 \" \"-all\"\nalias CNAME mx1\ndangling CNAME nowhere\n"
                     "elsewhere CNAME mx.signed.example.\n_25._tcp.mx1 TLSA 3 1 1 " + HASH + "\n",
    "null.example": "@ MX 0 .\n",
    "none.example": "@ A 127.0.0.4\n",
    "signed.example": "@ MX 10 mx\nmx A 127.0.0.5\n_25._tcp.mx TLSA 3 1 1 " + HASH + "\n"
                      "alias CNAME mx\n",
    "broken.example": "@ MX 10 mx\nmx A 127.0.0.6\n",
    "failing.example": None,
    "many.example": "".join(f"@ A 127.1.{i // 250}.{i % 250}\n" for i in range(600)),
    "2.0.192.in-addr.arpa": "1 PTR Mx1.Plain.Example.\n",
    "0.0.127.in-addr.arpa": "7 PTR seven.example.\n",
}


class Asker:
    def __init__(self, channel):
        self.channel = channel

    def send(self, name, kind):
        return self.channel.send("resolver_ask", name=name, type=TYPES.get(kind, kind))

    def receive(self):
        return self.channel.receive("resolver_answer")[1]

    def __call__(self, name, kind):
        """Verdict and data, the preference of an MX in front of it."""
        self.send(name, kind)
        self.last = self.receive()
        items = ipc.unpack_items("resolver_record", self.last.records)
        data = [(i.preference, i.data.decode()) if kind == "MX" else i.data for i in items]
        return VERDICTS[self.last.verdict], sorted(data)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    dns = Dns(tmp_path_factory.mktemp("dns"), ZONES, ["signed.example"], ["broken.example"]).start()
    yield dns
    dns.stop()


@pytest.fixture(scope="module")
def here(tmp_path_factory, world):
    """Tests here change no DNS and stop nothing."""
    service = services.configured(tmp_path_factory.mktemp("service"), more=world.lines)
    service.start()
    yield service
    assert service.stop() == 0, service.log()


@pytest.fixture
def ask(here):
    with ipc.door(here, "resolver") as channel:
        yield Asker(channel)


@pytest.fixture
def own_dns(tmp_path):
    """For tests that stop or change it."""
    dns = Dns(tmp_path / "dns", ZONES, ["signed.example"], ["broken.example"]).start()
    yield dns
    dns.go_on() if dns.process else None
    dns.stop()


@pytest.fixture
def own_service(tmp_path):
    made = []

    def make(more, **limits):
        made.append(services.configured(tmp_path / f"own{len(made)}", limits, more))
        made[-1].start()
        return made[-1]

    make.made = made
    yield make
    for service in made:
        assert service.stop() == 0, service.log()


def counters(service):
    return service.json("status")[0]["counters"]["resolver"]


@pytest.mark.parametrize("name, kind, verdict, data, secure", [
    ("plain.example", "MX", "found", [(10, "mx1.plain.example"), (20, "mx2.plain.example")], False),
    ("PLAIN.Example.", "MX", "found", [(10, "mx1.plain.example"), (20, "mx2.plain.example")], False),
    ("mx1.plain.example", "A", "found", [b"\x7f\0\0\2"], False),
    ("mx1.plain.example", "AAAA", "found", [bytes(15) + b"\1"], False),
    ("plain.example", "TXT", "found", [b"v=spf1 -all"], False),
    ("alias.plain.example", "CNAME", "found", [b"mx1.plain.example"], False),
    ("_25._tcp.mx1.plain.example", "TLSA", "found", [b"\3\1\1" + b"\xab" * 32], False),
    ("null.example", "MX", "found", [(0, ".")], False),
    ("none.example", "MX", "no record", [], False),
    ("mx2.plain.example", "AAAA", "no record", [], False),
    ("nowhere.plain.example", "A", "no domain", [], False),
    ("nowhere.example", "MX", "no domain", [], True),
    ("signed.example", "MX", "found", [(10, "mx.signed.example")], True),
    ("mx.signed.example", "A", "found", [b"\x7f\0\0\5"], True),
    ("mx.signed.example", "AAAA", "no record", [], True),
    ("_25._tcp.mx.signed.example", "TLSA", "found", [b"\3\1\1" + b"\xab" * 32], True),
    ("_26._tcp.mx.signed.example", "TLSA", "no domain", [], True),
    ("1.2.0.192.in-addr.arpa", "PTR", "found", [b"mx1.plain.example"], False),
    ("192.0.2.1", "PTR", "found", [b"mx1.plain.example"], False),
    ("127.0.0.7", "PTR", "found", [b"seven.example"], False),
    ("not a name", "A", "no domain", [], False),
    ("x" * 64 + ".example", "A", "no domain", [], False),
    ("plain.example", 255, "no domain", [], False),
])
def test_a_question_has_its_answer(ask, name, kind, verdict, data, secure):
    assert ask(name, kind) == (verdict, data)
    assert ask.last.secure == secure
    assert ask.last.why == b""


@pytest.mark.parametrize("name, verdict, canonical, secure", [
    ("alias.plain.example", "found", "mx1.plain.example", False),
    ("dangling.plain.example", "no domain", "nowhere.plain.example", False),
    ("elsewhere.plain.example", "found", "mx.signed.example", False),
    ("alias.signed.example", "found", "mx.signed.example", True),
    ("mx1.plain.example", "found", "mx1.plain.example", False),
])
def test_aliases_are_followed_and_their_end_is_named(ask, name, verdict, canonical, secure):
    assert ask(name, "A")[0] == verdict
    assert ask.last.canonical.decode() == canonical
    assert ask.last.secure == secure


def test_times_to_live_are_told(ask):
    ask("plain.example", "MX")
    assert 0 < ask.last.ttl <= 60
    ask("nowhere.example", "A")
    assert ask.last.ttl <= 5


def test_a_broken_signature_is_bogus_and_says_why(ask):
    assert ask("broken.example", "MX") == ("bogus", [])
    assert b"signature" in ask.last.why and b"broken.example" in ask.last.why
    assert not ask.last.secure


def test_a_failing_server_is_temporary(ask):
    assert ask("failing.example", "MX") == ("temporary", [])
    assert ask.last.why == b"no name server gave an answer"


def test_a_large_answer_is_cut_at_its_limit(ask):
    verdict, data = ask("many.example", "A")
    assert (verdict, len(data), ask.last.cut) == ("found", 500, 1)


def test_repeated_questions_are_answered_from_the_cache(here, ask):
    ask("mx2.plain.example", "A")
    before = counters(here)
    for _ in range(20):
        assert ask("mx2.plain.example", "A")[0] == "found"
    after = counters(here)
    assert after["cached"] - before["cached"] == 20
    assert after["questions"] - before["questions"] == 20


def test_a_silent_server_is_temporary_in_time_and_known_again_when_it_is_back(own_dns, own_service):
    here = own_service(own_dns.lines, dns_seconds=1)
    with ipc.door(here, "resolver") as channel:
        ask = Asker(channel)
        assert ask("plain.example", "MX")[0] == "found"
        own_dns.pause()
        begin = time.monotonic()
        assert ask("none.example", "A") == ("temporary", [])
        assert 0.9 < time.monotonic() - begin < 3
        assert ask.last.why == b"no answer in time"
        assert ask("plain.example", "MX")[0] == "found", "the cache answers all the same"
        own_dns.go_on()
        wait_until(lambda: ask("mx2.plain.example", "A")[0] == "found", 20, "an answer")
        assert counters(here)["late"] >= 1


def test_a_server_that_is_gone_is_temporary(own_dns, own_service):
    here = own_service(own_dns.lines, dns_seconds=2)
    own_dns.stop()
    with ipc.door(here, "resolver") as channel:
        ask = Asker(channel)
        assert ask("plain.example", "MX") == ("temporary", [])
        own_dns.start()
        wait_until(lambda: ask("plain.example", "MX")[0] == "found", 30, "an answer")


def test_the_same_question_is_asked_once(own_dns, own_service):
    here = own_service(own_dns.lines)
    with ipc.door(here, "resolver") as one, ipc.door(here, "resolver") as two:
        own_dns.pause()
        for asker in (Asker(one), Asker(two)):
            for _ in range(50):
                asker.send("plain.example", "MX")
        wait_until(lambda: counters(here)["joined"] == 99, what="100 questions")
        assert counters(here)["under_way"] == 1
        own_dns.go_on()
        for asker in (Asker(one), Asker(two)):
            assert all(VERDICTS[asker.receive().verdict] == "found" for _ in range(50))
        assert counters(here)["under_way"] == 0


def test_one_asker_waits_for_a_fair_number_and_others_are_answered(own_dns, own_service):
    here = own_service(own_dns.lines, dns_seconds=5)
    with ipc.door(here, "resolver") as greedy, ipc.door(here, "resolver") as modest:
        own_dns.pause()
        for _ in range(2100):
            Asker(greedy).send("plain.example", "MX")
        for _ in range(2100 - 2048):
            assert Asker(greedy).receive().why == b"too many questions at a time"
        Asker(modest).send("plain.example", "MX")
        own_dns.go_on()
        assert VERDICTS[Asker(modest).receive().verdict] == "found"


def test_who_asks_and_goes_harms_nobody(own_dns, own_service):
    here = own_service(own_dns.lines)
    own_dns.pause()
    with ipc.door(here, "resolver") as gone:
        Asker(gone).send("plain.example", "MX")
        wait_until(lambda: counters(here)["under_way"] == 1, what="the question")
    own_dns.go_on()
    with ipc.door(here, "resolver") as channel:
        assert Asker(channel)("plain.example", "MX")[0] == "found"
    assert counters(here)["under_way"] == 0


def test_without_an_anchor_nothing_is_secure_and_nothing_bogus(own_dns, own_service):
    for anchor in ("none", own_dns.folder / "missing"):
        here = own_service(f"resolver {own_dns.server}\ntrust-anchor {anchor}\n")
        with ipc.door(here, "resolver") as channel:
            ask = Asker(channel)
            assert ask("signed.example", "MX")[0] == "found" and not ask.last.secure
            assert " unvalidated " in here.log()
            assert ask("broken.example", "MX")[0] == "found"
        assert counters(here)["validating"] == 0


def test_an_anchor_that_is_none_is_said_and_mail_goes_on(own_dns, own_service):
    wrong = own_dns.folder / "wrong.key"
    wrong.write_text(". IN DS these are no numbers\n")
    here = own_service(f"resolver {own_dns.server}\ntrust-anchor {wrong}\n")
    with ipc.door(here, "resolver") as channel:
        assert Asker(channel)("plain.example", "MX")[0] == "found"
    assert " unvalidated " in here.log()


def test_somebody_elses_anchor_makes_everything_bogus(own_dns, own_service):
    here = own_service(f"resolver {own_dns.server}\n")  # the world's own root, if Debian's is here
    with ipc.door(here, "resolver") as channel:
        verdict = Asker(channel)("plain.example", "MX")[0]
    if " unvalidated " in here.log():
        pytest.skip("this system has no root key")
    assert verdict == "bogus"


def test_a_reload_changes_the_server_and_keeps_questions(own_dns, own_service, tmp_path):
    other = Dns(tmp_path / "other", {"plain.example": "@ MX 5 other\nnew A 127.0.0.9\n"}).start()
    try:
        here = own_service(own_dns.lines)
        with ipc.door(here, "resolver") as channel:
            ask = Asker(channel)
            assert ask("plain.example", "MX")[1][0] == (10, "mx1.plain.example")
            before = counters(here)["cached"]
            here.reload()
            assert ask("plain.example", "MX")[0] == "found"
            assert counters(here)["cached"] == before + 1, "a reload that changes nothing keeps the cache"
            own_dns.pause()
            ask.send("new.plain.example", "A")
            wait_until(lambda: counters(here)["under_way"] == 1, what="the question")
            here.config.write_text(here.config.read_text().replace(own_dns.lines, other.lines))
            here.reload()
            assert VERDICTS[ask.receive().verdict] == "found", "asked again, of the new server"
            assert ask("plain.example", "MX")[1] == [(5, "other.plain.example")]
    finally:
        other.stop()


def test_it_runs_once_somebody_asks(world, tmp_path):
    here = services.configured(tmp_path / "asked", {"sender_domain_check": 1}, world.lines)
    here.start()
    assert here.roles("resolver") == [] and here.json("status")[0]["counters"]["resolver"] == {}
    assert here.roles("resolver") == [], "asking for its counters does not start it"
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.say("MAIL FROM:<x@plain.example>").startswith("250")
    assert len(here.roles("resolver")) == 1, "the sender's domain was looked up"
    assert here.stop() == 0


def test_a_resolver_that_dies_is_replaced_when_it_is_needed(own_dns, own_service):
    here = own_service(own_dns.lines)
    with ipc.door(here, "resolver") as channel:
        assert Asker(channel)("plain.example", "MX")[0] == "found"
    old = here.roles("resolver")[0].pid
    os.kill(old, 9)
    wait_until(lambda: not here.roles("resolver"), what="its end")

    def attempt():
        try:
            with ipc.door(here, "resolver") as channel:
                return Asker(channel)("plain.example", "MX")[0] == "found"
        except (OSError, services.Trouble, IndexError):
            return False
    wait_until(attempt, what="an answer")


def test_the_resolver_holds_no_file_and_no_thread(here):
    role = here.roles("resolver")[0]
    threads = os.listdir(f"/proc/{role.pid}/task")
    assert len(threads) == 1
    for fd in os.listdir(f"/proc/{role.pid}/fd"):
        if int(fd) > 2:
            assert os.readlink(f"/proc/{role.pid}/fd/{fd}").startswith(("socket:", "anon_inode:", "pipe:"))


@as_root
def test_it_works_as_a_plain_user_too(own_dns, tmp_path):
    own_dns.folder.parent.chmod(0o755)
    here = services.configured(tmp_path / "plain", more=own_dns.lines, user="nobody")
    own_dns.anchor.chmod(0o644)
    here.start()
    try:
        with ipc.door(here, "resolver") as channel:
            ask = Asker(channel)
            assert ask("signed.example", "MX")[0] == "found" and ask.last.secure
    finally:
        assert here.stop() == 0


WORLD_OF_ITS_OWN = """#!/bin/sh
# A network with nothing but loopback, and the files of a system that asks a name server there.
[ "$INSIDE" ] || INSIDE=yes exec unshare --mount --net "$0" "$@"
/usr/bin/python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))'  # SIOCSIFFLAGS, IFF_UP
mount --bind {folder}/resolv.conf /etc/resolv.conf
mount --bind {folder}/anchor.key /usr/share/dns/root.key
nsd -c {folder}/nsd.conf
exec {program} "$@"
"""


@as_root
@pytest.mark.parametrize("signatures", ["kept", "dropped"])
def test_system_name_servers_that_drop_signatures_are_noticed(tmp_path, signatures):
    dns = Dns(tmp_path / "dns", ZONES, ["signed.example"], ["broken.example"])
    dns.port = 53
    if signatures == "dropped":
        dns.signed = set()
    dns.write_configuration()
    (dns.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    here = services.configured(tmp_path / "service")
    wrapper = dns.folder / "inside"
    wrapper.write_text(WORLD_OF_ITS_OWN.format(folder=dns.folder, program=here.program))
    wrapper.chmod(0o755)
    here.program = wrapper
    here.start()
    try:
        with ipc.door(here, "resolver") as channel:
            ask = Asker(channel)
            assert ask("signed.example", "MX")[0] == "found"
            assert ask.last.secure == (signatures == "kept")
            assert ask("broken.example", "MX")[0] == ("bogus" if signatures == "kept" else "found")
        assert ("drop signatures" in here.log()) == (signatures == "dropped")
    finally:
        assert here.stop() == 0
        os.kill(int((dns.folder / "nsd.pid").read_text()), 15)
