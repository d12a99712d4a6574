"""Where mail for a domain goes: what the DNS says, fixed routes, and what is said where it goes nowhere."""
import socket

import pytest

from service import wait_until
from wire import without_trace
from world import World

BEST, SECOND, DEAD, THIRD = "127.4.0.1", "127.4.0.2", "127.4.0.3", "127.4.0.4"
IMPLICIT, SMART, NEXT = "127.4.0.5", "127.4.0.6", "127.4.0.7"
SIX = "::1"
ADDRESSES = f"a A {BEST}\nb A {SECOND}\ndead A {DEAD}\nthird A {THIRD}\nsix AAAA {SIX}\nseveral A {DEAD}\nseveral A {BEST}\n"


def has_six():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind((SIX, 0))
        return True
    except OSError:
        return False


needs_six = pytest.mark.skipif(not has_six(), reason="this machine has no ::1")
ZONES = {
    "names.example": ADDRESSES,
    "best.example": "@ MX 20 b.names.example.\n@ MX 10 a.names.example.\n",
    "fallback.example": "@ MX 10 dead.names.example.\n@ MX 20 gone.names.example.\n@ MX 30 b.names.example.\n",
    "softly.example": "@ MX 10 third.names.example.\n@ MX 20 b.names.example.\n",
    "several.example": "@ MX 10 several.names.example.\n",
    "implicit.example": f"@ A {IMPLICIT}\n",
    "alias.example": "@ A 127.4.0.99\nmail CNAME best.example.\n",
    "six.example": "@ MX 10 six.names.example.\n",
    "both.example": f"@ MX 10 mx\nmx AAAA {SIX}\nmx A {SECOND}\n",
    "null.example": "@ MX 0 .\n",
    "nothing.example": "@ TXT \"no mail here\"\n",
    "nohost.example": "@ MX 10 gone.names.example.\n",
    "loop.example": "@ MX 10 mx.here.example.\n",
    "under.example": "@ MX 10 mx.here.example.\n@ MX 5 a.names.example.\n",
    "failing.example": None,
    "bogus.example": f"@ MX 10 mx\nmx A {BEST}\n",
    "routed.example": "@ MX 10 dead.names.example.\n",
}
LOGIN = ("valija", "smart-secret")


@pytest.fixture(scope="module")
def routes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routes")
    password = folder / "smarthost.secret"
    password.write_text(LOGIN[1] + "\n")
    made = World(folder, ZONES, broken=["bogus.example"], more=(
        f"route routed.example {NEXT}:PORT\n"
        f"route smart.example {SMART}:PORT login {LOGIN[0]} password {password} tls never\n"
        f"route safely.example {SMART}:PORT login {LOGIN[0]} password {password}\n")).start()
    servers = {BEST: {}, SECOND: {}, IMPLICIT: {}, NEXT: {}, THIRD: {"script": "greeting: 421 4.3.2 Not now"},
               SMART: {"login": LOGIN, "certificate": made.certificate}, **({SIX: {}} if has_six() else {})}
    made.at = {address: made.serve(address, name=f"mx{n}.names.example", **more)
               for n, (address, more) in enumerate(servers.items())}
    yield made
    assert made.stop() == 0, made.service.log()[-3000:]
    assert made.complaints() == []


def arrives(routes, sent, at):
    return wait_until(lambda: [m for m in routes.at[at].messages if set(m.recipients) & set(sent.recipients)], 20,
                      f"{sent.recipients} at {at}")[0]


@pytest.mark.parametrize("domain, at", [
    ("best.example", BEST), ("fallback.example", SECOND), ("softly.example", SECOND), ("several.example", BEST),
    ("implicit.example", IMPLICIT), ("mail.alias.example", BEST), ("routed.example", NEXT),
    ("[127.4.0.2]", SECOND), pytest.param("six.example", SIX, marks=needs_six),
    pytest.param("both.example", SIX, marks=needs_six)])
def test_mail_goes_to_the_best_server_that_takes_it(routes, domain, at):
    sent = routes.send(f"x@{domain}")
    arrives(routes, sent, at)
    routes.wait_gone(sent)


