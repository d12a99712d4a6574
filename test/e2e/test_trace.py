"""`valija trace`: every refusal is found by its reference, every message by all its names."""
import os
import re
import signal
import time

from service import wait_until
from wire import Pop3, Smtp, read_all

BOB, NOBODY = "bob@here.example", "nobody@here.example"


def reference_of(reply):
    return re.search(r"([0-9A-Z]{6})\]$", reply)[1]


def trace(here, what, *more):
    """The events, or None: nothing is known yet."""
    done = here.run("trace", what, *more, options=["--json"], check=False)
    return here.json("trace", what, *more) if done.returncode == 0 else None


def events(here, what, *kinds):
    """Waits until these kinds of event are known of it."""
    def attempt():
        found = trace(here, what)
        return found if found and set(kinds) <= {e["kind"] for e in found} else None
    return wait_until(attempt, what=f"the trace of {what}")


def deliver(here, address, sender="x@away.example", more=b""):
    """One message; its id."""
    with Smtp(here) as smtp:
        smtp.ehlo()
        reply = smtp.message(b"Subject: traced\r\n" + more + b"\r\nhello\r\n", sender, address)
        assert reply.startswith("250"), reply
    return re.search(r"[0-9a-z]{13}", reply)[0]


def test_the_reference_of_a_refusal_leads_to_that_very_attempt(here):
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.say("MAIL FROM:<ivy@away.example>")
        reply = smtp.say(f"RCPT TO:<{NOBODY}>")
    reference = reference_of(reply)
    event, = events(here, reference, "refused")
    assert event["reason"] == "no-mailbox" and event["client"] == "127.0.0.1"
    assert event["sender"] == "ivy@away.example" and event["recipient"] == NOBODY
    assert event["reference"] == reference and event["protocol"] == "smtp"
    assert reply.startswith(event["reply"]) and event["summary"]
    shown = here.run("trace", reference).stdout
    assert "refused" in shown and event["reply"] in shown and "valija explain no-mailbox" in shown
    assert "rechazado" in here.run("trace", f"[no-mailbox {reference.lower()}]",
                                   options=["--lang", "es"]).stdout
    assert any(e["reference"] == reference for e in trace(here, NOBODY))


def test_a_command_that_the_machine_refuses_by_itself_is_there_too(here):
    with Smtp(here) as smtp:
        reply = smtp.say("RCPT TO:<x@y>")
        assert smtp.say("NONSENSE").startswith("5")
    found = events(here, reference_of(reply), "refused")
    wait_until(lambda: len(trace(here, reference_of(reply))) == 2)
    assert {e["reason"] for e in trace(here, reference_of(reply))} >= {"wrong-order"}, found


def test_a_message_is_found_by_its_id_its_addresses_and_its_message_id(here):
    address = here.new_account()
    id = deliver(here, address, "Jo@away.example", b"Message-Id: <Unique.1@away.example>\r\n")
    read_all(here, address, 1)
    received, delivered = events(here, id, "received", "delivered")
    assert received["sender"] == "Jo@away.example" and received["recipient"] == address
    assert received["message"] == delivered["message"] == id
    assert received["account"] == delivered["account"] > 0 and received["size"] > 20
    assert received["message_id"] == "Unique.1@away.example"
    for name in (address.upper(), "unique.1@away.example", "<Unique.1@away.example>",
                 received["reference"], received["session"]):
        assert [e["message"] for e in trace(here, name)] == [id, id], name
    shown = here.run("trace", address).stdout
    assert id in shown and "delivered" in shown and f"delivered to mailbox {address} ({received['account']})" in shown


def test_every_recipient_of_a_message_finds_it(here):
    several = [here.new_account() for _ in range(3)]
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.message(b"Subject: all\r\n\r\nhi\r\n", "x@away.example", *several)
    for address in several:
        found = events(here, address, "received", "recipient", "delivered")
        wait_until(lambda: len(trace(here, address)) == 6)
        assert {e["recipient"] for e in found if e["recipient"]} == set(several)


