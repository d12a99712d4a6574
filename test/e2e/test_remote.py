"""The scripted server of the other tests does what its script says, keeps what it gets, and sees mistakes."""
import smtplib
import socket

import pytest

from remote import Remote
from service import make_certificate, trusting_nobody
from test_bytes import MESSAGES, random_message, stuffed


@pytest.fixture
def server():
    made = []

    def make(script="", **options):
        made.append(Remote("127.0.0.1", 0, script, **options).start())
        return made[-1]
    yield make
    for remote in made:
        remote.stop()


class Raw:
    """What a client sends, byte for byte, and the lines that come back."""

    def __init__(self, remote):
        self.sock = socket.create_connection((remote.host, remote.port), 5)
        self.file = self.sock.makefile("rb")

    def say(self, data, replies=1):
        self.sock.sendall(data)
        return [self.file.readline().decode().strip() for _ in range(replies)]


def hello(remote):
    raw = Raw(remote)
    raw.say(b"", 1)
    raw.say(b"EHLO x\r\n", 1 + len(remote.offers))
    return raw


BEGIN = b"MAIL FROM:<a@b.example> BODY=8BITMIME\r\nRCPT TO:<c@d.example>\r\n"


@pytest.mark.parametrize("body", [*MESSAGES.values(), random_message(300_000, 1)],
                         ids=[*MESSAGES, "random octets"])
def test_it_keeps_every_byte(server, body):
    remote = server("offers: PIPELINING, 8BITMIME, CHUNKING")
    raw = hello(remote)
    assert raw.say(BEGIN + b"DATA\r\n", 3)[2].startswith("354")
    assert raw.say(stuffed(body))[0].startswith("250")
    assert raw.say(BEGIN + b"BDAT 5\r\n" + body[:5].ljust(5, b"x") +
                   b"BDAT %d LAST\r\n" % len(body) + body, 4)[3].startswith("250")
    by_data, by_bdat = remote.wait(2)
    assert by_data.wire == stuffed(body)[:-3] and by_data.body == body
    assert by_bdat.body == body[:5].ljust(5, b"x") + body
    assert by_data.recipients == ["c@d.example"] and by_data.params == {"BODY": "8BITMIME"}
    assert not remote.complaints


def test_its_script_gives_each_its_turn(server):
    remote = server("""
        rcpt bob@*: 450 4.7.1 Later | ok        # a comment
        rcpt #3+: 452 4.5.3 Too many
        dot: 250-one\\n250 \\xe1 two | 421 Enough
    """)
    raw = hello(remote)
    many = BEGIN + b"".join(b"RCPT TO:<%s@d.example>\r\n" % n for n in (b"bob", b"eve", b"joe"))
    assert [r[:3] for r in raw.say(many, 5)] == ["250", "250", "450", "452", "452"]
    raw.sock.sendall(b"DATA\r\n")
    assert raw.file.readline()[:3] == b"354"
    raw.sock.sendall(b".\r\n")
    assert raw.file.readline() + raw.file.readline() == b"250-one\r\n250 \xe1 two\r\n"
    assert [r[:3] for r in raw.say(BEGIN + b"RCPT TO:<bob@d.example>\r\nDATA\r\n", 4)] == ["250"] * 3 + ["354"]
    assert raw.say(b".\r\n")[0] == "421 Enough" and raw.file.read() == b""
    assert [m.recipients for m in remote.attempts] == [["c@d.example"], ["c@d.example", "bob@d.example"]]
    assert [m.taken for m in remote.attempts] == [True, False] and not remote.complaints


@pytest.mark.parametrize("sent, complaint", [
    (b"EHLO x\r\nMAIL FROM:<a@b>\r\n", "did not wait for the answer to EHLO"),
    (b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n", "did not wait for the answer to MAIL"),
    (b"EHLO x\n", None), (b"MAIL FROM:<a@b> SIZE=3\r\n", "SIZE was not offered"),
    (b"MAIL FROM: a@b\r\n", "is no FROM:<address>"), (b"\xe1\r\n", "8-bit octets"),
    (b"EHLO a\rb\r\n", "bare CR or LF"), (b"BDAT 3 LAST\r\nabc", "BDAT was not offered"),
])
def test_it_sees_what_a_client_must_not_do(server, sent, complaint):
    remote = server("offers: DSN")
    raw = Raw(remote)
    raw.say(b"", 1)
    raw.sock.sendall(sent)
    raw.sock.shutdown(socket.SHUT_WR)
    raw.file.read()
    assert any(complaint in c for c in remote.complaints) if complaint else not remote.complaints


@pytest.mark.parametrize("data, complaint", [
    (b"a\nb\r\n.\r\n", "bare CR or LF"), (b".a\r\n.\r\n", "was not doubled"),
    (b"\xe1\r\n.\r\n", "8-bit octets without BODY")])
def test_it_sees_what_a_message_must_not_be(server, data, complaint):
    remote = server()
    raw = hello(remote)
    raw.say(b"MAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n", 3)
    raw.say(data)
    assert complaint in remote.complaints[0]


@pytest.mark.parametrize("script, seen", [
    ("greeting: close", b""), ("greeting: 421 No", b"421 No\r\n"), ("greeting: raw 22 then close", b"22"),
    ("greeting: wait 0.1 then 220 Yes then close", b"220 Yes\r\n"), ("greeting: reset", ConnectionResetError),
    ("greeting: hang", TimeoutError), ("greeting: garbage then close", b"\x16\x03")])
def test_it_misbehaves_as_told(server, script, seen):
    remote = server(script)

    def read():
        with socket.create_connection((remote.host, remote.port), 0.3) as s, s.makefile("rb") as f:
            return f.read()

    if isinstance(seen, bytes):
        assert read().startswith(seen)
    else:
        with pytest.raises(seen):  # a reset may come so soon that connecting fails with it
            read()


def test_where_it_does_not_listen_it_is_refused_and_where_it_is_deaf_nobody_answers(server):
    remote = server()
    remote.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((remote.host, remote.port), 1)
    remote.start_deaf()
    with pytest.raises(TimeoutError):
        socket.create_connection((remote.host, remote.port), 0.3)


def test_it_speaks_tls_and_takes_logins(server, tmp_path):
    remote = server(certificate=make_certificate(tmp_path, "mx.there.example"), login=("joe", "secret"))
    with smtplib.SMTP(remote.host, remote.port, timeout=5) as s:
        s.starttls(context=trusting_nobody())
        s.login("joe", "secret")
        s.sendmail("a@b.example", ["c@d.example"], b"Subject: x\r\n\r\n.\r\n")
    message, = remote.messages
    assert message.tls == "TLSv1.3" and message.connection.login == "joe"
    assert message.body == b"Subject: x\r\n\r\n.\r\n" and not remote.complaints


def test_a_script_that_means_nothing_is_a_mistake():
    for text in ("rcpt: perhaps", "lunch: ok"):
        with pytest.raises(ValueError):
            Remote("127.0.0.1", 0, text)
