"""The programs people really use, against the demo."""
import os
import poplib
import smtplib
import subprocess

import pytest

from service import trusting_nobody, type_at_terminal
from wire import SECONDS, read_all, without_trace

ANA, LUIS = "ana@demo.example", "luis@demo.example"


def run(*words, stdin="", **more):
    done = subprocess.run([str(w) for w in words], input=stdin, capture_output=True, text=True,
                          timeout=60, **more)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def arrives(demo, address, subject):
    """The one message with this subject, after waiting for it."""
    count = len(read_all(demo, address))
    found = []
    while not found:
        found = [m for m in read_all(demo, address, count)
                 if b"\r\nSubject: " + subject.encode() + b"\r\n" in m]
    assert len(found) == 1
    return found[0]


SWAKS = {
    "25 in clear": ("smtp", []),
    "25 with STARTTLS": ("smtp", ["--tls"]),
    "587 with STARTTLS and login": ("submission", ["--tls", "--auth", "PLAIN"]),
    "587 with AUTH LOGIN": ("submission", ["--tls", "--auth", "LOGIN"]),
    "465 with login": ("submissions", ["--tls-on-connect", "--auth", "PLAIN"]),
    "25 pipelined": ("smtp", ["--pipeline"]),
}


@pytest.mark.parametrize("how", SWAKS)
def test_swaks_sends(demo, how):
    protocol, options = SWAKS[how]
    if "--auth" in options:
        options = [*options, "--auth-user", LUIS, "--auth-password", demo.accounts[LUIS]]
    subject = f"swaks {how}"
    run("swaks", "--server", "127.0.0.1", "--port", demo.ports[protocol], "--from", LUIS, "--to", ANA,
        "--header", f"Subject: {subject}", "--body", "from swaks", *options)
    assert b"from swaks" in arrives(demo, ANA, subject)


@pytest.mark.parametrize("scheme, protocol, options", [
    ("smtp", "smtp", []),
    ("smtp", "submission", ["--ssl-reqd", "--user"]),
    ("smtps", "submissions", ["--user"]),
    ("smtps", "submissions", ["--login-options", "AUTH=SCRAM-SHA-256", "--user"]),
])
def test_curl_sends(demo, tmp_path, scheme, protocol, options):
    subject = f"curl {scheme} {protocol} {len(options)}"
    mail = tmp_path / "mail"
    mail.write_bytes(f"From: {LUIS}\r\nSubject: {subject}\r\n\r\nfrom curl\r\n".encode())
    login = [f"{LUIS}:{demo.accounts[LUIS]}"] if "--user" in options else []
    if "AUTH=SCRAM-SHA-256" in options and "gsasl" not in run("curl", "--version"):
        pytest.skip("this curl has no SCRAM")
    run("curl", "-sS", "-k", "--url", f"{scheme}://127.0.0.1:{demo.ports[protocol]}", *options, *login,
        "--mail-from", LUIS, "--mail-rcpt", ANA, "-T", mail)
    assert b"from curl" in arrives(demo, ANA, subject)


@pytest.mark.parametrize("scheme, protocol, options", [
    ("pop3", "pop3", []), ("pop3", "pop3", ["--ssl-reqd"]), ("pop3s", "pop3s", []),
    ("pop3s", "pop3s", ["--login-options", "AUTH=PLAIN"])])
def test_curl_reads(demo, scheme, protocol, options):
    with smtplib.SMTP(demo.host, demo.ports["smtp"], timeout=SECONDS) as s:
        s.sendmail(ANA, LUIS, b"Subject: for curl\r\n\r\nread me\r\n")
    count = len(read_all(demo, LUIS, 1))
    url = f"{scheme}://127.0.0.1:{demo.ports[protocol]}/"
    login = ["-sS", "-k", *options, "--user", f"{LUIS}:{demo.accounts[LUIS]}"]
    assert len(run("curl", *login, url).split("\n")) >= count
    assert "read me" in run("curl", *login, f"{url}1")


def test_smtplib_and_poplib_with_tls(demo):
    with smtplib.SMTP(demo.host, demo.ports["submission"], timeout=SECONDS) as s:
        s.starttls(context=trusting_nobody())
        s.login(LUIS, demo.accounts[LUIS])
        s.sendmail(LUIS, [ANA], b"Subject: smtplib 587\r\n\r\nhello\r\n")
    with smtplib.SMTP_SSL(demo.host, demo.ports["submissions"], timeout=SECONDS,
                          context=trusting_nobody()) as s:
        s.login(LUIS, demo.accounts[LUIS])
        s.sendmail(LUIS, [ANA], b"Subject: smtplib 465\r\n\r\nhello\r\n")
    arrives(demo, ANA, "smtplib 587")
    arrives(demo, ANA, "smtplib 465")
    box = poplib.POP3_SSL(demo.host, demo.ports["pop3s"], timeout=SECONDS, context=trusting_nobody())
    box.user(ANA)
    box.pass_(demo.accounts[ANA])
    assert box.stat()[0] >= 2
    box.quit()
    box = poplib.POP3(demo.host, demo.ports["pop3"], timeout=SECONDS)
    box.stls(context=trusting_nobody())
    box.user(ANA)
    box.pass_(demo.accounts[ANA])
    box.quit()