def test_a_login_that_was_refused_is_found_by_the_name_that_was_tried(here):
    address = here.new_account()
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        here.accounts[address] = "wrong"
        reply = smtp.login(address)
        assert reply.startswith("535")
    with Pop3(here) as pop3:
        assert pop3.login(address).startswith("-ERR")
    wait_until(lambda: len(trace(here, address) or []) == 2)
    newest, before = trace(here, address)
    assert (newest["protocol"], before["protocol"]) == ("pop3", "submissions")
    assert before["tls"].startswith("TLSv1.") and before["reference"] == reference_of(reply)
    for event in (newest, before):
        assert event["kind"] == "login_refused" and event["reason"] == "wrong-password"
        assert event["login"] == address


def test_a_deferral_says_why_and_until_when(here):
    address = here.new_account("100K")
    body = b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n" * 25000
    with Smtp(here) as smtp:  # the first fills it; what is left is reported only now and then
        smtp.ehlo()
        replies = [smtp.message(body, "x@away.example", address) for _ in range(3)]
    ids = [re.search(r"[0-9a-z]{13}", r)[0] for r in replies if r.startswith("250")]
    deferred = next(e for e in events(here, ids[-1], "deferred") if e["kind"] == "deferred")
    assert deferred["reason"] == "mailbox-full" and deferred["next"] > deferred["time"]
    assert "valija explain mailbox-full" in here.run("trace", ids[-1]).stdout


def test_what_nobody_knows_is_said(here):
    done = here.run("trace", "nowhere@here.example", check=False)
    assert done.returncode == 67 and "nowhere@here.example" in done.stderr


def test_mail_goes_on_without_the_trace_and_it_comes_back(own):
    here = own()
    first = deliver(here, BOB)
    events(here, first, "delivered")
    time.sleep(1.5)  # a kill costs what is not committed yet, a second at most
    os.kill(here.roles("trace")[0].pid, signal.SIGSTOP)
    stopped = here.roles("trace")[0].pid
    for _ in range(50):
        deliver(here, BOB)
    os.kill(stopped, signal.SIGKILL)
    deliver(here, BOB)
    wait_until(lambda: here.roles("trace") and here.roles("trace")[0].pid != stopped)
    last = deliver(here, BOB)
    assert events(here, last, "received", "delivered")
    assert trace(here, first), "what was kept before is still there"
    assert len(read_all(here, BOB, 53)) == 53


def test_it_can_be_asked_while_the_service_is_stopped(own):
    here = own()
    id = deliver(here, BOB)
    assert here.stop() == 0
    assert {e["kind"] for e in trace(here, id)} == {"received", "delivered"}


def test_a_damaged_book_is_moved_aside(own):
    here = own()
    deliver(here, BOB)
    here.stop()
    folder = here.folder / "state/trace"
    book, = folder.glob("[0-9]*.db")
    book.write_bytes(b"not a database" * 1000)
    here.start()
    id = deliver(here, BOB)
    assert events(here, id, "received", "delivered")
    assert (folder / "damaged.db").exists() and " salvage " in here.log()


def test_it_keeps_within_its_bytes_and_forgets_the_oldest(own):
    here = own(limits={"trace_bytes": 4 << 20, "errors_per_session": 10000})
    references = []
    for n in range(14):
        with Smtp(here) as smtp:
            smtp.ehlo()
            smtp.say("MAIL FROM:<x@away.example>")
            smtp.send("".join(f"RCPT TO:<{n}-{i}-{'x' * 50}@here.example>\r\n" for i in range(2000)))
            references.append(reference_of([smtp.reply() for _ in range(2000)][-1]))
        wait_until(lambda: trace(here, references[-1]))
    here.stop()
    size = sum(f.stat().st_size for f in (here.folder / "state/trace").iterdir())
    assert size < 5 << 20
    assert trace(here, references[0]) is None and len(trace(here, references[-1])) == 2000
