"""Who may send and who may be written to, now that mail may leave: senders and recipients whose domain the
DNS is asked about, aliases that lead to other servers, and the way back of what fails there."""
import os
import re
import subprocess

import pytest

import ipc
import service as services
from dns import Dns
from test_trace import events, reference_of
from wire import Smtp

ZONES = {
    "mx.example": "@ MX 10 mx\nmx A 127.0.0.2\n",
    "host.example": "@ A 127.0.0.2\n",
    "six.example": "@ AAAA ::1\n",
    "alias.example": "www CNAME mx.mx.example.\n",
    "null.example": "@ MX 0 .\n",
    "nothing.example": "@ TXT \"no mail\"\n",
    "number.example": "@ MX 10 127.0.0.2.\n",
    "gone.example": "@ MX 10 mx\n@ MX 20 mx.nothing.example.\n@ A 127.0.0.2\n",
    "half.example": "@ MX 10 gone\n@ MX 20 mx\nmx AAAA ::1\n",
    "failing.example": None,
    "broken.example": "@ MX 10 mx\nmx A 127.0.0.6\n",
}
ANA, BOB = "ana@here.example", "bob@here.example"
VERDICTS = ["OK", "NOT_LOCAL", "NO_MAILBOX", "SUSPENDED", "DOMAIN_SUSPENDED", "FULL", "WRONG", "NOT_YOURS", "LOOP",
            "TEMPORARY", "NO_APOP", "FORWARDS", "MOVED", "RETURN_OVER"]
FORWARD, HIDDEN = 1, 2


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    dns = Dns(tmp_path_factory.mktemp("dns"), ZONES, broken=["broken.example"]).start()
    yield dns
    dns.stop()


@pytest.fixture(scope="module")
def here(tmp_path_factory, world):
    service = services.configured(tmp_path_factory.mktemp("here"), {"sender_domain_check": 1}, world.lines)
    yield services.with_accounts(service, "ana", "bob")
    assert service.stop() == 0, service.log()


def asked(service):
    return service.json("status")[0]["counters"]["resolver"].get("questions", 0)


@pytest.fixture
def stranger(here):
    with Smtp(here) as smtp:
        smtp.ehlo()
        yield smtp


@pytest.fixture
def user(here):
    """Logged in as ana, who has said who sends."""
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        smtp.login(ANA)
        assert smtp.say(f"MAIL FROM:<{ANA}>").startswith("250")
        yield smtp


# Senders

@pytest.mark.parametrize("sender, reply", [
    ("x@mx.example", "250 2.1.0"),
    ("x@host.example", "250 2.1.0"),
    ("x@six.example", "250 2.1.0"),
    ("x@www.alias.example", "250 2.1.0"),
    ("x@half.example", "250 2.1.0"),
    ("x@[192.0.2.1]", "250 2.1.0"),
    ("", "250 2.1.0"),
    ("x@nowhere.example", r"550 5.1.8 Non-existing DNS MX: .*<x@nowhere.example> does not exist \[sender-domain-not-found "),
    ("x@nothing.example", r"550 5.1.8 Non-existing DNS MX: .*<x@nothing.example> names no mail server .*\[sender-domain-not-found "),
    ("x@number.example", r"550 5.1.8 .*\[sender-domain-not-found "),
    ("x@gone.example", r"550 5.1.8 .*\[sender-domain-not-found "),
    ("x@null.example", r"550 5.7.27 .*<x@null.example> .*\[sender-has-null-mx "),
    ("x@failing.example", r"451 4.4.3 .*<x@failing.example> .*\[sender-dns-failure "),
    ("x@broken.example", r"451 4.4.3 .*\[sender-dns-failure "),
    ("nobody@here.example", "250 2.1.0"),
])
def test_a_strangers_domain_must_be_one_that_can_be_answered(stranger, sender, reply):
    said = stranger.say(f"MAIL FROM:<{sender}>")
    assert re.match(reply, said), said
    if said.startswith("250"):
        assert stranger.say(f"RCPT TO:<{BOB}>").startswith("250")


@pytest.mark.parametrize("command, address", [
    ("MAIL FROM:<info@mx.example >", "info@mx.example"),
    ("MAIL FROM: < info@mx.example>", "info@mx.example"),
    ("MAIL FROM:<info@mx.example%20> SIZE=10", "info@mx.example"),
    ("MAIL FROM:<info @ mx.example>", "info@mx.example"),
    ("RCPT TO:<bob@here.example >", "bob@here.example"),
    ("RCPT TO:<bob@ here.example>", "bob@here.example"),
])
def test_a_stray_space_is_said_with_the_address_as_it_should_be(here, stranger, command, address):
    if command.startswith("RCPT"):
        assert stranger.say("MAIL FROM:<x@mx.example>").startswith("250")
    said = stranger.say(command)
    assert re.match(rf"501 5\.1\.[73] There is a space too many .*<{address}> \[bad-(sender|recipient)-address ", said)
    explained = here.run("explain", "--json", said).stdout
    assert '"bad-sender-address"' in explained or '"bad-recipient-address"' in explained


