#!/usr/bin/python3
"""Kills roles while mail passes through to other servers; then these must have every acknowledged message,
byte for byte as it was sent, and twice only what was on its way just when somebody was killed who had to know
that it had arrived. How often that was is shown.

usage: test/crash/outward.py [--messages N] [--kills N] [--seed N] [--postfix] [--folder DIR]
"""
import argparse
import os
import pathlib
import re
import shutil
import tempfile
import time

from crash import Crash, Lost, Senders, message

import real
import service as services
from wire import without_trace
from world import World, spare_address

SENDER = "ana@here.example"
DOMAINS = 5            # d1.there.example and so on
SETTLE_SECONDS = 120
# A server's last word is lost where one of those who carry it to the journal dies while it takes a message, or
# before they have carried it there.
CARRIERS = {"courier", "queue", "parent", "all"}
CARRIED_SECONDS = 0.5
ALWAYS = 0, float("inf")


def addresses(number):
    """Every seventh message goes to two servers, every third to two recipients of one."""
    domain = f"d{1 + number % DOMAINS}.there.example"
    found = [f"r{number}@{domain}"]
    if number % 7 == 0:
        found.append(f"r{number}@d{1 + (number + 1) % DOMAINS}.there.example")
    if number % 3 == 0:
        found.append(f"s{number}@{domain}")
    return found


class UserSenders(Senders):
    """They log in, and stop by themselves after so many messages."""
    protocol, sender = "submission", SENDER

    def __init__(self, service, most, recipients):
        super().__init__(service)
        self.most, self.recipients = most, recipients

    def is_welcome(self, smtp):
        return super().is_welcome(smtp) and (smtp.login(SENDER) or "").startswith("235")

    def number(self):
        number = super().number()
        if number >= self.most:
            self.stopping.set()
        return number


class Scripted:
    """Servers that note which message came for whom, and when they said that they have it."""

    def __init__(self, world):
        self.remotes = [world.serve(spare_address(n + 1), "offers: PIPELINING, 8BITMIME, SIZE", look=self.look)
                        for n in range(DOMAINS)]
        self.spoiled = []

    recipients = staticmethod(addresses)

    def look(self, m):
        m.number = int(re.search(rb"^Subject: crash (\d+)\r\n", m.body, re.M)[1])
        if without_trace(m.body)[1] != message(m.number):
            self.spoiled.append(m.number)
        m.wire = m.body = None

    def arrived(self):
        """(number, recipient) -> from when until when it was taken, each time that it was."""
        found = {}
        for m in (m for remote in self.remotes for m in remote.messages):
            for recipient in m.recipients:
                found.setdefault((m.number, recipient), []).append((m.begun, m.answered))
        return found

    def stop(self):
        pass


class Postfix:
    """The real one, with one mailbox. It tells no moments: so whatever is there twice is excused."""

    def __init__(self, world):
        self.server = real.Postfix(world.folder / "postfix", spare_address(1), world.port, "d1.there.example",
                                   ["box"]).configure().start()
        self.spoiled = []

    @staticmethod
    def recipients(_):
        return ["box@d1.there.example"]

    def arrived(self):
        found = {}
        for data in self.server.messages("box"):
            body = data[re.search(rb"^Subject: crash", data, re.M).start():]
            number = int(re.match(rb"Subject: crash (\d+)", body)[1])
            if re.sub(rb"\A(.*\r\n)((Message-Id|Date|From): .*\r\n)*", rb"\1", body) != message(number):
                self.spoiled.append(number)
            found.setdefault((number, "box@d1.there.example"), []).append(ALWAYS)
        return found

    def stop(self):
        self.server.stop()


class Outward(Crash):
    def __init__(self, folder, seed, receiver=Scripted):
        self.world = World(folder, limits={"smtp_plaintext": 1}, users={"ana": ("en", 0)})
        self.world.start()
        self.receiver = receiver(self.world)
        super().__init__(folder, seed, self.world.service)
        self.struck = []  # what strike said, each time

    def run(self, messages, kills):
        """Kills spread over so many messages, then all of them must be where they belong."""
        senders = UserSenders(self.service, messages, self.receiver.recipients)
        senders.start()
        for n in range(kills):
            while senders.next < n * messages // kills and not senders.stopping.is_set():
                time.sleep(0.001)
            self.struck.append(self.strike())
        while not senders.stopping.is_set():
            time.sleep(0.01)
        senders.stop()
        services.wait_until(self.queue_is_empty, SETTLE_SECONDS, "the queue's end")
        self.compare(senders)

    def is_excused(self, begun, answered):
        """The answer could not be noted any more."""
        return any(begun < end and begin < answered + CARRIED_SECONDS
                   for who, begin, end in self.struck if who in CARRIERS)

    def around(self, begun, answered):
        """Who died not long before or after it."""
        return [(who, round(begin - begun, 2), round(end - begun, 2)) for who, begin, end in self.struck
                if begun - 2 < end and begin < answered + 2]

    def compare(self, senders):
        arrived = self.receiver.arrived()
        expected = {(n, r) for n in senders.acknowledged for r in senders.recipients(n)}
        lost = sorted(expected - set(arrived))
        strange = sorted(n for n, _ in arrived if n not in senders.sent)
        twice = {key: moments for key, moments in arrived.items() if len(moments) > 1}
        inexcusable = sorted(key for key, moments in twice.items()
                             if not all(self.is_excused(*m) for m in sorted(moments)[:-1]))
        for key in inexcusable:
            print(key, [self.around(*m) for m in sorted(twice[key])], flush=True)
        print(f"{self.kills} kills: {len(senders.acknowledged)} of {len(senders.sent)} messages acknowledged, "
              f"{len(expected)} copies expected, {len(arrived)} arrived, {len(twice)} of them more than once",
              flush=True)
        if lost or strange or inexcusable or self.receiver.spoiled:
            raise Lost(f"lost {lost}, never sent {strange}, twice without excuse {inexcusable}, "
                       f"changed {self.receiver.spoiled}")
        if len(senders.acknowledged) < senders.most // 2:
            raise Lost("hardly any message was accepted")

    def stop(self):
        self.world.stop()
        self.receiver.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--postfix", action="store_true", help="to a real Postfix; root only")
    parser.add_argument("--folder", help="kept afterwards; a temporary one otherwise")
    options = parser.parse_args()
    folder = options.folder or tempfile.mkdtemp(prefix="valija-outward-")
    os.makedirs(folder, mode=0o755, exist_ok=True)
    os.chmod(folder, 0o755)
    print(f"seed {options.seed}, folder {folder}", flush=True)
    outward = Outward(pathlib.Path(folder), options.seed, Postfix if options.postfix else Scripted)
    try:
        outward.run(options.messages, options.kills)
    finally:
        outward.stop()
    if not options.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
