"""What disks, hands and crashes leave behind: the service starts, says what it found, and delivers
everything that is whole."""
import os
import signal
import socket

import pytest

from service import wait_until
from wire import Smtp, read_all, send, without_trace

BOB = "bob@here.example"
COUNT = 12


def body(number):
    return f"Subject: damage {number}\r\n\r\nmarker-{number}-end {'x' * 2000}\r\n".encode()


def numbers(here, count):
    return sorted(int(without_trace(m)[1].split(b"\r\n")[0].rpartition(b" ")[2])
                  for m in read_all(here, BOB, count, 20))


@pytest.fixture
def queued(own):
    """A stopped service whose journal holds messages that reached no mailbox."""
    here = own()
    for role in here.roles("store"):
        os.kill(role.pid, signal.SIGSTOP)
    for n in range(COUNT):
        send(here, body(n), "x@away.example", [BOB])
    here.kill()
    return here


def segment(here):
    """The journal file that holds the messages, and where each begins and ends in it."""
    for path in sorted((here.folder / "state/journal").iterdir()):
        data = path.read_bytes() if path.is_file() else b""
        if b"marker-0-end" in data:
            return path, [(data.index(b"Subject: damage %d\r" % n), data.index(b"marker-%d-end" % n) + 2000)
                          for n in range(COUNT)]
    raise AssertionError("no journal file holds the messages")


def test_an_untouched_journal_is_replayed_whole(queued):
    queued.start()
    assert numbers(queued, COUNT) == list(range(COUNT))


@pytest.mark.parametrize("damaged", [0, 5, COUNT - 1])
def test_a_flipped_bit_costs_one_message(queued, damaged):
    path, places = segment(queued)
    with open(path, "r+b") as f:
        f.seek(places[damaged][0] + 40)
        byte = f.read(1)[0]
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte ^ 1]))
    queued.start()
    whole = [n for n in range(COUNT) if n != damaged]
    assert numbers(queued, COUNT - 1) == whole
    if damaged < COUNT - 1:  # the last looks like one that a power loss cut short
        assert "salvage" in queued.log()


@pytest.mark.parametrize("cut", ["within the last", "within the fifth", "at the start", "to nothing"])
def test_a_truncated_journal_delivers_what_is_left(queued, cut):
    path, places = segment(queued)
    size, whole = {"within the last": (places[-1][1] - 700, COUNT - 1),
                   "within the fifth": (places[4][0] + 3, 4),
                   "at the start": (places[0][0] + 1, 0), "to nothing": (0, 0)}[cut]
    os.truncate(path, size)
    queued.start()
    assert numbers(queued, whole) == list(range(whole))
    send(queued, body(99), "x@away.example", [BOB])
    assert numbers(queued, whole + 1)[-1] == 99


def test_zeros_and_noise_at_the_tail_are_passed_over(queued):
    path, places = segment(queued)
    end = places[-1][1] + 200
    with open(path, "r+b") as f:
        f.seek(end)
        f.write(os.urandom(5000) + bytes(5000))
    queued.start()
    assert numbers(queued, COUNT) == list(range(COUNT))


def test_every_file_of_the_journal_gone_loses_only_the_queue(own):
    here = own()
    send(here, body(1), "x@away.example", [BOB])
    read_all(here, BOB, 1)
    here.kill()
    for path in (here.folder / "state/journal").iterdir():
        if path.is_file():
            path.unlink()
    here.start()
    send(here, body(2), "x@away.example", [BOB])
    assert numbers(here, 2) == [1, 2]


def litter(folder, name):
    """A file, a folder with something in it, a dangling link, a pipe and a dead socket."""
    (folder / f"{name}-file").write_bytes(b"12345\n" + os.urandom(100))
    (folder / f"{name}-folder/deep").mkdir(parents=True)
    (folder / f"{name}-folder/deep/file").write_text("x")
    (folder / f"{name}-link").symlink_to("/nonexistent")
    os.mkfifo(folder / f"{name}-pipe")
    with socket.socket(socket.AF_UNIX) as s:
        os.chdir(folder)  # such addresses are short
        s.bind(f"{name}-socket")


@pytest.mark.parametrize("name", ["garbage", "segment-", "segment-00000009-0123456789abcdef", "spare-",
                                  "lock", "00", "index.db", ".hidden"])
