#!/usr/bin/python3
"""Other people's mail servers, played on loopback: each does what a few lines of script tell it, and keeps
what it was given byte for byte, with every breach of the protocol.

    offers: PIPELINING, SIZE 100000, 8BITMIME, DSN, CHUNKING, SMTPUTF8
    greeting: 421 4.3.2 Not now | ok              # the first connection, and all that follow
    rcpt bob@*: 450 4.7.1 Greylisted | ok         # each address by itself: later, then taken
    rcpt #6+: 452 4.5.3 Too many recipients       # from the sixth of a transaction on
    dot: 250-2.0.0 kept\\n250 2.0.0 really then close

A line is a stage, whom it is for, and what is done: the first time | the second | from then on, one thing
after another with `then`. Stages: greeting ehlo helo starttls handshake auth mail rcpt data bdat body dot rset
quit. Whom: a pattern for the address (of data, bdat, body and dot: of one of the recipients), #N for the Nth
and #N+ from there on (connections of the server, MAIL of a connection, RCPT of a transaction), or >N where more
than N connections are open. What: ok, a reply, `wait SECONDS`, hang, close, reset, garbage, endless, and
`raw TEXT`, which is sent as it stands. In text, \\n is CR LF, \\xHH an octet. 421 closes.

usage: test/e2e/remote.py PORT [SCRIPT]
"""
import base64
import codecs
import dataclasses
import fnmatch
import re
import socket
import ssl
import struct
import sys
import threading
import time

SECONDS = 30  # nobody waits longer for anything
STAGES = "greeting ehlo helo starttls handshake auth mail rcpt data bdat body dot rset quit".split()
VERBS = ("ok", "wait", "hang", "close", "reset", "garbage", "endless", "raw")
USUAL = ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"]
GARBAGE = b"\x16\x03\x01\x02\x00 this is no SMTP at all\r\n\0\xff\xfe*** 42\r\nHTTP/1.1 200 OK\r\n\r\n"
# which offer a parameter of MAIL or RCPT needs
NEEDS = {"SIZE": "SIZE", "BODY": "8BITMIME", "SMTPUTF8": "SMTPUTF8", "RET": "DSN", "ENVID": "DSN",
         "NOTIFY": "DSN", "ORCPT": "DSN", "AUTH": "AUTH"}


def unescape(text):
    return codecs.escape_decode(text.replace("\\n", "\\r\\n").encode())[0]


@dataclasses.dataclass
class Rule:
    stage: str
    whom: str
    turns: list  # each a list of things to do, one after the other
    used: dict = dataclasses.field(default_factory=dict)

    def fits(self, names, number, open_now):
        if re.fullmatch(r"#\d+", self.whom):
            return number == int(self.whom[1:])
        if re.fullmatch(r"#\d+\+", self.whom):
            return number >= int(self.whom[1:-1])
        if re.fullmatch(r">\d+", self.whom):
            return open_now > int(self.whom[1:])
        return any(fnmatch.fnmatchcase(name, self.whom) for name in names)

    def turn(self, key):
        """What this one gets now: each has turns of its own."""
        n = self.used[key] = self.used.get(key, -1) + 1
        return self.turns[min(n, len(self.turns) - 1)]


def read_script(text):
    """The rules, and the extensions offered."""
    rules, offers = [], list(USUAL)
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#\s.*", "", line).strip()
        if not line:
            continue
        head, _, what = (part.strip() for part in line.partition(": "))
        stage, _, whom = head.partition(" ")
        if head == "offers:" or stage == "offers":
            offers = [offer.strip() for offer in what.split(",") if offer.strip()]
            continue
        turns = [turn.strip().split(" then ") for turn in what.split(" | ")]
        for thing in (thing for turn in turns for thing in turn):
            if not re.match(r"[2-5]\d\d", thing) and thing.partition(" ")[0] not in VERBS:
                raise ValueError(f"what is '{thing}' in '{line}'?")
        if stage not in STAGES:
            raise ValueError(f"what is '{stage}' in '{line}'?")
        rules.append(Rule(stage, whom or "*", turns))
    return rules, offers


@dataclasses.dataclass
class Message:
    """One transaction, whatever came of it."""
    connection: "Connection"
    sender: str
    params: dict
    recipients: list = dataclasses.field(default_factory=list)  # those taken, in their order
    rcpt_params: dict = dataclasses.field(default_factory=dict)
    wire: bytes = None   # what stood between DATA and the dot
    body: bytes = None   # the message
    by: str = ""         # DATA or BDAT
    asked: int = 0       # RCPT commands
    answer: str = None   # to its end; None: it never had one
    begun: float = 0     # when MAIL came, and
    answered: float = 0  # when the answer was handed to the kernel

    @property
    def tls(self):
        return self.connection.tls

    @property
    def taken(self):
        return (self.answer or "").startswith("2")


