"""TLS on the way out: used wherever it is offered, told where it breaks, and never left out where the DNS proves
who the server is."""
import pytest

from service import make_certificate
from world import World, make_expired_certificate, safe_address, tlsa

BREAKS = {  # what goes wrong, and how it is seen
    "it is offered and then refused": "starttls: 454 4.7.0 TLS not available",
    "it closes in the handshake": "handshake: close",
    "it resets the connection in the handshake": "handshake: reset",
    "it says garbage in the handshake": "handshake: garbage",
    "it says nothing in the handshake": "handshake: hang",
    "something is put in after the answer": "starttls: raw 220 2.0.0 Go\\n250 2.0.0 injected\\n",
    "it hangs instead of an answer": "starttls: hang",
    "it closes instead of an answer": "starttls: close",
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {"self-signed": make_certificate(folder, "mx.d.there.example"),
            "of another name": make_certificate(folder, "other.example"),
            "expired": make_expired_certificate(folder / "expired", "mx.d.there.example")}


@pytest.mark.parametrize("kind", ["self-signed", "of another name", "expired"])
def test_where_nobody_must_be_proved_any_certificate_will_do(world, certificates, kind):
    remote = world.remote(tls=certificates[kind])
    sent = world.send(f"x@{remote.domain}")
    message, = remote.wait()
    assert message.tls == "TLSv1.3" and message.connection.name == remote.name
    assert world.trace(sent, "sent")[-1]["tls"].startswith("TLSv1.3")


@pytest.fixture(scope="module", autouse=True)
def broken(world):
    """Mail to all the servers whose TLS breaks, under way at once."""
    remotes = {what: world.remote(script, tls=True) for what, script in BREAKS.items()}
    return {what: (remote, world.send(f"x@{remote.domain}")) for what, remote in remotes.items()}


@pytest.mark.parametrize("what", BREAKS)
def test_where_tls_breaks_mail_goes_in_clear_and_the_trace_tells_why(world, broken, what):
    remote, sent = broken[what]
    message, = remote.wait(1, 30)
    assert message.tls == "", what
    events = world.trace(sent, "attempt", "sent")
    trouble, done = [next(e for e in events if e["kind"] == kind) for kind in ("attempt", "sent")]
    assert trouble["stage"] in ("tls", "hello") and trouble["reason"] in ("tls-failed", "tls-unavailable"), events
    assert done["tls"] == "" and (trouble["time"], trouble["microseconds"]) <= (done["time"], done["microseconds"])


# ---- DANE

def test_a_server_that_the_dns_proves_gets_it_encrypted(world):
    remote = world.safe_remote()
    sent = world.send(f"x@{remote.domain}")
    message, = remote.wait()
    assert message.tls == "TLSv1.3"
    assert "dane" in world.trace(sent, "sent")[-1]["tls"]


UNPROVED = {
    "another certificate": ("", "self-signed"),
    "no TLS at all": ("", None),
    "TLS refused": ("starttls: 454 4.7.0 TLS not available", True),
    "TLS broken": ("handshake: close", True),
}


@pytest.fixture(scope="module", autouse=True)
def unproved(world, certificates):
    """Mail of somebody who does not wait long, in both languages, to servers that fail the proof."""
    found = {}
    for what, (script, certificate) in UNPROVED.items():
        remote = world.safe_remote(script, certificates.get(certificate))
        if certificate is None:
            remote.certificate = None
        found[what] = remote, [world.send(f"x@{remote.domain}", sender=f"{who}@here.example") for who in ("eva", "leo")]
    return found


@pytest.mark.parametrize("what", UNPROVED)
def test_a_server_that_fails_the_proof_gets_nothing_and_the_sender_is_told(world, unproved, what):
    remote, sent = unproved[what]
    for one, language in zip(sent, ("en", "es")):
        notice = world.notice(one, "failed")
        assert notice.facts() == ("failed", "4.7.5", "dane-failed") and notice.speaks(language)
    assert remote.attempts == [] and all(b"MAIL" not in c for conn in remote.connections for c in conn.commands)


def test_an_expired_certificate_that_the_dns_proves_is_good_enough(tmp_path):
    certificate = make_expired_certificate(tmp_path / "expired", "mx.old.example")
    zone = f"@ MX 10 mx\nmx A {safe_address(200)}\n_PORT._tcp.mx TLSA {tlsa(certificate[0])}\n"
    world = World(tmp_path, {"old.example": zone}, ["old.example"]).start()
    try:
        remote = world.serve(safe_address(200), certificate=certificate)
        world.send("x@old.example")
        assert remote.wait()[0].tls == "TLSv1.3"
    finally:
        assert world.stop() == 0
