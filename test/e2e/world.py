"""A world for valija to send mail into: a DNS of its own, scripted servers at addresses of loopback, a service
that asks and trusts that DNS, and what its users find in their mailboxes."""
import dataclasses
import email
import email.policy
import hashlib
import itertools
import json
import re
import socket
import subprocess
import time

import service as services
from dns import Dns
from remote import Remote
from service import wait_until
from wire import Smtp, open_mailbox, retrieve

SPARE = 500  # domains dN.there.example, whose mail goes to mx.dN.there.example at 127.2.x.y
SAFE = 20    # domains dN.safe.example: the same, signed, with TLSA records
SHORT = {"retry_first_seconds": 1, "retry_most_seconds": 2, "remote_seconds": 4, "remote_loopback": 1,
         "queue_seconds": 86400, "dns_seconds": 4, "sender_domain_check": 1}
HASTY = 5  # seconds that the mail of some users waits in the queue
USERS = {"ana": ("en", 0), "luz": ("es", 0), "bob": ("", 0),  # the language each reads, and that
         "eva": ("en", HASTY), "leo": ("es", HASTY)}
NOTICE_SECONDS = 30


def spare_address(n):
    return f"127.2.{n >> 8}.{n & 255}"


def safe_address(n):
    return f"127.3.0.{n}"


def mail_exchanger(name, address):
    return f"{name} MX 10 mx.{name}\nmx.{name} {'AAAA' if ':' in address else 'A'} {address}\n"


def tlsa(certificate):
    """The record `3 1 1` of a certificate: the hash of its public key."""
    pem = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], capture_output=True, check=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem.stdout, capture_output=True,
                         check=True)
    return "3 1 1 " + hashlib.sha256(der.stdout).hexdigest()


def make_expired_certificate(folder, name):
    """Self-signed, and long over."""
    folder.mkdir()
    certificate, key, request = folder / f"{name}.pem", folder / f"{name}.key", folder / "request"
    (folder / "index").touch()
    (folder / "ca.conf").write_text(f"[ca]\ndefault_ca=a\n[a]\ndatabase={folder}/index\nrand_serial=yes\n"
                                    f"new_certs_dir={folder}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    for words in (["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                   f"/CN={name}", "-keyout", key, "-out", request],
                  ["ca", "-batch", "-config", folder / "ca.conf", "-selfsign", "-keyfile", key, "-in", request,
                   "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-out", certificate]):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    return certificate, key


@dataclasses.dataclass
class Sent:
    """A message that the service has taken."""
    id: str
    message_id: str
    sender: str
    recipients: list
    body: bytes  # as it was handed over


class Notice:
    """What a sender is told about a message: its parts, taken apart as RFC 3464 and RFC 6522 have them."""

    def __init__(self, data):
        self.data = data
        self.message = email.message_from_bytes(data, policy=email.policy.default)
        assert self.message.get_content_type() == "multipart/report", self.message.get_content_type()
        assert self.message.get_param("report-type") in ("delivery-status", "global-delivery-status")
        self.parts = list(self.message.iter_parts())
        assert len(self.parts) in (2, 3), [p.get_content_type() for p in self.parts]
        self.text = self.parts[0].get_content().replace("\r\n", "\n")
        self.languages = re.split(r", *", self.parts[0]["Content-Language"])
        fields = self.parts[1].as_bytes().decode().replace("\r\n", "\n").partition("\n\n")[2]
        about, *each = [email.message_from_string(block) for block in fields.split("\n\n") if block.strip()]
        self.about = {name.lower(): str(value) for name, value in about.items()}
        self.recipients = [{name.lower(): re.sub(r"\s+", " ", str(value)) for name, value in r.items()}
                           for r in each]
        self.returned = self.parts[2] if len(self.parts) == 3 else None

    def of(self, address):
        """The fields of a recipient, or None."""
        for r in self.recipients:
            if address in (r.get("final-recipient", "") + ";" + r.get("original-recipient", "")).replace(
                    " ", "").split(";"):
                return r
        return None

    def facts(self, address=None):
        """Action, status and reason of a recipient; of the only one where none is named."""
        r = self.of(address) if address else self.recipients[0]
        return r["action"], r["status"], r["x-valija-reason"]

    def speaks(self, *languages):
        """It is told in these languages, in this order."""
        words = {"en": ["We are sorry", "What happened", "What to do now"],
                 "es": ["Lo sentimos", "Qué ha pasado", "Qué hacer ahora"]}
        return self.languages == list(languages) and all(
            (words[lang][1] in self.text) == (lang in languages) for lang in words)


