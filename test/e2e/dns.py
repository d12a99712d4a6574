"""A DNS of one's own on loopback: nsd with the zones that a test writes as a dict, below a signed root."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import service as services

START_SECONDS = 10
ALGORITHM = "ECDSAP256SHA256"
SOA = "@ 60 IN SOA ns.example. hostmaster.example. 1 3600 600 86400 5\n@ 60 IN NS ns.example.\n"


def labels(zone):
    return [] if zone == "." else zone.split(".")


def parent_of(zone, zones):
    """The nearest zone above that is here too; the root is above all."""
    above = [z for z in zones if z != zone and (z == "." or zone.endswith("." + z))]
    return max(above, key=lambda z: len(labels(z)))


class Dns:
    """zones: {"name.example": "records in zone format, relative names"}, or None for a zone whose
    server fails (SERVFAIL); the SOA and NS records, the delegations and a root above are added. `signed` zones hang on the root by DS records, so all
    between must be signed or served by the root alone. Those in `broken` are signed, and then their
    data is changed."""

    def __init__(self, folder, zones, signed=(), broken=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.zones = {".": "ns.example. 60 IN A 127.0.0.1\n", **zones}
        self.signed = {".", *signed, *broken}
        self.broken = set(broken)
        self.port = self.free_port()
        self.process = None
        self.write()

    @staticmethod
    def free_port():
        """Free for UDP and TCP, and below those that the kernel hands out."""
        while True:
            port = services.free_port_base()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    continue
            if services.is_free(port):
                return port

    @property
    def server(self):
        return f"127.0.0.1:{self.port}"

    @property
    def anchor(self):
        """The root's public key, as a file for `trust-anchor`."""
        return self.folder / "anchor.key"

    @property
    def lines(self):
        """What a configuration needs to ask this DNS and to believe it."""
        return f"resolver {self.server}\ntrust-anchor {self.anchor}\n"

    # Files

    def run(self, *words):
        done = subprocess.run([str(w) for w in words], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise services.Trouble(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def file(self, zone):
        return self.folder / ((zone if zone != "." else "root") + ".zone")

    def write(self):
        """Every zone, the deepest first: who is above needs its DS records."""
        delegations = {zone: "" for zone in self.zones}
        for zone in sorted(self.zones, key=lambda z: -len(labels(z))):
            head = f"$ORIGIN {zone if zone == '.' else zone + '.'}\n$TTL 60\n{SOA}"
            if self.zones[zone] is not None:
                self.file(zone).write_text(head + self.zones[zone].rstrip() + "\n" + delegations[zone])
            link = self.sign(zone) if zone in self.signed else ""
            if zone != ".":
                delegations[parent_of(zone, self.zones)] += f"{zone}. 60 IN NS ns.example.\n{link}"
        self.write_configuration()

    def sign(self, zone):
        """Its DS records, for the zone above."""
        origin = zone if zone == "." else zone + "."
        key = self.run("ldns-keygen", "-a", ALGORITHM, "-k", origin).strip()
        self.run("ldns-signzone", "-o", origin, "-f", f"{self.file(zone)}.signed", self.file(zone), key)
        if zone == ".":
            shutil.copy(self.folder / f"{key}.key", self.anchor)
        if zone in self.broken:
            self.spoil(self.file(zone).with_name(self.file(zone).name + ".signed"))
        return (self.folder / f"{key}.ds").read_text()

    @staticmethod
    def spoil(path):
        """Changes every address and preference, and leaves the signatures."""
        text = re.sub(r"\tA\t127\.0\.0\.\d+", "\tA\t127.0.0.99", path.read_text())
        path.write_text(re.sub(r"\tMX\t\d+", "\tMX\t99", text))

    def write_configuration(self):
        lines = ["server:", "  ip-address: 127.0.0.1", f"  port: {self.port}", "  username: \"\"",
                 "  chroot: \"\"", f"  zonesdir: {self.folder}", f"  pidfile: {self.folder}/nsd.pid",
                 "  database: \"\"", f"  logfile: {self.folder}/nsd.log", "  zonelistfile: zone.list",
                 "  xfrdfile: \"\"", "  cookie-secret-file: \"\"", f"  xfrdir: {self.folder}", "  server-count: 1",
                 "  rrl-ratelimit: 0", "remote-control:", "  control-enable: no"]
        for zone in self.zones:
            name = self.file(zone).name + (".signed" if zone in self.signed else "")
            lines += ["zone:", f"  name: {zone}", f"  zonefile: {name}"]
        (self.folder / "nsd.conf").write_text("\n".join(lines) + "\n")

    # Life

    def start(self):
        log = open(self.folder / "nsd.out", "ab")
        self.process = subprocess.Popen(["nsd", "-d", "-c", self.folder / "nsd.conf"], stdout=log, stderr=log)
        log.close()
        end = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise services.Trouble((self.folder / "nsd.log").read_text()[-3000:])
            time.sleep(0.02)
        return self

    def answers(self):
        """A question for the root's SOA record, by hand."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            try:
                s.connect(("127.0.0.1", self.port))
                s.send(b"\0\1\0\0\0\1\0\0\0\0\0\0\0\0\6\0\1")
                return len(s.recv(4096)) > 12
            except OSError:
                return False

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.process = None

    def change(self, zone, old, new):
        """Text in a zone that is not signed, for all questions from some moment on."""
        path = self.file(zone)
        path.write_text(path.read_text().replace(old, new))
        self.process.send_signal(signal.SIGHUP)

    def pause(self):
        """Takes questions and answers none, until go_on."""
        self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        everyone = [self.process.pid]
        for pid in everyone:
            everyone += services.children_of(pid)
            os.kill(pid, number)
