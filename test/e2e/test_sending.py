"""Mail for other servers: what these get, byte for byte, how it is asked of them, and over how many connections."""
import email
import email.policy

import pytest

from service import wait_until
from test_bytes import HEAD, MESSAGES, random_message
from wire import without_trace
from world import World

MIME = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
LARGE = {f"{size} random octets": random_message(size, size) for size in (4096, 16_384, 16_385, 65_537, 1_000_000)}
LARGE["nearly 10 MB"] = random_message(9_900_000, 1)
BODIES = {**MESSAGES, **LARGE}
WAYS = {"DATA": "offers: PIPELINING, 8BITMIME, SIZE 20000000", "BDAT": "offers: PIPELINING, 8BITMIME, CHUNKING",
        "in turn": "offers: 8BITMIME"}


@pytest.fixture(scope="module")
def bodies(world):
    """(way, name) -> the message as it came; all are under way at once."""
    remotes = {way: world.remote(offers) for way, offers in WAYS.items()}
    for way, remote in remotes.items():
        for n, body in enumerate(BODIES.values()):
            world.send(f"r{n}@{remote.domain}", body, mail="BODY=8BITMIME")

    def arrived(way, name):
        address = f"r{list(BODIES).index(name)}@{remotes[way].domain}"
        return wait_until(lambda: [m for m in remotes[way].messages if address in m.recipients], 30, address)
    return arrived


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BODIES)
def test_another_server_gets_every_byte_once(bodies, name, way):
    message, = bodies(way, name)
    trace, body = without_trace(message.body)
    assert body == BODIES[name]
    assert trace.startswith(b"Received: from client.example ") and b"Return-Path:" not in trace
    assert message.by == ("BDAT" if way == "BDAT" else "DATA")
    assert message.sender == "ana@here.example" and len(message.recipients) == 1


def test_it_comes_in_clear_where_no_tls_is_offered_and_over_tls_where_it_is(world):
    for tls in (False, True):
        remote = world.remote(tls=tls)
        world.send(f"x@{remote.domain}")
        assert bool(remote.wait()[0].tls) == tls


# ---- many recipients

def test_one_message_to_many_of_a_domain_travels_once(world):
    remote = world.remote()
    everybody = [f"r{n}@{remote.domain}" for n in range(40)]
    sent = world.send(everybody)
    world.wait_gone(sent)
    message, = remote.attempts
    assert message.recipients == everybody and len(remote.connections) == 1


def test_one_message_to_several_domains_travels_once_to_each(world):
    remotes = [world.remote() for _ in range(3)]
    sent = world.send([f"{name}@{r.domain}" for r in remotes for name in ("a", "b")])
    world.wait_gone(sent)
    assert [len(m.recipients) for r in remotes for m in r.attempts] == [2, 2, 2]


def test_a_server_that_takes_few_recipients_at_a_time_gets_them_in_several_transactions(world):
    remote = world.remote("rcpt #6+: 452 4.5.3 Too many recipients")
    everybody = [f"r{n}@{remote.domain}" for n in range(17)]
    world.wait_gone(world.send(everybody))
    assert sorted(r for m in remote.messages for r in m.recipients) == sorted(everybody)
    assert len(remote.messages) == 4


# Mail that its sender is told about a moment later, all of it under way at once: script, names of the
# recipients, how it is sent, and what the notice says.
REFUSED = {
    "some recipients": ("rcpt no@*: 550 5.1.1 User unknown\nrcpt later@*: 450 4.2.1 Mailbox busy | ok",
                        ["yes", "no", "later", "also"], {}, ("5.1.1", "no-mailbox")),
    "after the dot": ("dot: 554 5.7.1 Message rejected as spam", ["a", "b"], {}, ("5.7.1", "spam-content")),
    "too large": ("offers: PIPELINING, SIZE 3000", ["x"], {"text": "0123456789\r\n" * 500}, ("5.3.4", "message-too-big")),
    "a header of 8 bits": ("offers: PIPELINING", ["x"], {"head": "X-Name: \u00f1\r\n", "mail": "BODY=8BITMIME"},
                           ("5.6.3", "media-not-supported")),
    "a local part of 8 bits": ("", ["\u00f1and\u00fa"], {"mail": "SMTPUTF8"}, ("5.6.7", "needs-smtputf8")),
}


@pytest.fixture(scope="module", autouse=True)
def refused(world):
    found = {}
    for what, (script, names, how, _) in REFUSED.items():
        remote = world.remote(script)
        found[what] = remote, world.send([f"{name}@{remote.domain}" for name in names], **how)
    return found


@pytest.mark.parametrize("what", REFUSED)
def test_its_sender_is_told_what_was_refused(world, refused, what):
    remote, sent = refused[what]
    notice = world.notice(sent)
    assert notice.facts()[1:] == REFUSED[what][3]
    assert len(notice.recipients) == {"some recipients": 1, "after the dot": 2}.get(what, 1)
    if what not in ("some recipients", "after the dot"):
        assert remote.attempts == [], "it is not bothered with what it will not take"


