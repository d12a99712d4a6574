"""`valija` and its other names, with the service running and without."""
import json
import os
import re
import subprocess

import pytest

import service as services
from wire import Smtp, read_all, send, without_trace

BOB, ANA = "bob@here.example", "ana@here.example"
BODY = b"Subject: command\r\n\r\nhello\r\n"


@pytest.fixture(params=["running", "stopped"])
def either(own, request):
    here = own()
    if request.param == "stopped":
        assert here.stop() == 0
    return here


def test_domains_accounts_and_aliases_are_changed_in_either_state(either):
    here = either
    here.run("domain", "add", "two.example")
    here.add_account("eva@two.example", "eva-secret", "50M")
    here.run("alias", "add", "info@two.example", "eva@two.example")
    assert "two.example" in here.run("domain", "list").stdout
    assert "eva@two.example" in here.run("account", "list", "two.example").stdout
    assert "eva@two.example" in here.run("alias", "list", "two.example").stdout
    here.run("account", "quota", "eva@two.example", "1G")
    here.run("account", "suspend", "eva@two.example")
    here.run("account", "resume", "eva@two.example")
    here.run("domain", "suspend", "two.example")
    here.run("domain", "resume", "two.example")
    assert here.run("login-test", "eva@two.example", "--password-stdin",
                    stdin="eva-secret\n").returncode == 0
    here.run("account", "passwd", "eva@two.example", "--password-stdin", stdin="new-secret\n")
    assert here.run("login-test", "eva@two.example", "--password-stdin", stdin="eva-secret\n",
                    check=False).returncode != 0
    here.run("alias", "remove", "info@two.example")
    here.run("account", "remove", "eva@two.example", "--yes")
    here.run("domain", "remove", "two.example", "--yes")
    assert "two.example" not in here.run("domain", "list").stdout


def test_the_queue_and_the_check_work_in_either_state(either):
    for words in (["queue", "list"], ["check"], ["config", "check"], ["check", BOB]):
        either.run(*words)


def test_a_change_counts_at_once(here):
    address = here.new_account()
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.say("MAIL FROM:<x@away.example>")
        here.run("account", "suspend", address)
        assert smtp.say(f"RCPT TO:<{address}>").startswith("550 5.2.1")
        here.run("account", "resume", address)
        assert smtp.say(f"RCPT TO:<{address}>").startswith("250")
        here.run("account", "passwd", address, "--password-stdin", stdin="changed\n")
    here.accounts[address] = "changed"
    assert read_all(here, address) == []


def test_a_removed_account_comes_back_empty(here):
    address = here.new_account()
    send(here, BODY, "x@away.example", [address])
    read_all(here, address, 1)
    here.run("account", "remove", address, "--yes")
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.say("MAIL FROM:<x@away.example>")
        assert smtp.say(f"RCPT TO:<{address}>").startswith("550 5.1.1")
    here.add_account(address, "again")
    assert read_all(here, address) == []


