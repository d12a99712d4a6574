"""A disk that is full, fails, writes half or does not sync: refusals while it lasts, nothing lost,
and service as before once it is over."""
import contextlib
import mmap
import struct
import subprocess

import pytest

import service as services
from service import wait_until
from wire import Smtp, read_all, without_trace

BOB = "bob@here.example"
NONE, FULL, WRITE, SHORT, SYNC = range(5)
QUEUE, STORE, ACCOUNTS = 1, 2, 4


class Faults:
    """The file that shim.c maps: struct faults."""

    def __init__(self, path):
        path.write_bytes(bytes(20))
        path.chmod(0o666)
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 20)

    @contextlib.contextmanager
    def at_work(self, fault, roles, skip=0, percent=100):
        self.map[4:20] = struct.pack("<IiII", roles, skip, percent, 0)
        self.map[0:4] = struct.pack("<I", fault)
        try:
            yield self
        finally:
            self.map[0:4] = struct.pack("<I", NONE)

    def struck(self):
        return struct.unpack("<I", self.map[16:20])[0]


@pytest.fixture
def faulty(tmp_path):
    run = tmp_path / "faulty/state/run"  # the jails let nothing write elsewhere, the shim included
    run.mkdir(parents=True)
    tmp_path.joinpath("faulty/state").chmod(0o711)
    run.chmod(0o711)
    faults = Faults(run / "faults")
    here = services.configured(tmp_path / "faulty", environ={
        "LD_PRELOAD": str(services.BUILD / "test/crash/shim.so"),
        "VALIJA_FAULTS": str(run / "faults")})
    services.with_accounts(here, "ana", "bob")
    yield here, faults
    if here.process:
        assert here.stop() == 0, here.log()


def body(number, size=3000):
    return f"Subject: fault {number}\r\n\r\n{'x' * size}\r\n".encode()


def offer(here, number):
    """The reply to a message: to RCPT where that is refused already."""
    with Smtp(here) as smtp:
        smtp.ehlo()
        for command in ("MAIL FROM:<x@away.example>", f"RCPT TO:<{BOB}>", "DATA"):
            reply = smtp.say(command)
            if reply[0] not in "23":
                return reply
        smtp.send(body(number) + b".\r\n")
        return smtp.reply()


def numbers(here, count):
    return sorted(int(without_trace(m)[1].split(b"\r\n")[0].rpartition(b" ")[2])
                  for m in read_all(here, BOB, count, 20))


@pytest.mark.parametrize("fault, skip, reply", [
    (FULL, 0, "452 4.3.1"), (FULL, 3, "452 4.3.1"),
    (WRITE, 0, "45"), (WRITE, 3, "45"), (SYNC, 0, "45"), (SYNC, 3, "45")])
def test_a_broken_journal_refuses_and_recovers(faulty, fault, skip, reply):
    here, faults = faulty
    kept = [n for n in range(3) if offer(here, n).startswith("250")]
    assert kept == [0, 1, 2]
    with faults.at_work(fault, QUEUE, skip):
        for n in range(10, 20):
            answer = offer(here, n)
            assert answer.startswith(("250", reply)), answer
            if answer.startswith("250"):
                kept.append(n)
        assert faults.struck() > 0
        assert not answer.startswith("250")
    wait_until(lambda: offer(here, 30).startswith("250"), 5, "recovery")
    assert numbers(here, len(kept) + 1) == [*kept, 30]
    here.kill()
    here.start()
    assert numbers(here, len(kept) + 1) == [*kept, 30]


def test_half_written_records_are_completed(faulty):
    here, faults = faulty
    with faults.at_work(SHORT, QUEUE | STORE | ACCOUNTS, percent=50):
        replies = [offer(here, n) for n in range(10)]
        assert faults.struck() > 0
    kept = [n for n, reply in enumerate(replies) if reply.startswith("250")]
    assert all(reply.startswith(("250", "45")) for reply in replies)
    assert numbers(here, len(kept)) == kept


@pytest.mark.parametrize("fault", [FULL, WRITE, SYNC])
def test_a_broken_mailbox_keeps_the_mail_in_the_queue(faulty, fault):
    here, faults = faulty
    assert offer(here, 0).startswith("250")
    read_all(here, BOB, 1)
    with faults.at_work(fault, STORE):
        replies = [offer(here, n) for n in range(1, 6)]
        assert all(r.startswith(("250", "45")) for r in replies)
        wait_until(lambda: faults.struck() > 0, what="a fault in the store")
        assert "mx" in here.run("status").stdout
    kept = [0] + [n for n, r in enumerate(replies, 1) if r.startswith("250")]
    assert kept != [0]
    assert numbers(here, len(kept)) == kept
    here.kill()
    here.start()
    assert numbers(here, len(kept)) == kept


@pytest.mark.parametrize("fault", [FULL, WRITE, SHORT, SYNC])
def test_faults_now_and_then_lose_and_double_nothing(faulty, fault):
    here, faults = faulty
    kept, maybe = [], []
    with faults.at_work(fault, QUEUE | STORE, percent=15):
        for n in range(60):
            (kept if offer(here, n).startswith("250") else maybe).append(n)
            if n % 20 == 19:
                here.kill()
                here.start()
        assert faults.struck() > 0
    here.restart()
    found = numbers(here, len(kept))
    wait_until(lambda: not here.run("queue", "list", options=["--json"]).stdout.strip(), 20, "delivery")
    found = numbers(here, len(kept))
    assert sorted(set(found)) == found, "twice"
    assert set(kept) <= set(found) <= set(kept) | set(maybe)


@pytest.mark.parametrize("fault", [FULL, WRITE, SYNC])
def test_a_broken_directory_changes_nothing_and_mail_goes_on(faulty, fault):
    here, faults = faulty
    with faults.at_work(fault, ACCOUNTS):
        done = here.run("account", "add", "new@here.example", "--password-stdin", stdin="secret\n",
                        check=False)
        assert done.returncode in (73, 74, 75), done.stderr
        assert offer(here, 1).startswith("250")
    here.add_account("new@here.example", "secret")
    assert numbers(here, 1) == [1]


def test_the_service_starts_on_a_full_disk(faulty):
    here, faults = faulty
    assert offer(here, 0).startswith("250")
    read_all(here, BOB, 1)
    here.kill()
    with faults.at_work(FULL, QUEUE | STORE | ACCOUNTS):
        here.start()
        assert offer(here, 1).startswith("45")
        assert numbers(here, 1) == [0]
    wait_until(lambda: offer(here, 2).startswith("250"), 5, "recovery")
    assert numbers(here, 2) == [0, 2]


def test_a_truly_full_disk(tmp_path):
    """A file system of a few megabytes instead of the shim."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "none", small])
    if mounted.returncode != 0:
        pytest.skip("needs mount")
    here = services.configured(small, limits={"reserve_bytes": 0})
    try:
        services.with_accounts(here, "ana", "bob")
        kept = []
        for n in range(400):
            with Smtp(here) as smtp:
                smtp.ehlo()
                smtp.say("MAIL FROM:<x@away.example>")
                smtp.say(f"RCPT TO:<{BOB}>")
                if not smtp.say("DATA").startswith("354"):
                    break
                smtp.send(body(n, 500_000) + b".\r\n")
                reply = smtp.reply()
                if not reply.startswith("250"):
                    assert reply.startswith("452 4.3.1"), reply
                    break
                kept.append(n)
        assert kept and len(kept) < 400
        here.restart()
        assert set(numbers(here, 0)) <= set(kept)
    finally:
        if here.process:
            here.stop()
        subprocess.run(["umount", "-l", small], check=True)
