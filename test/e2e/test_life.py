"""Starting, stopping, reloading, and processes that die."""
import os
import re
import signal
import threading
import time

import pytest

import ipc
import service as services
from conftest import as_root
from service import wait_until
from wire import Pop3, Smtp, open_mailbox, read_all, send

BOB = "bob@here.example"
BODY = b"Subject: life\r\n\r\nhello\r\n"
ROLES = [role for role in ipc.ROLES if role not in ("parent", "ctl", *ipc.ON_DEMAND)]


def works(here):
    """Mail comes in, is listed, and a login with TLS succeeds."""
    before = len(read_all(here, BOB))
    send(here, BODY, "x@away.example", [BOB])
    read_all(here, BOB, before + 1)
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        return smtp.login(BOB).startswith("235")


def test_every_role_runs(here):
    assert {r.name for r in here.roles()} == set(ROLES)


@pytest.mark.parametrize("name", ROLES)
def test_a_killed_role_is_replaced_within_a_second(own, name):
    here = own()
    before = here.roles()
    victim = next(r for r in before if r.name == name)
    os.kill(victim.pid, signal.SIGKILL)
    begin = time.monotonic()

    def replaced():
        now = here.roles()
        return len(now) == len(before) and victim.pid not in [r.pid for r in now]

    wait_until(replaced, 5, f"a new {name}")
    assert time.monotonic() - begin < 1.5
    assert {r.pid for r in before} - {r.pid for r in here.roles()} == {victim.pid}
    wait_until(lambda: patient(lambda: works(here)), 10, "service as usual")


def patient(check):
    """A replaced role may still be getting up: what fails now is asked again."""
    try:
        return check()
    except (OSError, AssertionError, services.Trouble, EOFError):
        return None
    except Exception as e:  # the libraries' own: poplib.error_proto, smtplib.SMTPException
        if type(e).__module__ in ("poplib", "smtplib"):
            return None
        raise


@pytest.mark.parametrize("name", ["keys", "accounts", "guard", "queue", "store", "trace"])
def test_sessions_outlive_a_killed_role_behind_them(own, name):
    here = own()
    with Smtp(here) as smtp, Smtp(here, "submissions") as tls:
        smtp.ehlo()
        tls.ehlo()
        for victim in here.roles(name):
            os.kill(victim.pid, signal.SIGKILL)
        assert smtp.say("NOOP").startswith("250")
        assert tls.say("NOOP").startswith("250")

        def accepted():
            smtp.say("RSET")
            if not smtp.say("MAIL FROM:<x@away.example>").startswith("250"):
                return False
            if not smtp.say(f"RCPT TO:<{BOB}>").startswith("250"):
                return False
            if not smtp.say("DATA").startswith("354"):
                return False
            smtp.send(BODY + b".\r\n")
            return smtp.reply().startswith("250")

        wait_until(accepted, 5, "a message in the same session")
        wait_until(lambda: tls.login(BOB).startswith("235"), 5, "a login in the same session")
    wait_until(lambda: patient(lambda: len(read_all(here, BOB)) == 1), what="the message")


def test_an_edge_that_dies_takes_only_its_own_sessions(own):
    here = own()
    if len(here.roles("mx")) < 2:
        pytest.skip("one processor, one edge")
    with Pop3(here) as pop3:
        assert pop3.login(BOB).startswith("+OK")
        for victim in here.roles("mx"):
            os.kill(victim.pid, signal.SIGKILL)
        assert pop3.say("NOOP").startswith("+OK")
    wait_until(lambda: patient(lambda: works(here)), what="service as usual")


def test_a_killed_store_loses_the_session_but_no_message(own):
    here = own()
    for _ in range(3):
        send(here, BODY, "x@away.example", [BOB])
    read_all(here, BOB, 3)
    with Pop3(here) as pop3:
        assert pop3.login(BOB).startswith("+OK")
        pop3.say("DELE 1")
        for victim in here.roles("store"):
            os.kill(victim.pid, signal.SIGKILL)
        answer = pop3.say("QUIT")
        assert answer is None or answer.startswith("-ERR"), "it could not be deleted and it says so"
    wait_until(lambda: patient(lambda: len(read_all(here, BOB)) == 3), what="all three")


def test_a_killed_parent_takes_everyone_along_and_a_new_start_works_at_once(own):
    here = own()
    send(here, BODY, "x@away.example", [BOB])
    parent, pids = here.parent_pid(), here.pids()
    os.kill(parent, signal.SIGKILL)
    if here.process.pid != parent:
        os.kill(here.process.pid, signal.SIGKILL)
    here.process.wait()
    here.start()
    wait_until(lambda: not any(b"valija" in services.read_proc(p, "cmdline") for p in pids),
               what="the end of the old roles")
    assert len(read_all(here, BOB, 1)) == 1
    assert works(here)