class Box:
    """A mailbox that is looked into again and again."""

    def __init__(self, service, address):
        self.service, self.address, self.known, self.messages = service, address, set(), []

    def look(self):
        """All messages, as bytes; what is new is fetched."""
        box = open_mailbox(self.service, self.address)
        try:
            for line in box.uidl()[1]:
                number, _, uid = line.decode().partition(" ")
                if uid not in self.known:
                    self.known.add(uid)
                    self.messages.append(retrieve(box, int(number)))
        finally:
            box.quit()
        return self.messages

    def notices(self, message_id=None):
        """Those about a message; about any where none is named."""
        return [Notice(m) for m in self.look() if b"\r\nContent-Type: multipart/report" in m and
                (message_id is None or b"\r\nIn-Reply-To: " + message_id.encode() in m)]


class World:
    """`zones`, `signed`, `broken`: further ones, as Dns has them; `limits`, `more`: of the configuration. PORT in any
    of them is that of all servers."""

    numbers = itertools.count(1)

    def __init__(self, folder, zones=None, signed=(), broken=(), limits=(), more="", users=None):
        self.folder = folder
        self.certificate = services.make_certificate(folder, "mx.there.example", "*.safe.example")
        self.port = free_everywhere()
        self.remotes, self.boxes, self.talks = [], {}, {}
        self.spare, self.safe = itertools.count(1), itertools.count(1)
        further = {name: text and text.replace("PORT", str(self.port)) for name, text in (zones or {}).items()}
        self.dns = Dns(folder / "dns", {**self.usual_zones(), **further}, ["safe.example", *signed], broken)
        self.service = services.configured(
            folder / "here", {**SHORT, "remote_port": self.port, **dict(limits)},
            self.dns.lines + more.replace("PORT", str(self.port)))
        self.users = USERS if users is None else users

    def usual_zones(self):
        record = tlsa(self.certificate[0])
        there = "".join(mail_exchanger(f"d{n}", spare_address(n)) for n in range(1, SPARE + 1))
        safe = "".join(mail_exchanger(f"d{n}", safe_address(n)) +
                       f"_{self.port}._tcp.mx.d{n} TLSA {record}\n" for n in range(1, SAFE + 1))
        return {"there.example": there, "safe.example": safe,
                "here.example": "@ MX 10 mx\nmx A 127.0.0.1\n",
                "away.example": mail_exchanger("@", spare_address(0)).replace("mx.@", "mx")}

    # Life

    def start(self):
        self.dns.start()
        services.with_accounts(self.service, *self.users)
        for name, (language, lifetime) in self.users.items():
            if language:
                self.service.run("account", "language", f"{name}@here.example", language)
            if lifetime:
                self.service.run("account", "lifetime", f"{name}@here.example", f"{lifetime}s")
        return self

    def stop(self):
        for remote in self.remotes:
            remote.stop()
        status = self.service.stop()
        self.dns.stop()
        return status

    # Servers

    def serve(self, host, script="", **options):
        """A server at an address."""
        remote = Remote(host, self.port, script, **options).start()
        self.remotes.append(remote)
        return remote

    def remote(self, script="", tls=False, **options):
        """One of its own domain: `domain`."""
        n = next(self.spare)
        if tls:
            options["certificate"] = self.certificate if tls is True else tls
        remote = self.serve(spare_address(n), script, name=f"mx.d{n}.there.example", **options)
        remote.domain = f"d{n}.there.example"
        return remote

    def safe_remote(self, script="", certificate=None, **options):
        """One whose certificate the DNS proves; another certificate is the wrong one."""
        n = next(self.safe)
        remote = self.serve(safe_address(n), script, name=f"mx.d{n}.safe.example",
                            certificate=certificate or self.certificate, **options)
        remote.domain = f"d{n}.safe.example"
        return remote

    def nowhere(self):
        """A domain whose server refuses connections."""
        return f"d{next(self.spare)}.there.example"

    # Mail

    def talk(self, sender):
        """A connection on which this user is logged in, kept; "": a stranger's."""
        old = self.talks.get(sender)
        if old and (old.say("RSET") or "").startswith("250"):
            return old
        new = Smtp(self.service, "submissions" if sender else "smtp")
        new.ehlo()
        if sender:
            reply = new.login(sender)
            assert reply.startswith("235"), reply
        self.talks[sender] = new
        return new

    def send(self, to, body=None, sender="ana@here.example", login=None, head="", text="hello\r\n", mail="",
             rcpt=""):
        """A message that must be taken; `mail` and `rcpt` are parameters. A stranger has login=""."""
        to = [to] if isinstance(to, str) else to
        login = sender if login is None else login
        message_id = f"<{next(self.numbers)}.{self.port}@here.example>"
        if body is None:
            body = (f"From: <{sender}>\r\nSubject: sent\r\nMessage-ID: {message_id}\r\n{head}\r\n"
                    f"{text}").encode()
        smtp = self.talk(login)
        reply = smtp.say(f"MAIL FROM:<{sender}>{' ' + mail if mail else ''}")
        assert reply.startswith("250"), reply
        for address in to:
            reply = smtp.say(f"RCPT TO:<{address}>{' ' + rcpt if rcpt else ''}")
            assert reply.startswith("25"), reply
        assert smtp.say("DATA").startswith("354")
        smtp.send((b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
        reply = smtp.reply()
        assert reply.startswith("250"), reply
        return Sent(re.search(r"\b[0-9a-z]{13}\b", reply)[0], message_id, sender, to, body)

    def refusal(self, to, sender="ana@here.example", login=None):
        """What is said to a recipient that must not be taken."""
        smtp = self.talk(sender if login is None else login)
        reply = smtp.say(f"MAIL FROM:<{sender}>")
        if not reply.startswith("250"):
            return reply
        reply = smtp.say(f"RCPT TO:<{to}>")
        smtp.say("RSET")
        return reply

    # What becomes of it

    def queue(self, sent=None):
        """The rows of `queue list`; of a message its own, or None."""
        rows = self.service.json("queue", "list")
        return rows if sent is None else next((r for r in rows if r["id"] == sent.id), None)

    def waiting(self, sent):
        """The open targets of a message."""
        rows = self.service.json("queue", "show", sent.id)
        return rows[0]["waiting"]

    def wait_gone(self, sent, seconds=20):
        wait_until(lambda: self.queue(sent) is None, seconds, f"the end of {sent}")

    def wait_reason(self, sent, reason=None, state="deferred", seconds=20):
        """Its row in `queue list`, once it waits for this reason, or for any."""
        def attempt():
            row = self.queue(sent)
            assert row, "it waits no more"
            return row if row["state"] == state and row["reason"] and reason in (None, row["reason"]) else None
        return wait_until(attempt, seconds, f"{reason} of {sent}")

    def trace(self, sent, *kinds):
        """The events of a message, once these kinds are among them."""
        def attempt():
            done = self.service.run("trace", sent.id, options=["--json"], check=False)
            if done.returncode != 0:
                return None
            found = [json.loads(line) for line in done.stdout.splitlines()]
            return found if set(kinds) <= {e["kind"] for e in found} else None
        return wait_until(attempt, what=f"{kinds} in the trace of {sent.id}")

    def box(self, address):
        return self.boxes.setdefault(address, Box(self.service, address))

    def notice(self, sent, action=None, seconds=NOTICE_SECONDS):
        """The notice that its sender gets, which must be the only one of that action."""
        def attempt():
            time.sleep(0.05)  # a login each time
            found = [n for n in self.box(sent.sender).notices(sent.message_id)
                     if action in (None, n.recipients[0]["action"])]
            return found
        found = wait_until(attempt, seconds, f"a notice about {sent}")
        assert len(found) == 1, [n.recipients for n in found]
        return found[0]

    def complaints(self):
        return [f"{r.name}: {c}" for r in self.remotes for c in r.complaints]


def free_everywhere():
    """A port that nobody has at any address."""
    while True:
        port = services.free_port_base()
        with socket.socket() as s:
            try:
                s.bind(("0.0.0.0", port))
            except OSError:
                continue
        return port
