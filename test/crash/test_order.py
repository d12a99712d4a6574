"""Write, sync, answer: read off the system calls of the running queue, for each message."""
import re
import subprocess

from conftest import as_root
from ipc import frames
from service import wait_until
from wire import Smtp, read_all

BOB = "bob@here.example"
MESSAGES = 40
CALLS = "recvmsg,sendmsg,pwritev,pwritev2,pwrite64,fdatasync,fsync"
CALL = re.compile(r"(\w+)\((\d+)(.*)\) += (-?\d+)")
RESUMED = re.compile(r"<\.\.\. \w+ resumed>")


def whole_calls(lines):
    """Calls of several threads come in two pieces where they overlap. An answer counts from its beginning,
    everything else once it has returned."""
    begun = {}
    for line in lines:
        thread, _, text = line.partition(" ")
        text = text.lstrip()
        if text.endswith("<unfinished ...>"):
            text = text[:-len("<unfinished ...>")].rstrip()
            if text.startswith("sendmsg"):
                yield text + ") = 0"
            else:
                begun[thread] = text
        elif RESUMED.match(text):
            if thread in begun:
                yield begun.pop(thread) + RESUMED.sub("", text, count=1)
        else:
            yield text


def text_bytes(arguments):
    """All bytes that a call's strings hold; strace -xx writes each as \\xHH."""
    return bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]{2})", arguments)))


class Watch:
    """What is known about each message, by the marker in its body."""

    def __init__(self):
        self.asked, self.unsynced, self.synced = {}, {}, set()
        self.answered, self.wrong = set(), []

    def take(self, call, fd, data, result):
        if call == "recvmsg":
            for serial, _, frame in frames(data):
                for marker in re.findall(rb"order-\d+-end", frame):
                    self.asked[fd, serial] = marker
        elif call.startswith("pwrite"):
            for marker in re.findall(rb"order-\d+-end", data):
                self.unsynced.setdefault(fd, set()).add(marker)
        elif call in ("fdatasync", "fsync"):
            if result == 0:
                self.synced |= self.unsynced.pop(fd, set())
        elif call == "sendmsg":
            for serial, is_answer, _ in frames(data):
                self.answer(self.asked.pop((fd, serial), None) if is_answer else None)

    def answer(self, marker):
        if marker:
            self.answered.add(marker)
            if marker not in self.synced:
                self.wrong.append(marker)


@as_root
def test_no_answer_before_its_record_is_synced(own, tmp_path):
    here = own()
    queue, = here.roles("queue")
    out = tmp_path / "calls"
    tracer = subprocess.Popen(["strace", "-f", "-xx", "-s", "70000", "-e", f"trace={CALLS}", "-o", out,
                               "-p", str(queue.pid)], stderr=subprocess.PIPE, text=True)
    assert "attached" in tracer.stderr.readline()
    connections = [Smtp(here) for _ in range(4)]
    for smtp in connections:
        smtp.ehlo()
    for n in range(0, MESSAGES, len(connections)):
        for i, smtp in enumerate(connections):  # at the same time: they share a sync
            smtp.envelope("x@away.example", BOB)
            assert smtp.say("DATA").startswith("354")
        for i, smtp in enumerate(connections):
            smtp.send(f"Subject: order-{n + i}-end\r\n\r\n{'x' * 1000}\r\n.\r\n")
        assert all(smtp.reply().startswith("250") for smtp in connections)
    read_all(here, BOB, MESSAGES)
    tracer.terminate()
    tracer.wait()
    watch = Watch()
    for text in whole_calls(out.read_text().splitlines()):
        parts = CALL.match(text)
        if parts:
            watch.take(parts[1], int(parts[2]), text_bytes(parts[3]), int(parts[4]))
    assert len(watch.answered) == MESSAGES
    assert watch.wrong == []
    for smtp in connections:
        smtp.sock.close()
