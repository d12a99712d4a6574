"""Protocols spoken byte by byte, for all that no client library would ever say."""
import base64
import poplib
import re
import smtplib
import socket
import time

from service import trusting_nobody, wait_until

SECONDS = 20
poplib._MAXLINE = 1 << 20  # its own limit is 2048 bytes of a line


class Wire:
    """A connection that sends what it is told and reads lines."""

    def __init__(self, service, protocol, tls=None, name=None, context=None):
        self.service, self.protocol = service, protocol
        self.sock = socket.create_connection((service.host, service.ports[protocol]), SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept = b""
        if tls or (tls is None and protocol in ("submissions", "pop3s")):
            self.wrap(name, context)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def wrap(self, name=None, context=None):
        self.sock = (context or trusting_nobody()).wrap_socket(self.sock, server_hostname=name)

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def line(self):
        """The next line without its end, or None where the service has closed."""
        while b"\r\n" not in self.kept:
            try:
                got = self.sock.recv(65536)
            except ConnectionResetError:
                got = b""
            if not got:
                return None
            self.kept += got
        line, _, self.kept = self.kept.partition(b"\r\n")
        return line.decode(errors="surrogateescape")

    def silent(self, seconds=0.3):
        """True where nothing comes for a while."""
        if self.kept:
            return False
        self.sock.settimeout(seconds)
        try:
            self.kept += self.sock.recv(65536)
            return False
        except (socket.timeout, TimeoutError):
            return True
        finally:
            self.sock.settimeout(SECONDS)

    def closed(self):
        """True where the service closes, whatever it says before."""
        while self.line() is not None:
            pass
        return True


class Smtp(Wire):
    def __init__(self, service, protocol="smtp", greet=True, **options):
        super().__init__(service, protocol, **options)
        self.greeting = self.reply() if greet else None

    def reply(self):
        """The lines of one reply, joined; its code first."""
        lines = []
        while True:
            line = self.line()
            if line is None:
                return "\n".join(lines) or None
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    def say(self, text):
        self.send(text + "\r\n")
        return self.reply()

    def ehlo(self):
        return self.say("EHLO client.example")

    def starttls(self, **options):
        assert self.say("STARTTLS").startswith("220")
        self.wrap(**options)
        return self.ehlo()

    def login(self, address):
        password = self.service.accounts[address]
        token = base64.b64encode(f"\0{address}\0{password}".encode()).decode()
        return self.say(f"AUTH PLAIN {token}")

    def envelope(self, sender, *recipients):
        """MAIL and RCPT, which must be accepted."""
        replies = [self.say(f"MAIL FROM:<{sender}>")]
        replies += [self.say(f"RCPT TO:<{r}>") for r in recipients]
        assert all(r.startswith("250") for r in replies), replies

    def message(self, body, sender, *recipients):
        """A whole transaction by DATA; body is bytes that end in CR LF and need no dots doubled."""
        self.envelope(sender, *recipients)
        assert self.say("DATA").startswith("354")
        self.send(body + b".\r\n")
        return self.reply()


class Pop3(Wire):
    def __init__(self, service, protocol="pop3", greet=True, **options):
        super().__init__(service, protocol, **options)
        self.greeting = self.line() if greet else None

    def say(self, text):
        self.send(text + "\r\n")
        return self.line()

    def lines(self):
        """The rest of an answer of several lines, dots undone."""
        lines = []
        while (line := self.line()) not in (".", None):
            lines.append(line[1:] if line.startswith(".") else line)
        return lines

    def login(self, address):
        assert self.say(f"USER {address}").startswith("+OK")
        return self.say(f"PASS {self.service.accounts[address]}")


def without_reference(reply):
    """A refusal as any session would hear it."""
    return re.sub(r" [0-9A-HJKMNP-TV-Z]{6}\]$", "]", reply)


def open_mailbox(service, address):
    """poplib, logged in; one session that still ends in the mailbox is waited for."""
    def attempt():
        box = poplib.POP3(service.host, service.ports["pop3"], timeout=SECONDS)
        box.user(address)
        try:
            box.pass_(service.accounts[address])
            return box
        except poplib.error_proto as e:
            box.close()
            if b"[IN-USE]" not in e.args[0] and b"[SYS/TEMP]" not in e.args[0]:
                raise
            return None
    return wait_until(attempt, what=f"a login of {address}")


def retrieve(box, number):
    """The bytes of a message as they lie in the mailbox."""
    return b"".join(line + b"\r\n" for line in box.retr(number)[1])


def read_all(service, address, count=None, seconds=10):
    """All messages of a mailbox; with a count, waits until there are so many."""
    def attempt():
        box = open_mailbox(service, address)
        try:
            listed = box.stat()[0]
            if count is not None and listed < count:
                return None
            return [[retrieve(box, n + 1) for n in range(listed)]]
        finally:
            box.quit()
    return wait_until(attempt, seconds, f"{count} messages for {address}")[0]


def send(service, body, sender, recipients, protocol="smtp"):
    """One message by smtplib, its bytes as they are."""
    with smtplib.SMTP(service.host, service.ports[protocol], timeout=SECONDS) as s:
        s.sendmail(sender, recipients, body)


def without_trace(stored):
    """Cuts off the lines that the service itself puts before a message, and returns both."""
    ours = (b"return-path:", b"delivered-to:", b"received:")
    at, seen = 0, set()
    while True:
        end = stored.find(b"\r\n", at)
        while stored[end + 2:end + 3] in (b" ", b"\t"):
            end = stored.find(b"\r\n", end + 2)
        name = stored[at:at + 20].partition(b":")[0].lower() + b":"
        if end < 0 or name not in ours or name in seen:
            return stored[:at], stored[at:]
        seen.add(name)
        at = end + 2
