"""`valija trace`: every refusal is found by its reference, every message by all its names."""
import os
import re
import signal
import sqlite3
import struct
import time

import ipc
from service import ROOT, wait_until
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


KINDS = re.findall(r"^KIND\((\w+)\)", (ROOT / "lib/ipc/trace_kind.def").read_text(), re.M)
FIELDS = ipc.SCHEMAS["trace_event"][1]
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def id_text(id):
    return "".join(DIGITS[id >> 5 * n & 31] for n in reversed(range(13)))


def reference_to(id):
    short = (id * 0x9E3779B97F4A7C15 & (1 << 64) - 1) >> 34
    return "".join(DIGITS[short >> 5 * n & 31] for n in reversed(range(6))).upper()


def key_of(text):
    """As docs/trace.md has it: FNV-1a, folded."""
    h = 0xCBF29CE484222325
    for byte in text.lower().encode():
        h = (h ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return (h >> 32 ^ h) & (1 << 32) - 1


def write_book(service, *events):
    """A book of the trace, written while the service is stopped."""
    folder = service.folder / "state/trace"
    file = folder / f"{int(time.time()) - 5}.db"
    book = sqlite3.connect(file)
    book.execute(f"CREATE TABLE events (number INTEGER PRIMARY KEY, {', '.join(name for _, name in FIELDS)})")
    book.execute("CREATE TABLE runs (run INTEGER PRIMARY KEY, level INTEGER NOT NULL, leaves INTEGER NOT NULL)")
    book.execute("CREATE TABLE leaves (number INTEGER PRIMARY KEY, entries BLOB NOT NULL)")
    entries = []
    for number, given in enumerate(events, 1):
        event = {name: "" if kind == "slice" else 0 for kind, name in FIELDS}
        event.update(given, kind=KINDS.index(given["kind"]), time=int(time.time() * 1e6) + number)
        book.execute(f"INSERT INTO events VALUES (?, {', '.join('?' * len(FIELDS))})", [number, *event.values()])
        names = [event["recipient"]] + [reference_to(event[n]) for n in ("session", "message") if event[n]]
        entries += [key_of(n) << 32 | number for n in set(names) if n]
    assert len(entries) <= 500, "one leaf"
    book.execute("INSERT INTO runs VALUES (0, 0, 1)")
    book.execute("INSERT INTO leaves VALUES (0, ?)", [struct.pack(f"={len(entries)}Q", *sorted(entries))])
    book.execute("PRAGMA user_version=3")
    book.commit()
    book.close()
    os.chown(file, folder.stat().st_uid, folder.stat().st_gid)


MESSAGE, NOTICE = 0x0301_0203_0405_0607, 0x0301_0203_0405_0A0B
OUTWARD = dict(message=MESSAGE, recipient="bob@there.example", remote="mx.there.example [192.0.2.1]")
ELSEWHERE = [
    dict(OUTWARD, kind="attempt", stage="connect", reply="The server does not answer", reason="time-out"),
    dict(OUTWARD, kind="deferred", stage="rcpt", tls="TLSv1.3 dane", reply="450 4.2.0 Greylisted",
         reason="greylisted", next=1900000000),
    dict(OUTWARD, kind="held", stage="mail", reply="550 5.7.1 blocked", reason="blocked-address"),
    dict(kind="released", message=MESSAGE),
    dict(OUTWARD, kind="sent", stage="body", tls="TLSv1.3", reply="250 2.0.0 Ok: queued as 4F2"),
    dict(OUTWARD, kind="failed", recipient="eve@there.example", stage="dns", remote="", reason="domain-not-found"),
    dict(kind="notified", message=MESSAGE, session=NOTICE, recipient="ana@here.example", stage="failed"),
    dict(kind="removed", message=MESSAGE),
    dict(kind="written", message=NOTICE, session=MESSAGE, recipient="ana@here.example", account=7, size=2500),
]


def test_what_other_servers_did_is_told_step_by_step(own):
    here = own()
    here.stop()
    write_book(here, *ELSEWHERE)
    shown = here.run("trace", "eve@there.example").stdout
    lines = [line.split("  ", 2)[-1].strip() for line in shown.splitlines()]
    assert lines[0] == f"Message {id_text(MESSAGE)} ({reference_to(MESSAGE)})"
    steps = iter(lines)
    for line in ("not taken by one server; the next one is tried", "to bob@there.example",
                 "server: mx.there.example [192.0.2.1]", "step: while connecting",
                 "reply: The server does not answer",
                 "not sent yet; next try 2030-03-17", "to bob@there.example",
                 "step: when the recipient was named", "encrypted: TLSv1.3 dane", "reply: 450 4.2.0 Greylisted",
                 "more: valija explain greylisted",
                 f"held until somebody releases it: valija queue release {id_text(MESSAGE)}", "released",
                 "sent: the other server has it", "reply: 250 2.0.0 Ok: queued as 4F2",
                 "failed: it is not tried again", "to eve@there.example", "step: while looking up the domain",
                 f"ana@here.example is told that it failed; notice {id_text(NOTICE)}", "removed by a command"):
        assert any(line in step for step in steps), line
    spanish = here.run("trace", id_text(MESSAGE), options=["--lang", "es"]).stdout
    assert "paso: al buscar el dominio" in spanish and "se avisa a ana@here.example de que no llegó" in spanish


def test_a_message_and_the_notice_about_it_lead_to_each_other(own):
    here = own()
    here.stop()
    write_book(here, *ELSEWHERE)
    for name in (id_text(MESSAGE), reference_to(MESSAGE), id_text(NOTICE), "ana@here.example"):
        assert {e["message"] for e in trace(here, name)} == {id_text(MESSAGE), id_text(NOTICE)}, name
    assert f"written here, a notice about message {id_text(MESSAGE)}, 2500 bytes" in here.run(
        "trace", id_text(NOTICE)).stdout
    sent = next(e for e in trace(here, "bob@there.example") if e["kind"] == "sent")
    assert (sent["remote"], sent["stage"]) == ("mx.there.example [192.0.2.1]", "body")
    assert sent["protocol"] is None and sent["session"] is None


def test_every_kind_of_event_can_be_told(own):
    here = own()
    here.stop()
    write_book(here, *(dict(kind=kind, message=MESSAGE) for kind in KINDS))
    steps = [line for line in here.run("trace", id_text(MESSAGE)).stdout.splitlines()
             if re.match(r"  \d{4}-\d\d-\d\d ", line)]
    assert len(steps) == len(KINDS) and all(len(step) > 24 for step in steps)
    assert [e["kind"] for e in trace(here, id_text(MESSAGE))] == KINDS


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
