#!/usr/bin/python3
"""Kills roles while mail pours in, again and again; then every acknowledged message must be in its
mailboxes exactly once, every other one at most once, and each byte for byte as it was sent.

usage: test/crash/crash.py [--cycles N] [--seed N] [--folder DIR]
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import service as services  # noqa: E402
from wire import Smtp, open_mailbox, retrieve, without_trace  # noqa: E402

SENDERS = 4
MAILBOXES = ["bob@here.example", "ana@here.example"]
ROLES = ["mx", "access", "keys", "accounts", "guard", "queue", "store", "resolver", "trace", "courier"]
CYCLES_BETWEEN_CHECKS = 25
SETTLE_SECONDS = 30


class Lost(Exception):
    """What must never happen."""


def message(number):
    """Reproducible, of very different sizes; some are too large for a frame between processes."""
    chance = random.Random(number)
    size = chance.choice([0, 10, 500, 4000, 4000, 20_000, 70_000])
    text = chance.randbytes(size // 2).hex()
    lines = [text[i:i + 76] for i in range(0, len(text), 76)]
    return "\r\n".join([f"Subject: crash {number}", "", *lines, ""]).encode()


def recipients(number):
    """Every third message has two mailboxes."""
    return MAILBOXES if number % 3 == 0 else [MAILBOXES[number % 2]]


class Senders:
    """Clients that send numbered messages and note which were acknowledged."""
    protocol, sender = "smtp", "x@away.example"

    def __init__(self, service):
        self.service, self.lock = service, threading.Lock()
        self.next, self.sent, self.acknowledged = 0, set(), set()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(SENDERS)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            if thread.is_alive():
                raise Lost("a client hangs: it gets neither a reply nor an end")

    def number(self):
        with self.lock:
            self.next += 1
            return self.next

    def recipients(self, number):
        return recipients(number)

    def is_welcome(self, smtp):
        return smtp.greeting and smtp.greeting.startswith("220") and smtp.ehlo()

    def run(self):
        while not self.stopping.is_set():
            try:
                with Smtp(self.service, self.protocol) as smtp:
                    if self.is_welcome(smtp):
                        self.talk(smtp)
            except OSError:
                pass
            time.sleep(0.01)

    def talk(self, smtp):
        """Until something goes wrong; what was not acknowledged is never sent again."""
        while not self.stopping.is_set():
            number = self.number()
            to = self.recipients(number)
            smtp.send(f"MAIL FROM:<{self.sender}>\r\n" + "".join(f"RCPT TO:<{r}>\r\n" for r in to))
            replies = [smtp.reply() for _ in range(1 + len(to))]
            if None in replies:
                return
            if not all(r.startswith("250") for r in replies):
                smtp.say("RSET")  # a role behind is being replaced
                time.sleep(0.02)
                continue
            self.hand_over(smtp, number)

    def hand_over(self, smtp, number):
        if number % 5 == 0:
            smtp.send(b"BDAT %d LAST\r\n" % len(message(number)) + message(number))
        else:
            if not (smtp.say("DATA") or "").startswith("354"):
                raise ConnectionError
            smtp.send(message(number) + b".\r\n")
        self.sent.add(number)
        reply = smtp.reply()
        if reply is None:
            raise ConnectionError
        if reply.startswith("250"):
            self.acknowledged.add(number)
        else:
            time.sleep(0.02)


class Crash:
    def __init__(self, folder, seed, service=None):
        self.chance = random.Random(seed)
        self.service = service or services.with_accounts(
            services.configured(folder), *[m.partition("@")[0] for m in MAILBOXES])
        self.kills = self.checked = 0

    def strike(self):
        """One role, every role of a kind, the parent, or everything, at a random instant. Says which, and from
        when until when they died."""
        time.sleep(self.chance.uniform(0, 0.15))
        kind = self.chance.choice(["role"] * 6 + ["kind"] * 2 + ["parent", "all"])
        name = self.chance.choice(ROLES) if kind in ("role", "kind") else kind
        self.kills, begin = self.kills + 1, time.monotonic()
        if kind == "all":
            self.service.kill()
        elif kind == "parent":
            os.kill(self.service.parent_pid(), signal.SIGKILL)
            self.service.process.wait()
        else:
            self.end(self.service.roles(name)[:1 if kind == "role" else None])
        end = time.monotonic()
        if kind in ("all", "parent"):
            self.service.start()
        return name, begin, end

    @staticmethod
    def end(victims):
        for role in victims:
            try:
                os.kill(role.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def cycles(self, count):
        while count > 0:
            group = min(count, CYCLES_BETWEEN_CHECKS)
            senders = Senders(self.service)
            senders.next = self.checked
            senders.start()
            for _ in range(group):
                self.strike()
            time.sleep(0.2)
            senders.stop()
            self.check(senders)
            self.checked = senders.next
            count -= group

    def queue_is_empty(self):
        done = self.service.run("queue", "list", options=["--json"], check=False)
        return done.returncode == 0 and not done.stdout.strip()

    def settle(self):
        services.wait_until(self.queue_is_empty, SETTLE_SECONDS, "the queue's end")

    def check(self, senders):
        self.settle()
        for mailbox in MAILBOXES:
            expected = {n for n in senders.acknowledged if mailbox in recipients(n)}
            found = self.empty(mailbox)
            twice = {n for n in found if found.count(n) > 1}
            if twice or expected - set(found) or set(found) - senders.sent:
                raise Lost(f"{mailbox}: lost {sorted(expected - set(found))}, "
                           f"twice {sorted(twice)}, never sent {sorted(set(found) - senders.sent)}")
        if not senders.acknowledged:
            raise Lost("no message was accepted at all")
        print(f"{self.kills} kills: {len(senders.acknowledged)} of {len(senders.sent)} messages "
              "acknowledged, each there once", flush=True)

    def empty(self, mailbox):
        """The numbers of all messages, each of which is compared and then deleted."""
        box = open_mailbox(self.service, mailbox)
        found = []
        for i in range(box.stat()[0]):
            body = without_trace(retrieve(box, i + 1))[1]
            number = int(re.match(rb"Subject: crash (\d+)\r\n", body).group(1))
            if body != message(number):
                raise Lost(f"message {number} is not what was sent")
            found.append(number)
            box.dele(i + 1)
        box.quit()
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", help="kept afterwards; a temporary one otherwise")
    options = parser.parse_args()
    folder = options.folder or tempfile.mkdtemp(prefix="valija-crash-")
    os.chmod(folder, 0o755)
    print(f"seed {options.seed}, folder {folder}", flush=True)
    crash = Crash(pathlib.Path(folder), options.seed)
    try:
        crash.cycles(options.cycles)
    finally:
        if crash.service.process:
            crash.service.stop()
    if not options.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