def test_a_refused_sender_is_found_by_its_reference(here, stranger):
    said = stranger.say("MAIL FROM:<lost@nowhere.example>")
    event, = events(here, reference_of(said), "refused")
    assert (event["reason"], event["sender"]) == ("sender-domain-not-found", "lost@nowhere.example")
    assert said.startswith(event["reply"])


def test_our_own_domains_are_ours_whatever_the_dns_says(tmp_path):
    dns = Dns(tmp_path / "dns", ZONES).start()
    here = services.configured(tmp_path / "here", {"sender_domain_check": 1, "dns_seconds": 2}, dns.lines)
    services.with_accounts(here, "ana", "bob")
    dns.pause()
    try:
        with Smtp(here) as smtp:
            smtp.ehlo()
            before = asked(here)
            assert smtp.say("MAIL FROM:<nobody@here.example>").startswith("250")
            assert asked(here) == before
            smtp.say("RSET")
            assert smtp.say("MAIL FROM:<x@mx.example>").startswith("451 4.4.3 ")
        with Smtp(here, "submissions") as smtp:
            smtp.ehlo()
            smtp.login(ANA)
            smtp.say(f"MAIL FROM:<{ANA}>")
            assert smtp.say("RCPT TO:<x@host.example>").startswith("250"), "the queue will try"
    finally:
        dns.go_on()
        dns.stop()
        assert here.stop() == 0, here.log()


def test_where_the_check_is_off_nothing_is_asked(own, world):
    here = own(more=world.lines)
    with Smtp(here) as smtp:
        smtp.ehlo()
        before = asked(here)
        assert smtp.say("MAIL FROM:<x@nowhere.example>").startswith("250")
        assert asked(here) == before


def test_requiretls_is_not_taken_for_a_promise(stranger):
    assert stranger.say("MAIL FROM:<x@mx.example> REQUIRETLS").startswith("555 5.5.4 ")


# Recipients

@pytest.mark.parametrize("recipient, reply", [
    ("x@mx.example", "250 2.1.5"),
    ("X@Host.Example", "250 2.1.5"),
    ("x@six.example", "250 2.1.5"),
    ("x@half.example", "250 2.1.5"),
    ("x@[192.0.2.1]", "250 2.1.5"),
    ("x@failing.example", "250 2.1.5"),
    ("x@broken.example", "250 2.1.5"),
    ("x@nowhere.example", r"550 5.1.2 There is no such domain .*x@nowhere.example.*\[domain-not-found "),
    ("x@nothing.example", r"550 5.4.4 .*x@nothing.example .*\[no-mail-for-domain "),
    ("x@number.example", r"550 5.4.4 .*\[no-mail-for-domain "),
    ("x@gone.example", r"550 5.4.4 .*\[no-mail-for-domain "),
    ("x@null.example", r"556 5.1.10 Domain null.example takes no mail.*\[null-mx "),
    ("x@mx.here.example", r"550 5.1.1 .*\[no-mailbox "),
    ("nobody@here.example", r"550 5.1.1 .*\[no-mailbox "),
])
def test_a_users_recipient_is_refused_where_its_mail_would_only_come_back(user, recipient, reply):
    said = user.say(f"RCPT TO:<{recipient}>")
    assert re.match(reply, said), said


def test_a_user_may_verify_only_what_is_here(here, user):
    before = asked(here)
    assert user.say("VRFY x@nowhere.example").startswith("252 ")
    assert asked(here) == before


def test_strangers_are_not_relayed_whatever_the_dns_says(here, stranger):
    before = asked(here)
    assert stranger.say("MAIL FROM:<>").startswith("250")
    for recipient in ("x@mx.example", "x@nowhere.example", "x@[192.0.2.1]"):
        assert re.match(r"550 5.7.1 .*\[relay-denied ", stranger.say(f"RCPT TO:<{recipient}>"))
    assert asked(here) == before


def test_programs_of_this_machine_may_write_to_whoever_has_a_domain(here):
    talk = "EHLO x\r\nMAIL FROM:<root>\r\n" + "".join(
        f"RCPT TO:<{r}>\r\n" for r in ("x@mx.example", "x@nowhere.example", "root")) + "QUIT\r\n"
    done = subprocess.run(["sendmail", "-bs"], executable=here.program, input=talk.encode(), capture_output=True,
                          env={**os.environ, "VALIJA_CONF": str(here.config)}, timeout=30)
    replies = [line for line in done.stdout.decode().split("\r\n") if not line.startswith(("220", "250-", "250 HELP"))]
    assert [line[:9] for line in replies[:4]] == ["250 2.1.0", "250 2.1.5", "550 5.1.2", "550 5.1.1"], replies


