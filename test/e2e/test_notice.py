"""Notices as the courier writes them: asked for by the door that `valija` has, read from a mailbox as their
reader does."""
import email
import email.policy
import os
import signal
import tempfile

import pytest

import ipc
from service import wait_until
from test_trace import trace
from wire import read_all, without_trace

FAILED, DELAYED, SUCCESS, HELD = range(4)
KEPT, LATER, NOWHERE = range(3)
ABOUT = 0x0301_0203_0405_0607
ORIGINAL = (b"From: Ana <ana@here.example>\r\nTo: bob@there.example\r\nSubject: Roofs\r\n%s"
            b"Message-ID: <1.roof@here.example>\r\n\r\nThe whole text\r\n")


def told(**more):
    outcome = dict(attempts=3, tried=1795383600, warned=0, ours=0, reason="no-mailbox", status="5.1.1",
                   remote="mx.there.example [192.0.2.1]", said="550 5.1.1 no such user")
    outcome.update({key: more.pop(key) for key in list(more) if key in outcome})
    fields = dict(index=4, address="bob@there.example", written="bob@there.example", orcpt="", hidden=0,
                  relayed=0, expired=0)
    return ipc.pack("courier_told", **{**fields, **more}, outcome=ipc.pack("queue_outcome", **outcome))


def notify(service, sender, *recipients, kind=FAILED, original=ORIGINAL % b"", channel=None, **more):
    """What the courier answers."""
    before = b"another message before it"
    fields = dict(id=ABOUT, kind=kind, sender=sender, envid="", ret=0, received=1795380000,
                  until=1795390000, flags=0, recipients=b"".join(recipients or [told()]),
                  body_size=len(original), offset=len(before))
    with tempfile.TemporaryFile() as file:
        file.write(before + original)
        file.flush()
        with channel or ipc.door(service, "courier") as c:
            answer, _ = c.ask("courier_notify", "courier_notified", fd=file.fileno(), **{**fields, **more})
    return answer.result


def notice(service, address, count=1):
    """The last message of a mailbox: its own lines, and what Python makes of it."""
    ours, stored = without_trace(read_all(service, address, count)[-1])
    message = email.message_from_bytes(stored, policy=email.policy.SMTPUTF8)
    assert not message.defects and message.get_content_type() == "multipart/report"
    parts = list(message.iter_parts())
    assert [part.defects for part in parts] == [[]] * len(parts)
    return ours, message, parts


def test_a_sender_reads_why_in_the_language_he_writes_in(here):
    """rfc3464#2-c rfc3464#2-a rfc3282#2-a"""
    ana = here.new_account()
    assert notify(here, ana, original=ORIGINAL % b"Content-Language: es-PE\r\n") == KEPT
    ours, message, (text, status, header) = notice(here, ana)
    assert ours.lower().startswith(b"return-path: <>")
    assert message["To"] == ana and "MAILER-DAEMON@here.example" in message["From"]
    assert message["Subject"] == "No entregado: Roofs"
    assert "bob@there.example" in text.get_content() and "su mensaje no ha llegado" in text.get_content()
    assert "Here is why" not in text.get_content()
    of_message, of_bob = status.get_payload()
    assert (of_bob["Action"], of_bob["Status"]) == ("failed", "5.1.1")
    assert header.get_content_type() == "text/rfc822-headers" and b"whole text" not in bytes(header)


def test_what_the_directory_knows_of_the_reader_comes_first(here):
    ana = here.new_account()
    here.run("account", "language", ana, "es")
    assert notify(here, ana, original=ORIGINAL % b"Content-Language: en\r\n") == KEPT
    _, message, (text, *_) = notice(here, ana)
    assert message["Subject"] == "No entregado: Roofs" and "We are sorry" not in text.get_content()


def test_whose_language_nobody_knows_reads_both(here):
    ana = here.new_account()
    assert notify(here, ana) == KEPT
    _, message, (text, *_) = notice(here, ana)
    said = text.get_content()
    assert "We are sorry" in said and "Lo sentimos" in said
    assert said.index("We are sorry") < said.index("Lo sentimos")
    assert message["Subject"] == "Not delivered / No entregado: Roofs"


def test_each_kind_of_notice_arrives_once(here):
    ana = here.new_account()
    kinds = [(FAILED, dict(ret=1)), (DELAYED, {}), (SUCCESS, {})]
    for count, (kind, more) in enumerate(kinds, 1):
        assert notify(here, ana, told(relayed=1), kind=kind, **more) == KEPT
        _, _, (_, status, original) = notice(here, ana, count)
        assert status.get_payload()[1]["Action"] == ["failed", "delayed", "relayed"][kind]
        assert (b"The whole text" in bytes(original)) == (kind == FAILED)


