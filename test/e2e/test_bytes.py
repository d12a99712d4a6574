"""What is read is what was sent: every byte after the lines the service itself puts in front."""
import random
import subprocess

import pytest

from wire import Smtp, read_all, send, without_trace

HEAD = b"From: ana@here.example\r\nSubject: bytes\r\n\r\n"
EVERY_BYTE = bytes(b for b in range(256) if b not in b"\r\n")

MESSAGES = {
    "nothing at all": b"",
    "one line end": b"\r\n",
    "a header and no body": b"Subject: no body\r\n",
    "no header at all": b"just text\r\n",
    "lines of dots": HEAD + b".\r\n..\r\n.a\r\n...b\r\n.\r\n",
    "a dot as first byte": b".\r\n" + HEAD,
    "lines of 998 bytes": HEAD + (b"x" * 998 + b"\r\n") * 5,
    "a line of 100,000 bytes": HEAD + b"y" * 100_000 + b"\r\nend\r\n",
    "every byte there is, in lines": HEAD + b"".join(EVERY_BYTE + b"\r\n" for _ in range(40)),
    "what looks like a trace": b"Received: from nowhere\r\nReturn-Path: <x@y.example>\r\n" + HEAD,
    "empty lines": HEAD + b"\r\n" * 1000,
    "spaces at line ends": HEAD + b"a \r\n\t\r\n \r\n",
}


def random_message(size, seed):
    """8-bit bytes, with line ends and dots where they hurt."""
    chance = random.Random(seed)
    parts = [HEAD]
    while size > 0:
        line = chance.randbytes(min(size, chance.randrange(1, 1000))).translate(None, b"\r\n\0")
        parts += [line, chance.choice([b"\r\n", b"\r\n.", b"\r\n..\r\n", b"\r\n\r\n", b"\r\n.\r\n"])]
        size -= len(line) + len(parts[-1])
    return b"".join(parts) + b"\r\n"


def stuffed(body):
    return (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def by_data(smtp, body, pieces=()):
    assert smtp.say("DATA").startswith("354")
    data = stuffed(body)
    for piece in pieces:
        smtp.send(data[:piece])
        data = data[piece:]
    smtp.send(data)
    return smtp.reply()


def by_bdat(smtp, body, pieces=()):
    for piece in pieces:
        smtp.send(b"BDAT %d\r\n%s" % (len(body[:piece]), body[:piece]))
        assert smtp.reply().startswith("250")
        body = body[piece:]
    smtp.send(b"BDAT %d LAST\r\n%s" % (len(body), body))
    return smtp.reply()


WAYS = {"DATA": by_data, "BDAT": by_bdat}


def sent_and_read(here, body, way, pieces=()):
    address = here.new_account()
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.envelope("x@away.example", address)
        reply = way(smtp, body, pieces)
        assert reply.startswith("250"), reply
    stored, = read_all(here, address, 1)
    return without_trace(stored)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", MESSAGES)
def test_every_byte_survives(here, what, way):
    trace, message = sent_and_read(here, MESSAGES[what], WAYS[way])
    assert message == MESSAGES[what]
    assert trace.startswith(b"Return-Path: <x@away.example>\r\n")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [10, 4096, 65_536, 65_537, 300_000, 1_000_000, 9_900_000])
def test_random_bytes_survive(here, size, way):
    body = random_message(size, size)
    assert sent_and_read(here, body, WAYS[way])[1] == body


@pytest.mark.parametrize("way", WAYS)
def test_pieces_of_any_size_make_the_same_message(here, way):
    body = random_message(20_000, 7)
    pieces = [1, 1, 2, 3, 100, 1000, 1, 4096, 5]
    assert sent_and_read(here, body, WAYS[way], pieces)[1] == body


def test_a_message_of_exactly_the_size_limit_is_kept_and_one_byte_more_is_not(own):
    here = own(limits={"message_size": 100_000})
    body = HEAD + (b"z" * 98 + b"\r\n") * 1000
    body = body[:100_000 - 2] + b"\r\n"
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.message(body, "x@away.example", "bob@here.example").startswith("250")
        smtp.envelope("x@away.example", "bob@here.example")
        assert by_data(smtp, body[:-2] + b"z\r\n").startswith("552 5.3.4")
        smtp.envelope("x@away.example", "bob@here.example")
        assert by_bdat(smtp, body[:-2] + b"z\r\n").startswith("552 5.3.4")
    stored, = read_all(here, "bob@here.example", 1)
    assert without_trace(stored)[1] == body