class Gone(Exception):
    """The client has closed, or we have."""


class Connection:
    """One client. `tls` is the version, or empty; `name` what it asked for (SNI)."""

    def __init__(self, server, sock, number):
        self.server, self.sock, self.number = server, sock, number
        self.kept, self.tls, self.name, self.login = b"", "", None, None
        self.commands, self.messages = [], []
        self.offers, self.mails, self.message, self.said, self.open = [], 0, None, None, True

    # Bytes

    def receive(self):
        try:
            got = self.sock.recv(1 << 20)
        except (OSError, ValueError):
            got = b""
        if not got:
            raise Gone
        return got

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (OSError, ValueError):
            raise Gone from None

    def complain(self, text):
        self.server.complaints.append(f"connection {self.number}: {text}")

    def spoke_early(self):
        """True where the client has sent more than it may know to be right."""
        self.sock.setblocking(False)
        try:
            while got := self.sock.recv(1 << 16):
                self.kept += got
        except OSError:
            pass
        finally:
            self.sock.settimeout(SECONDS)
        return bool(self.kept)

    def line(self):
        while b"\r\n" not in self.kept:
            self.kept += self.receive()
        line, _, self.kept = self.kept.partition(b"\r\n")
        if b"\r" in line or b"\n" in line:
            self.complain(f"bare CR or LF in {line!r}")
        if len(line) > 2046:
            self.complain(f"a command of {len(line)} octets")
        return line

    # What the script says

    def act(self, stage, usual, names=("",), number=0):
        """Does what is due; the last reply that was given, or None. Also in self.said, however it ends."""
        rule = next((r for r in self.server.rules
                     if r.stage == stage and r.fits(names, number, self.server.open_now())), None)
        with self.server.lock:
            turn = rule.turn(names[0]) if rule else ["ok"]
        self.said = None
        for thing in turn:
            self.do(usual if thing == "ok" else thing)
        return self.said

    def do(self, thing):
        verb, _, rest = thing.partition(" ")
        if verb == "wait":
            self.server.stopping.wait(float(rest))
        elif verb == "hang":
            while not self.server.stopping.wait(0.01):
                self.receive()
        elif verb == "close":
            raise Gone
        elif verb == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Gone
        elif verb == "garbage":
            self.send(GARBAGE)
        elif verb == "endless":
            while True:
                self.send(b"250-and so on\r\n" * 1000)
        elif verb == "raw":
            self.send(unescape(rest))
        else:
            self.said = thing
            self.send(unescape(thing) + b"\r\n")
            if thing.startswith("421"):
                raise Gone

    # The conversation

    def run(self):
        try:
            if self.spoke_early():
                self.complain("spoke before the greeting")
            if self.server.at_once:
                self.handshake()
            self.act("greeting", f"220 {self.server.name} ESMTP", number=self.number)
            while True:
                self.command(self.line())
        except Gone:
            pass
        finally:
            self.open = False
            self.sock.close()

    def command(self, line):
        self.commands.append(line)
        verb, _, rest = line.decode(errors="surrogateescape").partition(" ")
        verb = verb.upper()
        pipelines = "PIPELINING" in self.offers and verb in ("MAIL", "RCPT", "RSET", "NOOP", "BDAT")
        if not pipelines and self.spoke_early():
            self.complain(f"did not wait for the answer to {verb}")
        if not line.isascii() and not (self.message and "SMTPUTF8" in self.message.params) and verb != "MAIL":
            self.complain(f"8-bit octets in {line!r}")
        work = getattr(self, f"take_{verb.lower()}", None)
        if work is None:
            self.complain(f"an unknown command: {line!r}")
            self.send(b"500 5.5.1 What?\r\n")
        else:
            work(rest)

    def take_ehlo(self, rest):
        if not rest:
            self.complain("EHLO without a name")
        self.message = None
        extras = ["STARTTLS"] if self.server.certificate and not self.tls else []
        extras += ["AUTH PLAIN LOGIN"] if self.server.login else []
        offers = self.server.offers + extras
        lines = [self.server.name, *offers]
        said = self.act("ehlo", "\\n".join(f"250{'-' if i < len(lines) - 1 else ' '}{text}"
                                           for i, text in enumerate(lines)))
        self.offers = [offer.partition(" ")[0] for offer in offers] if (said or "2")[0] == "2" else []

    def take_helo(self, _):
        self.offers, self.message = [], None
        self.act("helo", f"250 {self.server.name}")

    def take_starttls(self, _):
        said = self.act("starttls", "220 2.0.0 Go ahead")
        if (said or "2")[0] == "2":  # raw may have said it
            self.act("handshake", "raw ")
            self.handshake()

    def handshake(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server.certificate)
        context.sni_callback = lambda _, name, __: setattr(self, "name", name)
        try:
            self.sock = context.wrap_socket(self.sock, server_side=True)
        except (OSError, ValueError) as e:
            self.server.handshakes.append(str(e))
            raise Gone from None
        self.tls, self.kept, self.message, self.offers = self.sock.version(), b"", None, []

    def take_auth(self, rest):
        mechanism, _, first = rest.partition(" ")
        if mechanism == "LOGIN":
            self.send(b"334 VXNlcm5hbWU6\r\n")
            name = base64.b64decode(self.line())
            self.send(b"334 UGFzc3dvcmQ6\r\n")
            given = (name, base64.b64decode(self.line()))
        else:
            if not first:
                self.send(b"334 \r\n")
                first = self.line()
            given = tuple(base64.b64decode(first).split(b"\0")[1:])
        good = given == tuple(word.encode() for word in self.server.login or ())
        said = self.act("auth", "235 2.7.0 Welcome" if good else "535 5.7.8 Wrong")
        self.login = given[0].decode() if (said or "")[:1] == "2" else None

    def address(self, rest, word):
        """What MAIL or RCPT names, and its parameters."""
        found = re.fullmatch(word + r":<((?:[^\">]|\"(?:[^\"\\]|\\.)*\")*)>(?: (.*))?", rest)
        if not found:
            self.complain(f"{rest!r} is no {word}:<address>")
            return "", {}
        params = dict(p.partition("=")[::2] for p in (found[2] or "").split())
        for name in params:
            if NEEDS.get(name) not in self.offers:
                self.complain(f"{name} was not offered: {rest!r}")
        return found[1], params

    def take_mail(self, rest):
        if self.message:
            self.complain("MAIL within a transaction")
        sender, params = self.address(rest, "FROM")
        if not rest.isascii() and "SMTPUTF8" not in params:
            self.complain(f"8-bit octets in MAIL {rest!r}")
        self.mails += 1
        said = self.act("mail", "250 2.1.0 Sender ok", [sender], self.mails)
        if (said or "")[:1] == "2":
            self.message = Message(self, sender, params, begun=time.monotonic())

    def take_rcpt(self, rest):
        recipient, params = self.address(rest, "TO")
        if not self.message:
            self.send(b"503 5.5.1 MAIL first\r\n")
            return
        m = self.message
        m.asked += 1
        if (self.act("rcpt", "250 2.1.5 Recipient ok", [recipient], m.asked) or "")[:1] == "2":
            m.recipients.append(recipient)
            m.rcpt_params[recipient] = params

    def take_data(self, _):
        if not (self.message and self.message.recipients):
            self.send(b"503 5.5.1 Nobody to bring it to\r\n")
            return
        names = self.message.recipients
        if (self.act("data", "354 Go on", names) or "")[:1] != "3":
            return
        got = bytearray(b"\r\n" + self.kept)
        self.act("body", "raw ", names)
        at = 0
        while (end := got.find(b"\r\n.\r\n", at)) < 0:
            at = max(0, len(got) - 4)
            got += self.receive()
        self.kept = bytes(got[end + 5:])
        self.message.wire, self.message.by = bytes(got[2:end + 2]), "DATA"
        if re.search(rb"\r\n\.[^.]", got[:end + 2]):
            self.complain("a dot at the beginning of a line was not doubled")
        self.end(bytes(got[:end + 2]).replace(b"\r\n.", b"\r\n")[2:])

    def take_bdat(self, rest):
        size, _, last = rest.partition(" ")
        while len(self.kept) < int(size):
            self.kept += self.receive()
        chunk, self.kept = self.kept[:int(size)], self.kept[int(size):]
        if "CHUNKING" not in self.offers:
            self.complain("BDAT was not offered")
        if not (self.message and self.message.recipients):
            self.send(b"503 5.5.1 Nobody to bring it to\r\n")
            return
        m = self.message
        m.wire, m.by = (m.wire or b"") + chunk, "BDAT"
        if last.upper() == "LAST":
            self.end(m.wire)
        else:
            self.act("bdat", f"250 2.0.0 {size} octets", m.recipients)

    def end(self, body):
        m, self.message = self.message, None
        m.body = body
        if re.search(rb"(?<!\r)\n|\r(?!\n)", body):
            self.complain("a bare CR or LF in the message")
        text = body.partition(b"\r\n\r\n")[2] if "SMTPUTF8" in m.params else body  # a header may then have letters
        if not text.isascii() and m.params.get("BODY") != "8BITMIME":
            self.complain("8-bit octets without BODY=8BITMIME")
        if "SIZE" in m.params and int(m.params["SIZE"]) < len(body):
            self.complain(f"SIZE={m.params['SIZE']}, and {len(body)} octets came")
        self.messages.append(m)
        self.server.look(m)
        with self.server.news:
            self.server.attempts.append(m)
        try:
            self.act("dot", "250 2.0.0 Kept", m.recipients)
        finally:
            m.answer = self.said
            m.answered = time.monotonic()
            with self.server.news:
                self.server.news.notify_all()

    def take_rset(self, _):
        self.message = None
        self.act("rset", "250 2.0.0 Forgotten")

    def take_noop(self, _):
        self.send(b"250 2.0.0 Yes\r\n")

    def take_quit(self, _):
        self.act("quit", "221 2.0.0 Bye")
        raise Gone