def test_the_postmaster_reads_what_is_held_and_how_it_is_released(here):
    postmaster = "postmaster@here.example"
    here.run("account", "passwd", postmaster, "--password-stdin", stdin="post-secret\n")
    here.accounts[postmaster] = "post-secret"
    before = len(read_all(here, postmaster))
    assert notify(here, "ana@here.example", told(reason="listed-spamhaus"), kind=HELD) == KEPT
    _, message, (text, status, _) = notice(here, postmaster, before + 1)
    assert message["Subject"].startswith("Held back") and "postmaster@mx.here.example" in message["To"]
    said = text.get_content()
    assert "valija queue release 060820c20a1g7" in said and "From: ana@here.example" in said
    assert status.get_payload()[1]["Action"] == "delayed"


def test_a_notice_is_traced_from_the_message_and_from_itself(here):
    ana = here.new_account()
    about = ABOUT + 1
    assert notify(here, ana, id=about) == KEPT
    _, _, (_, status, _) = notice(here, ana)
    reference = status.get_payload()[0]["X-Valija-Reference"]

    def both():
        found = trace(here, reference) or []
        return found if {"notified", "written", "delivered"} <= {e["kind"] for e in found} else None
    found = wait_until(both, what="the trace of both")
    notified = next(e for e in found if e["kind"] == "notified" and e["recipient"] == ana)
    written = next(e for e in found if e["kind"] == "written" and e["recipient"] == ana)
    assert notified["session"] == written["message"] and written["session"] == notified["message"]
    assert notified["stage"] == "failed" and written["size"] > 500
    assert {"written", "delivered"} == {e["kind"] for e in trace(here, ana)} - {"notified"}


@pytest.mark.parametrize("sender, result", [
    ("", NOWHERE), ("nobody@here.example", NOWHERE), ("no address", NOWHERE),
])
def test_nobody_is_told_where_there_is_nobody(here, sender, result):
    """rfc3464#2-c"""
    assert notify(here, sender) == result


def test_what_is_malformed_is_answered_and_harms_nobody(here):
    courier = here.roles("courier")[0].pid
    assert notify(here, "ana@here.example", b"\1\2\3") == NOWHERE
    assert notify(here, "ana@here.example", kind=7) == NOWHERE
    assert notify(here, "ana@here.example", told(address="")) == NOWHERE
    assert notify(here, "ana@here.example", told(hidden=1, written="")) == NOWHERE
    assert here.roles("courier")[0].pid == courier


def test_the_message_may_be_gone_or_shorter_than_was_said(here):
    ana = here.new_account()
    assert notify(here, ana, ret=1, body_size=100000) == KEPT
    _, _, parts = notice(here, ana)
    assert parts[2].get_content_type() == "text/rfc822-headers"
    assert notify(here, ana, original=b"") == KEPT
    assert len(notice(here, ana, 2)[2]) == 2


def test_a_large_notice_crosses_as_a_descriptor(here):
    ana = here.new_account()
    original = ORIGINAL % b"" + b"0123456789012345678901234567890123456789\r\n" * 20000
    assert notify(here, ana, ret=1, original=original) == KEPT
    _, _, parts = notice(here, ana)
    assert bytes(parts[2].get_payload(0)).count(b"0123456789" * 4) == 20000


def test_addresses_in_utf8_are_named_as_they_are(here):
    """rfc6533#4-a"""
    ana = here.new_account()
    assert notify(here, ana, told(address="jos\u00e9@ma\u00f1ana.example")) == KEPT
    _, _, (text, status, _) = notice(here, ana)
    assert "jos\u00e9@ma\u00f1ana.example" in text.get_content()
    assert status.get_content_type() == "message/global-delivery-status"


def test_more_than_the_courier_takes_at_a_time_is_for_later(own):
    here = own()
    count, ana = 200, "ana@here.example"
    with ipc.door(here, "courier") as c, open(os.devnull, "rb") as nothing:
        os.kill(here.roles("accounts")[0].pid, signal.SIGSTOP)  # it answers nothing
        try:
            for n in range(count):
                c.send("courier_notify", fd=nothing.fileno(), id=ABOUT + n, kind=FAILED, sender=ana, envid="",
                       ret=0, received=0, until=0, flags=0, recipients=told(), body_size=0, offset=0)
            refused = [c.receive("courier_notified")[1].result for _ in range(count - 64)]
        finally:
            os.kill(here.roles("accounts")[0].pid, signal.SIGCONT)
        kept = [c.receive("courier_notified")[1].result for _ in range(64)]
    assert set(refused) == {LATER} and set(kept) == {KEPT}
    assert len(read_all(here, ana, 64)) == 64


def test_who_asked_and_went_away_does_no_harm(own):
    here = own()
    with ipc.door(here, "courier") as c, open(os.devnull, "rb") as nothing:
        os.kill(here.roles("accounts")[0].pid, signal.SIGSTOP)
        for n in range(10):
            c.send("courier_notify", fd=nothing.fileno(), id=ABOUT + n, kind=FAILED, sender="ana@here.example",
                   envid="", ret=0, received=0, until=0, flags=0, recipients=told(), body_size=0, offset=0)
    os.kill(here.roles("accounts")[0].pid, signal.SIGCONT)
    assert len(read_all(here, "ana@here.example", 10)) == 10
    assert notify(here, "ana@here.example") == KEPT
