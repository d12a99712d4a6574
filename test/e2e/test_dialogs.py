"""The dialogues of test/dialog again, over TCP and TLS and against the real roles. What a script's
machine asks is answered here by a real directory and a real mailbox; scripts whose answers no
directory of ours would give are left to the tests in memory."""
import base64
import re

import pytest

import service as services
from service import ROOT
from wire import Pop3, Smtp

FOLDER = ROOT / "test/dialog"

# Questions and the answers that the service below gives by itself.
ANSWERS = [re.compile(p) for p in (
    r"rcpt (bob|ana|postmaster)@here\.example -> yes", r"rcpt Postmaster -> yes",
    r"rcpt (nobody|\"a b\")@here\.example -> SMTP_NO_MAILBOX.*", r"rcpt carla@here\.example -> SMTP_MAILBOX_SUSPENDED",
    r"rcpt bob@elsewhere\.example -> SMTP_NO_RELAY", r"rcpt bob@\[192\.0\.2\.7\] -> SMTP_NO_RELAY",
    r"body -> yes", r"commit .*-> yes", r"tls -> started", r"sender ana@here\.example -> yes",
    r"sender <> -> yes", r"sender bob@here\.example -> SMTP_NOT_YOURS",
    r"password (ana|ana.here\.example) secret -> yes.*", r"password .* wrong -> (no|SMTP_LOGIN_WRONG|POP3_WRONG_LOGIN)",
    r"open ana ->")]
OPTIONS = re.compile(r"mx|submission|tls|loopback|(?!smtp_plaintext|recipients)[a-z0-9_]+=\d+")


class Script:
    def __init__(self, path):
        self.path, self.protocol = path, path.parent.name
        self.lines = [(n, line[0], cut_comment(line[3:])) for n, line in
                      enumerate(path.read_text().splitlines(), 1) if line[1:2] == ":"]
        self.options = " ".join(text for _, kind, text in self.lines if kind == "!").split()

    def limits(self):
        """Where the script has its client come from afar, ours must have no more rights than that."""
        limits = {"login_delay_seconds": 60, "errors_per_session": 20}
        if "loopback" not in self.options:
            limits["pop3_plaintext"] = 0
        return {**limits, **dict(o.split("=") for o in self.options if "=" in o)}

    def port(self):
        if self.protocol == "pop3":
            return "pop3s" if "tls" in self.options else "pop3"
        if "submission" in self.options:
            return "submissions" if "tls" in self.options else "submission"
        return "smtp"

    def is_real(self):
        return (all(OPTIONS.fullmatch(o) for o in self.options) and
                all(any(a.fullmatch(text) for a in ANSWERS) for _, kind, text in self.lines if kind == "?") and
                not any(kind == "E" for _, kind, _ in self.lines))


def cut_comment(text):
    return re.sub(r"(^|  +)#.*$", "", text).strip()


def unescape(text, protocol):
    """The bytes of a C: line. POP3's scripts log in as `ana`; here every login has its domain."""
    def base(match):
        return base64.b64encode(unescape(match[1], protocol)).decode()

    if protocol == "pop3":
        text = re.sub(r"\bana\b(?!@)", "ana@here.example", text)
    text = re.sub(r"\\b\{([^}]*)\}", base, text)
    text = re.sub(r"\\\*(\d+)(.)", lambda m: m[2] * int(m[1]), text)
    pieces = re.split(r"(\\x[0-9a-fA-F]{2}|\\.)", text)
    named = {"\\r": b"\r", "\\n": b"\n", "\\t": b"\t", "\\0": b"\0", "\\\\": b"\\"}
    return b"".join(named.get(p) or (bytes([int(p[2:], 16)]) if p.startswith("\\x") and len(p) == 4
                                     else p.encode()) for p in pieces)


def matches(text, line):
    """Is it the line of an S: pattern? A message's id and a session's reference are of our own making,
    and our client has another address."""
    text = text.replace("0000000000001", "*").replace("7KQ2M9", "*").replace("192.0.2.1,", "127.0.0.1,")
    text = unescape(text, "").decode(errors="surrogateescape")
    pattern = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.S)
    return any(pattern.fullmatch(form) for form in (line, line.strip()))


def play(script, wire):
    pending = b""
    for number, kind, text in script.lines:
        where = f"{script.path.name}:{number}"
        if kind in "Cc":
            pending += unescape(text, script.protocol) + (b"\r\n" if kind == "C" else b"")
            continue
        wire.send(pending)
        pending = b""
        if kind in "Ss":
            line = wire.line()
            while kind == "s" and line is not None and not matches(text, line):
                line = wire.line()
            assert line is not None and matches(text, line), f"{where}: {text!r}, got {line!r}"
        elif kind == "?" and text.startswith("tls"):
            wire.wrap()
        elif kind == "X":
            assert wire.line() is None, where
    wire.send(pending)


SCRIPTS = [s for s in map(Script, sorted(FOLDER.glob("*/*.txt"))) if s.protocol != "client" and s.is_real()]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    service = services.configured(tmp_path_factory.mktemp("dialogs"))
    services.with_accounts(service, "bob", "carla")
    service.add_account("ana@here.example", "secret")
    service.run("account", "suspend", "carla@here.example")
    service.written = service.config.read_text()
    yield service
    assert service.stop() == 0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: f"{s.protocol}/{s.path.stem}")
def test_dialogue(stage, script):
    limits = "".join(f"limit {name} {value}\n" for name, value in script.limits().items())
    kept = [line for line in stage.written.splitlines()
            if not any(line.startswith(f"limit {name} ") for name in script.limits())]
    stage.config.write_text("\n".join(kept) + "\n" + limits)
    stage.restart()
    kind = Pop3 if script.protocol == "pop3" else Smtp
    with kind(stage, script.port(), greet=False) as wire:
        play(script, wire)


def test_most_dialogues_are_played():
    assert len(SCRIPTS) >= 20