@pytest.mark.parametrize("words, status", [
    (["account", "add", "no-at-sign", "--password-stdin"], 65),
    (["account", "add", "x@nowhere.example", "--password-stdin"], 67),
    (["account", "show", "nobody@here.example"], 67),
    (["bogus"], 64),
    (["account"], 64),
    (["account", "add", "--bogus"], 64),
])
def test_a_mistake_has_its_exit_code_and_a_sentence(here, words, status):
    done = here.run(*words, stdin="secret\n", check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr.strip()


def test_many_accounts_are_added_from_a_file(either):
    lines = ["# address password quota", "", *(f"many{i}@here.example {{plain}}secret{i} 10M" for i in range(50)),
             "many1@here.example -", "many51@here.example - lots", "many52@nowhere.example -"]
    done = either.run("--json", "account", "add", "--from", "-", stdin="\n".join(lines), check=False)
    assert done.returncode == 65
    assert json.loads(done.stdout) == {"verb": "account add", "added": 50, "refused": 3}
    refused = [json.loads(line) for line in done.stderr.splitlines()]
    assert [r["error"] for r in refused] == ["bulk_line_refused"] * 3
    assert either.run("login-test", "many7@here.example", "--password-stdin", stdin="secret7\n").returncode == 0


def test_status_needs_a_service(own):
    here = own()
    status = here.json("status")
    assert status and "roles" in status[0]
    assert "mx" in here.run("status").stdout
    here.stop()
    assert here.run("status", check=False).returncode == 69


def test_json_is_one_object_a_line(here):
    for words in (["domain", "list"], ["account", "list"], ["account", "show", BOB], ["queue", "list"],
                  ["status"]):
        assert all(isinstance(row, dict) for row in here.json(*words)), words


def test_config_check_names_file_line_and_column(own):
    here = own()
    bad = here.folder / "bad.conf"
    bad.write_text("hostname mx.here.example\nlimt message_size 1M\n")
    done = subprocess.run([here.program, "-c", bad, "config", "check"], capture_output=True, text=True)
    assert done.returncode == 78
    assert re.search(rf"{bad}:2:1: .*limit", done.stdout + done.stderr)


def test_every_level_has_help_in_two_languages(here):
    for words in ([], ["account"], ["account", "add"]):
        english = here.run(*words, "--help").stdout
        spanish = here.run("--lang", "es", *words, "--help").stdout
        assert english and spanish and english != spanish


@pytest.fixture
def names(here, tmp_path):
    """sendmail, mailq and newaliases as an installation has them."""
    for name in ("sendmail", "mailq", "newaliases"):
        (tmp_path / name).symlink_to(here.program)

    def run(name, *words, stdin=b"", check=True):
        done = subprocess.run([tmp_path / name, *words], input=stdin, capture_output=True, timeout=30,
                              env={**os.environ, "VALIJA_CONF": str(here.config)})
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.mark.parametrize("options", [[], ["-i"], ["-oi"], ["-f", "x@here.example"], ["-oi", "-t"]])
def test_sendmail_delivers(here, names, options):
    address = here.new_account()
    head = f"To: {address}\nSubject: by sendmail\n\n".encode()
    names("sendmail", *options, *([] if "-t" in options else [address]), stdin=head + b"hi\n.x\n")
    message = read_all(here, address, 1)[0]
    assert b"Subject: by sendmail\r\n" in message and message.endswith(b"\r\n\r\nhi\r\n.x\r\n")
    if "-f" in options:
        assert message.startswith(b"Return-Path: <x@here.example>")


def test_sendmail_reads_recipients_and_hides_bcc(here, names):
    one, two = here.new_account(), here.new_account()
    names("sendmail", "-t", stdin=f"To: One <{one}>\nBcc: {two}\nSubject: t\n\nhi\n".encode())
    for address in (one, two):
        message, = read_all(here, address, 1)
        assert b"bcc" not in message.lower().split(b"\r\n\r\n")[0]


def test_a_dot_ends_the_message_unless_told_otherwise(here, names):
    address = here.new_account()
    text = b"Subject: dots\n\nfirst\n.\nsecond\n"
    names("sendmail", address, stdin=text)
    names("sendmail", "-i", address, stdin=text)
    ends = {m.split(b"\r\n\r\n", 1)[1] for m in read_all(here, address, 2)}
    assert ends == {b"first\r\n", b"first\r\n.\r\nsecond\r\n"}


def test_sendmail_to_nobody_fails_and_says_why(here, names):
    done = names("sendmail", "nobody@here.example", stdin=b"Subject: x\n\nhi\n", check=False)
    assert done.returncode in (65, 67, 68) and b"nobody@here.example" in done.stderr


def test_sendmail_reaches_the_others_when_one_is_refused(here, names):
    address = here.new_account()
    done = names("sendmail", "nobody@here.example", address, stdin=b"hi\n", check=False)
    assert done.returncode == 67
    message, = read_all(here, address, 1)
    assert b"\r\nDate: " in message and b"\r\nMessage-ID: <" in message and b"\r\nFrom: " in message


def test_sendmail_asks_to_try_again_when_nothing_runs(own):
    here = own()
    here.stop()
    done = subprocess.run(["sendmail", "-c", BOB], executable=here.program, capture_output=True, input=b"")
    assert done.returncode == 64
    done = subprocess.run(["sendmail", "-i", BOB], executable=here.program, capture_output=True, input=b"hi\n",
                          env={**os.environ, "VALIJA_CONF": str(here.config)})
    assert done.returncode == 75 and b"not running" in done.stderr


def test_sendmail_speaks_smtp(here, names):
    address = here.new_account()
    talk = (f"EHLO x\r\nMAIL FROM:<x@here.example>\r\nRCPT TO:<{address}>\r\nDATA\r\n"
            "Subject: bs\r\n\r\nhi\r\n.\r\nQUIT\r\n").encode()
    assert b"\r\n354 " in names("sendmail", "-bs", stdin=talk).stdout
    assert without_trace(read_all(here, address, 1)[0])[1].startswith(b"Subject: bs")


def test_mailq_and_newaliases_work(here, names):
    names("mailq")
    names("sendmail", "-bp")
    names("newaliases")


def test_demo_once_ready_runs_a_command_and_ends(tmp_path):
    demo = services.demo(tmp_path / "once")
    done = subprocess.run([demo.program, *map(str, demo.command), "--once-ready",
                           f"echo ready >{tmp_path}/seen"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen").read_text() == "ready\n"
    facts = json.loads((tmp_path / "once/demo/demo.json").read_text())
    assert {a["address"] for a in facts["accounts"]} == {"ana@demo.example", "luis@demo.example"}
    for account in facts["accounts"]:
        assert account["password"] in done.stdout + done.stderr


def test_a_second_demo_start_keeps_mail_and_passwords(tmp_path):
    demo = services.demo(tmp_path / "twice")
    demo.start()
    first = dict(demo.accounts)
    send(demo, BODY, "x@away.example", ["ana@demo.example"])
    demo.restart()
    assert demo.accounts == first
    assert any(b"Subject: command" in m for m in read_all(demo, "ana@demo.example", 1))
    assert demo.stop() == 0