@needs_six
def test_the_next_address_is_tried_where_the_first_family_does_not_answer(routes):
    routes.at[SIX].stop()
    try:
        arrives(routes, routes.send("four@both.example"), SECOND)
    finally:
        routes.at[SIX].start()


def test_a_server_that_is_worse_than_we_are_is_not_asked_and_one_that_is_better_is(routes):
    arrives(routes, routes.send("x@under.example"), BEST)


def test_a_smarthost_is_told_who_we_are(routes):
    message = arrives(routes, routes.send("x@smart.example"), SMART)
    assert message.connection.login == LOGIN[0] and not message.tls
    message = arrives(routes, routes.send("x@safely.example"), SMART)
    assert message.connection.login == LOGIN[0] and message.tls


def test_a_smarthost_that_does_not_let_us_in_is_no_fault_of_the_recipients(routes):
    smart = routes.at[SMART]
    smart.script("auth: 535 5.7.8 Wrong")
    for c in smart.connections:  # those of before are still logged in
        c.open and c.sock.shutdown(socket.SHUT_RDWR)
    sent = routes.send("later@smart.example")
    row = routes.wait_reason(sent)
    assert row["state"] in ("deferred", "held") and row["reason"]
    smart.script("")
    routes.service.run("queue", "release" if row["state"] == "held" else "retry", sent.id)
    arrives(routes, sent, SMART)


@pytest.mark.parametrize("domain, codes, reason", [
    ("nowhere.example", "550 5.1.2", "domain-not-found"), ("null.example", "556 5.1.10", "null-mx"),
    ("nothing.example", "550 5.4.4", "no-mail-for-domain"), ("nohost.example", "550 5.4.4", "no-mail-for-domain")])
def test_mail_that_can_go_nowhere_is_refused_at_once_and_says_why(routes, domain, codes, reason):
    reply = routes.refusal(f"x@{domain}")
    assert reply.startswith(codes) and reply.rpartition("[")[2].startswith(reason), reply


# What a user's mail is refused for at once, a forward's can meet later; the last two are tried until it is over.
NOWHERE = {
    "nowhere.example": ("5.1.2", "domain-not-found"), "null.example": ("5.1.10", "null-mx"),
    "nothing.example": ("5.4.4", "no-mail-for-domain"), "nohost.example": ("5.4.4", "no-mail-for-domain"),
    "loop.example": ("5.4.6", "mail-loop"), "failing.example": ("4.4.3", "dns-failure"),
    "bogus.example": ("4.7.5", "dnssec-failed")}


@pytest.fixture(scope="module", autouse=True)
def forwarded(routes):
    """Mail to all these domains by way of an alias, under way at once."""
    found = {}
    for domain in NOWHERE:
        alias = f"to-{domain.partition('.')[0]}@here.example"
        routes.service.run("alias", "add", alias, f"x@{domain}")
        found[domain] = routes.send(alias, sender="eva@here.example")
    return found


@pytest.mark.parametrize("domain", NOWHERE)
def test_mail_that_found_no_server_comes_back_and_says_why(routes, forwarded, domain):
    notice = routes.notice(forwarded[domain], "failed")
    assert notice.facts() == ("failed", *NOWHERE[domain])
    assert "remote-mta" not in notice.recipients[0]


def test_mail_waits_for_a_dns_that_is_silent_and_goes_on_with_it(tmp_path):
    world = World(tmp_path, limits={"dns_seconds": 1}).start()
    try:
        remote = world.remote()
        world.dns.pause()
        sent = world.send(f"x@{remote.domain}")
        world.wait_reason(sent, "dns-failure")
        world.dns.go_on()
        assert without_trace(remote.wait()[0].body)[1] == sent.body
    finally:
        assert world.stop() == 0


def test_addresses_of_our_own_machine_are_no_servers_but_in_tests(tmp_path):
    world = World(tmp_path, limits={"remote_loopback": 0}).start()
    try:
        remote = world.remote()
        sent = world.send(f"x@{remote.domain}")
        assert world.notice(sent).facts()[:2] == ("failed", "5.4.6")
        assert remote.connections == []
    finally:
        assert world.stop() == 0