def test_a_second_service_on_the_same_state_does_not_start(own):
    here = own()
    second = services.Service(here.folder, here.command, here.config, here.ports)
    second.log_path = here.folder / "log2"
    second.start(wait=False)
    assert second.process.wait(30) in (73, 75)
    assert works(here)


def test_sigterm_finishes_an_open_transaction(own):
    here = own(limits={"stop_seconds": 10})
    with Smtp(here) as smtp, Smtp(here) as idle:
        smtp.ehlo()
        smtp.envelope("x@away.example", BOB)
        assert smtp.say("DATA").startswith("354")
        smtp.send(b"Subject: half\r\n")
        here.process.send_signal(signal.SIGTERM)
        assert (idle.reply() or "421").startswith("421 4.3.2")
        time.sleep(0.2)
        smtp.send(b"\r\nthe other half\r\n.\r\n")
        assert smtp.reply().startswith("250")
    assert here.process.wait(20) == 0
    here.start()
    assert b"the other half" in read_all(here, BOB, 1)[0]


def test_sigterm_does_not_wait_for_ever(own):
    here = own(limits={"stop_seconds": 1})
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.envelope("x@away.example", BOB)
        assert smtp.say("DATA").startswith("354")
        begin = time.monotonic()
        assert here.stop() == 0
        assert time.monotonic() - begin < 10
    here.start()
    assert read_all(here, BOB) == []


def test_a_reload_takes_new_limits_and_keeps_sessions(own):
    here = own()
    with Smtp(here) as smtp:
        assert "SIZE 10485760" in smtp.ehlo()
        smtp.envelope("x@away.example", BOB)
        pids = {r.pid for r in here.roles()}
        here.config.write_text(here.config.read_text() + "limit message_size 1M\n")
        here.reload()
        with Smtp(here) as other:
            assert "SIZE 1048576" in other.ehlo()
        assert smtp.say("DATA").startswith("354")
        smtp.send(BODY + b".\r\n")
        assert smtp.reply().startswith("250")
        assert {r.pid for r in here.roles()} == pids
    assert len(read_all(here, BOB, 1)) == 1


def test_reloads_under_traffic_refuse_nobody(own):
    here = own()
    sent, stop, trouble = [], threading.Event(), []

    def traffic():
        try:
            while not stop.is_set():
                send(here, BODY, "x@away.example", [BOB])
                sent.append(1)
        except Exception as e:  # noqa: BLE001 - shown by the assertion below
            trouble.append(e)

    threads = [threading.Thread(target=traffic) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        here.reload()
    stop.set()
    for thread in threads:
        thread.join()
    assert not trouble
    assert len(read_all(here, BOB, len(sent))) == len(sent) > 0


def test_it_says_ready_and_logs_one_event_a_line(here):
    lines = [line for line in here.log().splitlines() if line]
    shape = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* \w+(\[\d+\])? \S+ ?.*")
    assert [line for line in lines if not shape.match(line)] == []
    assert any(" start " in line for line in lines)


def test_no_log_line_has_a_password(here):
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        smtp.login(BOB)
    open_mailbox(here, BOB).quit()
    assert "bob-secret" not in here.log() and "Ym9iLXNlY3JldA" not in here.log()


@as_root
def test_as_root_every_role_has_a_user_of_its_own(here):
    owners = {r.name: os.stat(f"/proc/{r.pid}").st_uid for r in here.roles()}
    uids = {r.name: re.search(rb"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)",
                              services.read_proc(r.pid, "status"), re.M).groups() for r in here.roles()}
    assert all(b"0" not in three and len(set(three)) == 1 for three in uids.values()), (uids, owners)
    assert len({three[0] for three in uids.values()}) == len(ROLES)


@as_root
@pytest.mark.parametrize("kind", [services.demo, services.configured])
def test_a_plain_user_can_run_all_of_it(tmp_path, kind):
    here = kind(tmp_path / "nobody", user="nobody")
    if kind is services.configured:
        services.with_accounts(here, "ana", "bob")
    else:
        here.start()
    try:
        address = next(iter(here.accounts))
        send(here, BODY, "x@away.example", [address])
        assert len(read_all(here, address, 1)) >= 1
        with Smtp(here, "submissions") as smtp:
            smtp.ehlo()
            assert smtp.login(address).startswith("235")
        for role in here.roles():
            status = services.read_proc(role.pid, "status")
            assert b"Seccomp:\t2" in status and b"NoNewPrivs:\t1" in status, role
    finally:
        assert here.stop() == 0, here.log()