class Remote:
    """A mail server. `certificate`: paths of a certificate and its key, and STARTTLS is offered; `login`: a name
    and a password, and AUTH is; `at_once`: TLS before everything else; `look`: called with each message before it is
    answered."""

    def __init__(self, host, port, script="", name="mx.there.example", certificate=None, login=None,
                 at_once=False, look=lambda message: None):
        self.host, self.port, self.name, self.look = host, port, name, look
        self.certificate, self.login, self.at_once = certificate, login, at_once
        self.connections, self.attempts, self.complaints, self.handshakes = [], [], [], []
        self.lock, self.news = threading.Lock(), threading.Condition()
        self.stopping, self.listener, self.fillers = threading.Event(), None, []
        self.most_open = 0  # connections at a time
        self.script(script)

    def script(self, text):
        """From now on."""
        self.rules, self.offers = read_script(text)

    # Life

    def listen(self, backlog):
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, self.port))
        self.listener.listen(backlog)
        self.port = self.listener.getsockname()[1]

    def start(self):
        self.stopping = threading.Event()
        self.listen(1000)
        threading.Thread(target=self.accept, args=[self.listener], daemon=True).start()
        return self

    def start_deaf(self):
        """An address where nobody answers: the kernel's queue for it is full, and what more comes is dropped."""
        self.listen(0)
        for _ in range(4):
            filler = socket.socket(self.listener.family, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex((self.host, self.port))
            self.fillers.append(filler)
        return self

    def stop(self):
        """No connection is left, and none is taken until the next start."""
        self.stopping.set()
        if self.listener:
            try:
                self.listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
            except OSError:
                pass
            self.listener.close()
            self.listener = None
        for s in [*self.fillers, *[c.sock for c in self.connections if c.open]]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        self.fillers = []

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(SECONDS)
            with self.lock:
                connection = Connection(self, sock, len(self.connections) + 1)
                self.connections.append(connection)
                self.most_open = max(self.most_open, self.open_now())
            threading.Thread(target=connection.run, daemon=True).start()

    # What came

    def open_now(self):
        return sum(c.open for c in self.connections)

    @property
    def messages(self):
        """Those it has taken."""
        return [m for m in self.attempts if m.taken]

    def wait(self, count=1, seconds=15):
        """The messages taken, once there are so many."""
        with self.news:
            if not self.news.wait_for(lambda: len(self.messages) >= count, seconds):
                raise TimeoutError(f"{self.name}: {len(self.messages)} of {count} messages came "
                                   f"in {seconds} s; {self.talk()}")
        return self.messages

    def talk(self):
        """All that was said to it, for who looks for a mistake."""
        return [[line[:200] for line in c.commands[-8:]] for c in self.connections[-5:]] + self.complaints


def main():
    script = open(sys.argv[2], encoding="utf-8").read() if len(sys.argv) > 2 else ""
    server = Remote("127.0.0.1", int(sys.argv[1]), script).start()
    print(f"listening on {server.host}:{server.port}", flush=True)
    seen = 0
    while True:
        for m in server.wait(seen + 1, seconds=1 << 20)[seen:]:
            print(f"{m.sender} -> {', '.join(m.recipients)}, {len(m.body)} octets, {m.tls or 'in clear'}", flush=True)
            seen += 1


if __name__ == "__main__":
    main()