def test_a_domain_with_a_route_is_not_asked_about(own, world):
    here = own(more=world.lines + "route Nowhere.example 127.0.0.9:25\n")
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        smtp.login(ANA)
        smtp.say(f"MAIL FROM:<{ANA}>")
        before = asked(here)
        assert smtp.say("RCPT TO:<x@nowhere.example>").startswith("250")
        assert asked(here) == before
        assert smtp.say("RCPT TO:<x@else.nowhere.example>").startswith("550 5.1.2 ")
        here.config.write_text(here.config.read_text() + "route * 127.0.0.9:25\n")
        here.reload()
        assert smtp.say("RCPT TO:<x@else.nowhere.example>").startswith("250")


# Aliases

@pytest.fixture(scope="module")
def aliases(here):
    here.run("alias", "add", "out@here.example", "Ana@Far.example")
    here.run("alias", "add", "team@here.example", BOB, "x@far.example", "y@far.example")
    here.run("alias", "add", "told@here.example", "x@far.example", "--tell")
    here.run("alias", "add", "old@here.example", "new@far.example", "--moved")
    return here


@pytest.mark.parametrize("address, reply", [
    ("out@here.example", "250 2.1.5 Recipient <out@here.example> ok"),
    ("team@here.example", "250 2.1.5 "),
    ("told@here.example", "251 2.1.5 User not local; will forward to <x@far.example>"),
    ("old@here.example", r"551 5.1.6 User moved; please try <new@far.example> \[user-moved "),
])
def test_an_alias_tells_a_stranger_what_it_lets_him_know(aliases, stranger, address, reply):
    stranger.say("MAIL FROM:<x@mx.example>")
    said = stranger.say(f"RCPT TO:<{address}>")
    assert re.match(reply, said), said
    verified = stranger.say(f"VRFY {address}")
    assert verified[:3] == (said[:3] if said[:3] != "250" else "252")


def test_a_list_shows_what_each_alias_is(aliases):
    rows = {row["address"]: (row["kind"], row["targets"]) for row in aliases.json("alias", "list")}
    assert rows["out@here.example"] == ("hidden", ["Ana@far.example"])
    assert rows["told@here.example"] == ("told", ["x@far.example"])
    assert rows["old@here.example"] == ("moved", ["new@far.example"])
    assert re.search(r"old@here\.example +moved +new@far\.example", aliases.run("alias", "list").stdout)


@pytest.mark.parametrize("words, error", [
    (["a@here.example", "x@far..example"], "is not an address"),
    (["a@here.example", "nobody@here.example"], "no account and no alias"),
    (["a@here.example", "x@far.example", "y@far.example", "--tell"], "one address"),
    (["a@here.example", "x@far.example", "--tell", "--moved"], "--moved"),
    (["postmaster@here.example", "x@far.example", "--moved"], "must be taken"),
    (["a@far.example", "x@here.example"], "not hosted here"),
])
def test_an_alias_that_makes_no_sense_is_refused(here, words, error):
    done = here.run("alias", "add", *words, check=False)
    assert done.returncode != 0 and error in done.stderr, done.stderr


# What the directory says of forwards

class Directory:
    def __init__(self, channel):
        self.channel = channel

    def __call__(self, address, sender=""):
        """The verdict and the targets elsewhere, as (address, sender, flags)."""
        self.last, _ = self.channel.ask("accounts_rcpt", "accounts_rcpt_answer", address=address, sender=sender)
        targets = ipc.unpack_items("queue_target", self.last.targets)
        return (VERDICTS[self.last.verdict],
                [(t.address.decode(), t.sender.decode(), t.flags) for t in targets if t.account == 0])


@pytest.fixture
def directory(aliases):
    with ipc.door(aliases, "accounts") as channel:
        yield Directory(channel)


def test_a_forward_leaves_with_a_return_address_that_leads_back(directory):
    verdict, [(address, sender, flags)] = directory("out@here.example", "Eve.X@mx.example")
    assert (verdict, address, flags) == ("OK", "Ana@far.example", FORWARD | HIDDEN)
    assert re.fullmatch(r"SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=mx\.example=Eve\.X@here\.example", sender)
    assert directory(sender) == ("OK", [("Eve.X@mx.example", "", FORWARD)])
    assert directory(sender.lower()) == ("OK", [("eve.x@mx.example", "", FORWARD)])
    forged = sender.replace("=mx.example=", "=max.example=")
    assert directory(forged) == ("NO_MAILBOX", [])