# Line ends that are none. Each is put between a first and a second half of one message; whatever
# stands there, nothing but CR LF . CR LF may end the message, and what is stored has CR LF only.
FALSE_ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n",
              b"\n\n.\n\n", b"\r\r.\r\r", b"\r\n\n.\r\n", b"\n\r.\r\n", b"\r\n.\r\r\n",
              b"\r\n.\0\r\n", b"\r\n. \r\n", b"\0\r\n..\r\n", b"\n", b"\r"]
SMUGGLED = (b"MAIL FROM:<evil@away.example>\r\nRCPT TO:<bob@here.example>\r\nDATA\r\n"
            b"Subject: smuggled\r\n\r\nhello\r\n")


def normal(body):
    return body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def lines_of(message):
    """How line ends are grouped is the service's choice; that each is CR LF is not."""
    assert message.replace(b"\r\n", b"").count(b"\n") == 0
    assert message.replace(b"\r\n", b"").count(b"\r") == 0
    return [line for line in message.split(b"\r\n") if line]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", FALSE_ENDS, ids=repr)
def test_nothing_but_crlf_dot_crlf_ends_a_message(here, end, way):
    address = here.new_account()
    body = HEAD + b"first half" + end + SMUGGLED
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.envelope("x@away.example", address)
        if way == "DATA":
            assert smtp.say("DATA").startswith("354")
            smtp.send(body + b".\r\n")
        else:
            smtp.send(b"BDAT %d LAST\r\n" % len(body) + body)
        assert smtp.reply().startswith("250"), "one reply"
        smtp.send("NOOP\r\n")
        assert smtp.reply().startswith("250"), "and then we are in step"
        assert smtp.silent(0.05)
    stored, = read_all(here, address, 1)
    got = lines_of(without_trace(stored)[1])
    sent = body if way == "BDAT" else body.replace(b"\r\n..", b"\r\n.")
    expected = [line for line in normal(sent).split(b"\r\n") if line]
    if way == "DATA" and b"\r\n." in end:  # a dot after a true CR LF is undone, the rest is text
        assert [line.lstrip(b".") for line in got if line.lstrip(b".")] == \
            [line.lstrip(b".") for line in expected if line.lstrip(b".")]
    else:
        assert got == expected
    assert len(read_all(here, "bob@here.example")) == 0


def test_bare_line_ends_are_refused_where_an_option_says_so(own):
    here = own(limits={"bare_newline_refuse": 1})
    with Smtp(here) as smtp:
        smtp.ehlo()
        reply = smtp.message(HEAD + b"one\ntwo\r\n", "x@away.example", "bob@here.example")
        assert reply.startswith(("550 5.6", "554 5.6")), reply
        assert smtp.message(HEAD, "x@away.example", "bob@here.example").startswith("250")
    assert len(read_all(here, "bob@here.example", 1)) == 1


def test_a_file_with_unix_line_ends_comes_in_by_curl(here, tmp_path):
    address = here.new_account()
    mail = tmp_path / "mail"
    mail.write_bytes(b"Subject: from curl -T\n\n.dot\nlast\n")
    for more in ([], ["--crlf"]):
        subprocess.run(["curl", "-sS", *more, "--url", f"smtp://127.0.0.1:{here.ports['smtp']}",
                        "--mail-from", "x@away.example", "--mail-rcpt", address, "-T", mail],
                       check=True, timeout=30)
    for stored in read_all(here, address, 2):  # curl itself adds an empty line after a bare LF
        assert without_trace(stored)[1].rstrip() == b"Subject: from curl -T\r\n\r\n.dot\r\nlast"


def test_chunks_after_a_refused_one_are_swallowed(own):
    here = own(limits={"message_size": 65536})
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.envelope("x@away.example", "bob@here.example")
        chunk = b"x" * 60_000 + b"\r\n"
        smtp.send(b"BDAT %d\r\n%sBDAT %d\r\n%sBDAT %d LAST\r\n%s" % ((len(chunk), chunk) * 3))
        assert smtp.reply().startswith("250")
        assert smtp.reply().startswith("552")
        assert smtp.reply()[0] == "5"
        assert smtp.say("RSET").startswith("250")
    assert read_all(here, "bob@here.example") == []


def test_a_connection_that_ends_within_a_message_delivers_nothing(here):
    address = here.new_account()
    for way in (b"DATA\r\n" + HEAD + b"half", b"BDAT 100\r\nhalf", b"BDAT 4\r\nhalf"):
        with Smtp(here) as smtp:
            smtp.ehlo()
            smtp.envelope("x@away.example", address)
            smtp.send(way)
    send(here, HEAD, "x@away.example", [address])
    assert len(read_all(here, address, 1)) == 1