def test_each_recipient_has_a_fate_of_its_own(refused):
    first, second = refused["some recipients"][0].wait(2)
    assert [r.partition("@")[0] for r in first.recipients] == ["yes", "also"]
    assert [r.partition("@")[0] for r in second.recipients] == ["later"]


# ---- what a server can do

def test_eight_bit_text_is_converted_for_a_server_that_takes_none(world):
    remote = world.remote("offers: PIPELINING")
    text = "Ñandú, ¿qué tal?\r\n.\r\nlínea\r\n" * 20
    world.send(f"x@{remote.domain}", head=MIME, text=text, mail="BODY=8BITMIME")
    message, = remote.wait()
    assert message.body.isascii() and "BODY" not in message.params
    parsed = email.message_from_bytes(message.body, policy=email.policy.default)
    assert parsed.get_content().replace("\r\n", "\n") == text.replace("\r\n", "\n")


def test_eight_bit_octets_of_no_known_kind_are_marked_as_such(world):
    remote = world.remote("offers: PIPELINING")
    world.send(f"x@{remote.domain}", HEAD + b"Ma\xf1ana\r\n", mail="BODY=8BITMIME")
    parsed = email.message_from_bytes(remote.wait()[0].body)
    assert parsed.get_payload(decode=True) == b"Ma\xf1ana\r\n" and parsed.get_content_charset() == "unknown-8bit"


def test_a_server_that_wants_to_know_is_told_the_size(world):
    remote = world.remote("offers: PIPELINING, SIZE 3000")
    world.send(f"x@{remote.domain}")
    message, = remote.wait()
    assert 3000 > int(message.params["SIZE"]) >= len(message.body)


def test_utf8_addresses_go_to_servers_that_take_them(world):
    remote = world.remote("offers: PIPELINING, SMTPUTF8, 8BITMIME")
    world.send(f"ñandú@{remote.domain}", mail="SMTPUTF8")
    message, = remote.wait()
    assert message.recipients == [f"ñandú@{remote.domain}"] and "SMTPUTF8" in message.params


def test_what_the_sender_wants_to_be_told_is_passed_on(world):
    remote = world.remote("offers: PIPELINING, DSN")
    sent = world.send(f"x@{remote.domain}", mail="RET=HDRS ENVID=order+2B17",
                      rcpt="NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Joe+2Bold@away.example")
    message, = remote.wait()
    assert (message.params["RET"], message.params["ENVID"]) == ("HDRS", "order+2B17")
    asked = message.rcpt_params[f"x@{remote.domain}"]
    assert set(asked["NOTIFY"].split(",")) == {"SUCCESS", "DELAY"}
    assert asked["ORCPT"].lower() == "rfc822;joe+2bold@away.example"
    world.wait_gone(sent)
    assert world.box("ana@here.example").notices(sent.message_id) == [], "the other server tells of it"


@pytest.mark.parametrize("script", ["ehlo: 502 5.5.1 What?", "ehlo: 500 What?"])
def test_a_server_of_the_old_kind_is_greeted_in_the_old_way(world, script):
    remote = world.remote(script)
    world.send(f"x@{remote.domain}")
    message, = remote.wait()
    assert message.params == {} and b"HELO mx.here.example" in message.connection.commands


def test_what_replies_say_in_many_lines_is_all_one_reply(world):
    remote = world.remote("""
        greeting: 220-one\\n220-two\\n220 three
        rcpt: 250-2.1.5 one\\n250 2.1.5 two
        dot: 250-2.0.0 one\\n250 2.0.0 two
    """)
    sent = world.send([f"a@{remote.domain}", f"b@{remote.domain}"])
    world.wait_gone(sent)
    assert len(remote.messages) == 1


# ---- connections

def test_a_connection_is_used_again(world):
    remote = world.remote()
    for _ in range(5):
        world.wait_gone(world.send(f"x@{remote.domain}"))
    assert len(remote.messages) == 5 and len(remote.connections) == 1


def test_a_server_that_takes_few_messages_a_connection_gets_them_over_several(world):
    remote = world.remote("mail #3+: 421 4.7.0 Too many messages in this session")
    sent = [world.send(f"r{n}@{remote.domain}") for n in range(6)]
    remote.wait(6)
    for one in sent:
        world.wait_gone(one)
    assert len(remote.messages) == 6 and max(len(c.messages) for c in remote.connections) == 2


def test_a_connection_that_breaks_between_messages_costs_nothing(world):
    remote = world.remote("dot: 250 2.0.0 Kept then close | ok")
    for n in range(3):
        world.wait_gone(world.send(f"r{n}@{remote.domain}"))
    assert len(remote.messages) == 3


@pytest.mark.parametrize("limit, most", [("site_connections", 3), ("connection_messages", 4)])
def test_limits_are_kept(tmp_path, limit, most):
    world = World(tmp_path, limits={limit: most}).start()
    try:
        remote = world.remote("dot: wait 0.05 then ok")
        sent = [world.send(f"r{n}@{remote.domain}") for n in range(40)]
        remote.wait(40)
        for one in sent:
            world.wait_gone(one)
        found = remote.most_open if limit == "site_connections" else max(len(c.messages) for c in remote.connections)
        assert 1 < found <= most
    finally:
        assert world.stop() == 0
    assert world.complaints() == []