def test_a_forward_of_nobodys_or_our_own_mail_keeps_its_sender(directory):
    assert directory("out@here.example", "")[1] == [("Ana@far.example", "", FORWARD | HIDDEN)]
    assert directory("out@here.example", BOB)[1] == [("Ana@far.example", BOB, FORWARD | HIDDEN)]


def test_mail_that_comes_back_is_taken_from_strangers(aliases, directory, stranger):
    sender = directory("out@here.example", "eve@mx.example")[1][0][1]
    assert stranger.say("MAIL FROM:<>").startswith("250")
    assert stranger.say(f"RCPT TO:<{sender}>").startswith("250")
    assert stranger.say(f"RCPT TO:<{sender.replace('=mx', '=max')}>").startswith("550 5.1.1 ")


def test_return_addresses_outlive_a_restart(own, world):
    here = own(more=world.lines)
    here.run("alias", "add", "out@here.example", "x@far.example")
    with ipc.door(here, "accounts") as channel:
        sender = Directory(channel)("out@here.example", "eve@mx.example")[1][0][1]
    here.restart()
    with ipc.door(here, "accounts") as channel:
        assert Directory(channel)(sender) == ("OK", [("eve@mx.example", "", FORWARD)])


def test_several_targets_and_the_senders_language(here, directory):
    here.run("domain", "language", "here.example", "es")
    here.run("account", "language", BOB, "en")
    verdict, elsewhere = directory("team@here.example", "eve@mx.example")
    assert verdict == "OK" and sorted(t[0] for t in elsewhere) == ["x@far.example", "y@far.example"]
    assert directory.last.language == b"es"
    directory(BOB)
    assert directory.last.language == b"en"
    directory(ANA)
    assert directory.last.language == b"es"
    assert here.json("domain", "show", "here.example")[0]["language"] == "es"
    here.run("domain", "language", "here.example", "default")
    directory(ANA)
    assert directory.last.language == b""


def test_lifetimes_are_kept_and_shown(here):
    here.run("domain", "lifetime", "here.example", "3d")
    here.run("account", "lifetime", BOB, "36h")
    assert here.json("domain", "show", "here.example")[0]["lifetime"] == 3 * 86400
    assert here.json("account", "show", BOB)[0]["lifetime"] == 36 * 3600
    assert "36h" in here.run("account", "show", BOB).stdout
    for bad in ("2x", "0", "9999d", "-1"):
        assert here.run("account", "lifetime", "--", BOB, bad, check=False).returncode != 0
    here.run("account", "lifetime", BOB, "default")
    assert "lifetime" not in here.json("account", "show", BOB)[0]
    here.run("domain", "lifetime", "here.example", "default")


# What the queue is given

def envelope_of(here, sender):
    """The envelope of the one message of a sender that waits, and its targets, those of a recipient together."""
    with ipc.door(here, "queue") as channel:
        entries = ipc.unpack_items("queue_entry", channel.ask("queue_list", "queue_list_answer", after=0,
                                                              most=100)[0].messages)
        number, = [e.id for e in entries if e.sender.decode() == sender]
        shown, fds = channel.ask("queue_show", "queue_show_answer", id=number)
        for fd in fds:
            os.close(fd)
    envelope, _ = ipc.unpack("queue_envelope", shown.envelope)
    recipients = ipc.unpack_items("queue_recipient", envelope.recipients)
    return envelope, {r.address.decode(): [(t.account, t.address.decode(), t.flags)
                                           for t in ipc.unpack_items("queue_target", r.targets)]
                      for r in recipients}


def test_the_queue_is_told_where_to_and_for_how_long(here):
    sender = here.new_account()
    here.run("account", "lifetime", sender, "36h")
    here.run("alias", "add", "far@here.example", "X@failing.example")
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        smtp.login(sender)
        assert smtp.message(b"Subject: waits\r\n\r\n", sender, "Y@Failing.example",
                            "far@here.example").startswith("250")
    envelope, targets = envelope_of(here, sender)
    assert envelope.lifetime == 36 * 3600 and envelope.login.decode() == sender
    assert targets == {"Y@failing.example": [(0, "", 0)],
                       "far@here.example": [(0, "X@failing.example", FORWARD | HIDDEN)]}


def test_programs_and_strangers_have_no_lifetime_of_their_own(here):
    here.run("alias", "add", "away@here.example", "z@failing.example")
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.message(b"Subject: waits\r\n\r\n", "strange@mx.example", "away@here.example").startswith("250")
    envelope, targets = envelope_of(here, "strange@mx.example")
    assert envelope.lifetime == 0 and envelope.login == b""
    assert targets == {"away@here.example": [(0, "z@failing.example", FORWARD | HIDDEN)]}