def test_litter_in_the_state_folder_is_no_obstacle(own, name):
    here = own()
    send(here, body(1), "x@away.example", [BOB])
    read_all(here, BOB, 1)
    here.kill()
    state = here.folder / "state"
    for folder in [state, *[p for p in state.iterdir() if p.is_dir()]]:
        litter(folder, name)
    here.start()
    assert numbers(here, 1) == [1]
    send(here, body(2), "x@away.example", [BOB])
    assert numbers(here, 2) == [1, 2]


@pytest.mark.parametrize("path", ["lock", "journal/lock", "accounts/lock"])
def test_a_lock_file_is_never_a_reason_not_to_start(own, path):
    here = own()
    here.kill()
    lock = here.folder / "state" / path
    assert lock.exists()
    lock.write_text(f"{os.getpid()}\n")
    here.start()
    send(here, body(1), "x@away.example", [BOB])
    assert numbers(here, 1) == [1]


@pytest.mark.parametrize("path", ["run/control", "run/sendmail"])
def test_something_else_in_the_place_of_a_socket_is_moved_aside(own, path):
    here = own()
    here.kill()
    place = here.folder / "state" / path
    place.unlink(missing_ok=True)
    place.mkdir()
    (place / "file").write_text("somebody's")
    here.start()
    here.run("status")
    assert "salvage" in here.log()


def account_folders(here):
    return [p.parent for p in (here.folder / "state/accounts").glob("*/*/index.db")]


@pytest.mark.parametrize("damage", ["noise", "nothing", "gone", "truncated"])
def test_a_damaged_index_is_made_anew_from_the_messages(own, damage):
    here = own()
    for n in range(5):
        send(here, body(n), "x@away.example", [BOB])
    read_all(here, BOB, 5)
    assert here.stop() == 0
    folders = account_folders(here)
    assert folders
    for folder in folders:
        for path in folder.glob("index.db*"):
            if damage == "gone":
                path.unlink()
            elif damage == "nothing":
                path.write_bytes(b"")
            elif damage == "truncated":
                os.truncate(path, path.stat().st_size // 2)
            else:
                path.write_bytes(os.urandom(path.stat().st_size))
    here.start()
    assert numbers(here, 5) == list(range(5))
    send(here, body(7), "x@away.example", [BOB])
    assert numbers(here, 6) == [0, 1, 2, 3, 4, 7]


def directory_files(here):
    return [p for p in (here.folder / "state/directory").iterdir() if p.is_file() and "lock" not in p.name]


def test_a_damaged_directory_goes_on_from_its_copy(own):
    here = own()
    send(here, body(1), "x@away.example", [BOB])
    read_all(here, BOB, 1)
    assert here.stop() == 0
    (here.folder / "state/directory/directory.db").write_bytes(os.urandom(4096))
    here.start()
    assert "salvage" in here.log()
    send(here, body(2), "x@away.example", [BOB])
    assert numbers(here, 2) == [1, 2]


def test_a_directory_beyond_rescue_refuses_for_now(own):
    here = own()
    send(here, body(1), "x@away.example", [BOB])
    read_all(here, BOB, 1)
    assert here.stop() == 0
    kept = {p: p.read_bytes() for p in directory_files(here)}
    for path in kept:
        path.write_bytes(os.urandom(4096))
    here.start()
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.say("MAIL FROM:<x@away.example>")
        assert smtp.say(f"RCPT TO:<{BOB}>").startswith("4"), "its mailboxes are not known to be gone"
    here.kill()
    for path, data in kept.items():
        path.write_bytes(data)
    here.start()
    assert numbers(here, 1) == [1]


def test_check_finds_and_repairs_damage(own):
    here = own()
    for n in range(5):  # each in a flush of its own
        send(here, body(n), "x@away.example", [BOB])
        read_all(here, BOB, n + 1)
    assert here.stop() == 0
    assert here.run("check", BOB).returncode == 0
    pack = next(p for folder in account_folders(here) for p in folder.glob("pack-*")
                if b"marker-0-end" in p.read_bytes())
    data = bytearray(pack.read_bytes())
    data[data.index(b"marker-0-end") + 20] ^= 1
    pack.write_bytes(data)
    assert here.run("check", BOB, check=False).returncode != 0
    here.run("check", BOB, "--repair", check=False)
    here.start()
    wait_until(lambda: len(numbers(here, 0)) >= 4)
    assert set(numbers(here, 0)) >= {1, 2, 3, 4}