@pytest.fixture
def filled(demo):
    """A mailbox of one's own with two messages: its address and what they are."""
    address = demo.new_account()
    bodies = [b"Subject: first\r\n\r\n.dot\r\n", b"Subject: second\r\n\r\ntwo\r\n"]
    with smtplib.SMTP(demo.host, demo.ports["smtp"], timeout=SECONDS) as s:
        for body in bodies:
            s.sendmail(LUIS, address, body)
    read_all(demo, address, 2)
    return address, bodies


@pytest.mark.parametrize("tls", ["", "sslproto tls1.2+"])
def test_fetchmail_fetches_and_deletes(demo, filled, tmp_path, tls):
    address, bodies = filled
    rc, out = tmp_path / "rc", tmp_path / "out"
    rc.write_text(f"poll 127.0.0.1 service {demo.ports['pop3']} protocol pop3 username \"{address}\" "
                  f"password \"{demo.accounts[address]}\" {tls} no sslcertck\n"
                  f"mda \"cat >>{out}\"\n")
    rc.chmod(0o600)
    run("fetchmail", "-f", rc, "--nosyslog", "--pidfile", tmp_path / "pid", "--nodetach",
        env={**os.environ, "HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path)})
    got = out.read_bytes().replace(b"\r\n", b"\n")
    assert all(body.split(b"\r\n\r\n")[1].replace(b"\r\n", b"\n") in got for body in bodies)
    assert read_all(demo, address) == []


def test_getmail_fetches_and_keeps(demo, filled, tmp_path):
    address, bodies = filled
    box = tmp_path / "Maildir"
    for folder in ("cur", "new", "tmp"):
        (box / folder).mkdir(parents=True)
    (tmp_path / "getmailrc").write_text(
        f"[retriever]\ntype = SimplePOP3Retriever\nserver = 127.0.0.1\nport = {demo.ports['pop3']}\n"
        f"username = {address}\npassword = {demo.accounts[address]}\n"
        f"[destination]\ntype = Maildir\npath = {box}/\n"
        "[options]\nread_all = false\ndelete = false\n")
    as_user = []
    if os.geteuid() == 0:  # it delivers nothing for root
        as_user = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"]
        run("chown", "-R", "nobody", tmp_path)
        tmp_path.parent.chmod(0o711)
        tmp_path.parent.parent.chmod(0o711)
    for _ in range(2):  # the second time it knows them by their UIDL
        run(*as_user, "getmail", "--getmaildir", tmp_path, env={**os.environ, "HOME": str(tmp_path)})
    got = [p.read_bytes() for p in (box / "new").iterdir()]
    assert len(got) == 2
    assert {b"Subject: first", b"Subject: second"} <= {line for m in got for line in m.split(b"\n")}
    assert len(read_all(demo, address)) == 2


def s_nail(demo, tmp_path, *words, stdin=""):
    return run("s-nail", "-n", "-S", "v15-compat", "-S", "tls-verify=ignore",
               *words, stdin=stdin, env={**os.environ, "HOME": str(tmp_path), "MAILRC": "/dev/null"})


def test_s_nail_sends_and_reads(demo, filled, tmp_path):
    address, _ = filled
    url = f"{address.replace('@', '%40')}:{demo.accounts[address]}@127.0.0.1"
    s_nail(demo, tmp_path, "-S", f"mta=submissions://{url}:{demo.ports['submissions']}", "-S",
           f"from={address}", "-S", "smtp-auth=plain", "-s", "by s-nail", ANA, stdin="written in s-nail\n")
    assert b"written in s-nail" in arrives(demo, ANA, "by s-nail")
    shown = s_nail(demo, tmp_path, "-S", "pop3-no-apop", "-R", "-f", f"pop3s://{url}:{demo.ports['pop3s']}",
                   stdin="headers\nprint 1\nxit\n")
    assert "first" in shown


def test_mutt_sends_and_reads(demo, filled, tmp_path):
    address, _ = filled
    host = f"{address.replace('@', '%40')}@127.0.0.1"
    rc = tmp_path / "muttrc"
    rc.write_text(
        f"set from=\"{address}\"\nset smtp_url=\"smtps://{host}:{demo.ports['submissions']}\"\n"
        f"set smtp_pass=\"{demo.accounts[address]}\"\nset pop_pass=\"{demo.accounts[address]}\"\n"
        f"set certificate_file={tmp_path}/known\nset ssl_verify_host=no\nset ssl_verify_dates=no\n"
        f"set folder={tmp_path}\n"
        "set copy=no\nset record=\nset pop_delete=no\nset quit=yes\nset wait_key=no\n")
    (tmp_path / "known").write_bytes(open(demo.certificate, "rb").read())
    environ = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm"}
    run("mutt", "-F", rc, "-s", "by mutt", "--", ANA, stdin="written in mutt\n", env=environ)
    assert b"written in mutt" in arrives(demo, ANA, "by mutt")
    keys = f"<pipe-message>cat >{tmp_path}/seen<enter><exit>"
    status, shown = type_at_terminal(
        f"mutt -F {rc} -R -f pops://{host}:{demo.ports['pop3s']}/ -e 'push \"{keys}\"'", "", environ)
    assert (tmp_path / "seen").exists(), shown
    assert "Subject: " in (tmp_path / "seen").read_text()


def test_the_messages_of_all_clients_kept_their_bytes(demo, filled):
    address, bodies = filled
    assert [without_trace(m)[1] for m in read_all(demo, address)] == bodies
