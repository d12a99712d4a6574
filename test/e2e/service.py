"""A valija of one's own on loopback: started, asked, killed and stopped by tests and benchmarks."""
import json
import os
import pathlib
import pty
import random
import select
import shutil
import signal
import socket
import ssl
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VALIJA_BUILD", ROOT / "build")).resolve()
PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "pop3": 110, "pop3s": 995}
START_SECONDS = 15
STOP_SECONDS = 40


class Trouble(Exception):
    """The service did not do what everything else here needs."""


def wait_until(check, seconds=10, what="it"):
    """The first true value of check(), asked again and again."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise Trouble(f"{what} did not happen within {seconds} s")
        time.sleep(0.01)


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port_base():
    """A base below the ports the kernel hands out by itself, all of whose ports are free."""
    while True:
        base = random.randrange(10000, 31000)
        if all(is_free(base + n) for n in PORTS.values()):
            return base


def make_certificate(folder, name, *more):
    """A self-signed certificate and its key, as paths."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    names = ",".join(f"DNS:{n}" for n in (name, *more))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "30", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName={names}", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


class Role:
    def __init__(self, name, index, pid):
        self.name, self.index, self.pid = name, index, pid

    def __repr__(self):
        return f"{self.name}[{self.index}]={self.pid}"


def read_proc(pid, name):
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def children_of(pid):
    found = []
    for task in pathlib.Path("/proc").iterdir():
        if task.name.isdigit():
            status = read_proc(task.name, "stat").rpartition(b")")[2].split()
            if len(status) > 1 and int(status[1]) == pid and status[0] != b"Z":
                found.append(int(task.name))
    return found


class Service:
    """`command` is what follows the name of the program; `config` is the file other verbs name."""

    def __init__(self, folder, command, config, ports, user=None, environ=None, program=None):
        self.folder, self.command, self.config = pathlib.Path(folder), command, config
        self.ports, self.user, self.environ = ports, user, dict(environ or {})
        self.program = program or BUILD / "valija"
        self.log_path = self.folder / "log"
        self.host = "127.0.0.1"
        self.accounts = {}
        self.certificate = None
        self.process = self.notify = None
        self.spare = 0

    # Life

    def argv(self, *words):
        as_user = ["setpriv", "--reuid", self.user, "--regid", str(gid_of(self.user)),
                   "--clear-groups", "--"] if self.user else []
        return [*as_user, str(self.program), *map(str, words)]

    def environment(self):
        environ = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k != "LANG"}
        return {**environ, "HOME": str(self.folder), **self.environ}

    def start(self, wait=True):
        """Returns the milliseconds until READY=1, or None where nobody waited for it."""
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(path))
        self.notify.settimeout(0.05)
        path.chmod(0o666)
        begin = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.argv(*self.command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**self.environment(), "NOTIFY_SOCKET": str(path)}, cwd=self.folder)
        return self.wait_ready(begin) if wait else None

    def wait_ready(self, begin):
        while time.monotonic() < begin + START_SECONDS:
            try:
                if b"READY=1" in self.notify.recv(4096):
                    return (time.monotonic() - begin) * 1000
            except socket.timeout:
                if self.process.poll() is not None:
                    break
        raise Trouble(f"the service did not start (exit {self.process.poll()}):\n{self.log()[-3000:]}")

    def stop(self):
        """Stops in order and returns the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Trouble(f"the service did not stop:\n{self.log()[-3000:]}")
        self.process = None
        return status

    def kill(self):
        """Ends every process at once, the parent first, so that nobody is replaced."""
        everyone = [self.process.pid, *self.pids()]
        for pid in everyone:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def reload(self):
        """SIGHUP, until it is taken over."""
        seen = self.log().count(" reload ")
        os.kill(self.parent_pid(), signal.SIGHUP)
        wait_until(lambda: self.log().count(" reload ") > seen, what="the reload")
        time.sleep(0.1)  # the roles have theirs when they have read it

    # What runs

    def pids(self):
        """Everything the service has started, however deep."""
        found, new = [], children_of(self.process.pid) if self.process else []
        while new:
            found += new
            new = [child for pid in new for child in children_of(pid)]
        return found

    def roles(self, name=None):
        """The running roles: valija-PROGRAM NAME INDEX."""
        found = []
        for pid in self.pids():
            words = read_proc(pid, "cmdline").split(b"\0")
            if len(words) >= 3 and words[2].isdigit():
                found.append(Role(words[1].decode(), int(words[2]), pid))
        return [r for r in found if name in (None, r.name)]

    def parent_pid(self):
        """`valija serve` itself, or the parent it waits for."""
        for pid in [self.process.pid, *self.pids()]:
            if b"valija-parent" in read_proc(pid, "cmdline").split(b"\0")[0]:
                return pid
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # The command

    def run(self, *words, stdin="", check=True, options=()):
        done = subprocess.run(self.argv("-c", self.config, *options, *words), input=stdin,
                              capture_output=True, text=True, timeout=120, cwd=self.folder,
                              env=self.environment())
        if check and done.returncode != 0:
            raise Trouble(f"valija {' '.join(map(str, words))}: exit {done.returncode}\n"
                          f"{done.stdout}{done.stderr}")
        return done

    def json(self, *words):
        """What a verb prints with --json: an object, or a list of them."""
        lines = self.run(*words, options=["--json"]).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def add_account(self, address, password, *more):
        self.run("account", "add", address, *more, "--password-stdin", stdin=password + "\n")
        self.accounts[address] = password
        return address

    def new_account(self, *more):
        """An account nobody else uses."""
        self.spare += 1
        domain = next(iter(self.accounts)).partition("@")[2]
        return self.add_account(f"spare{self.spare}@{domain}", f"Secret-{self.spare}", *more)


def gid_of(user):
    import pwd
    return pwd.getpwnam(user).pw_gid


def open_to(user, folder):
    """A folder of the user's own, and a copy of the programs where they can reach it."""
    shutil.chown(folder, user, gid_of(user))
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    for path in BUILD.glob("valija*"):
        if path.is_file():
            shutil.copy2(path, programs)
    for path in folder.parents:
        if path.stat().st_mode & 0o001 == 0 and str(path).startswith("/tmp/"):
            path.chmod(path.stat().st_mode | 0o011)
    return programs / "valija"


def demo(folder, user=None, environ=None):
    """`valija demo`, with its two accounts. Not started yet."""
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    base = free_port_base()
    program = open_to(user, folder) if user else None
    place = folder / "demo"
    s = Service(folder, ["demo", "--dir", place, "--port-base", base], place / "valija.conf",
                {name: base + n for name, n in PORTS.items()}, user, environ, program)
    start = s.start

    def start_and_read(wait=True):
        ms = start(wait)
        if wait:
            facts = json.loads((place / "demo.json").read_text())
            s.accounts.update({a["address"]: a["password"] for a in facts["accounts"]})
            s.certificate = facts["certificate"]
        return ms

    s.start = start_and_read
    return s


LIMITS = {"login_delay_seconds": 0, "sessions_per_address": 10000, "errors_per_session": 100,
          "reserve_bytes": 0, "scram_plus": 1, "sender_domain_check": 0}


def configured(folder, limits=(), more="", domain="here.example", user=None, environ=None):
    """`valija serve` for one domain, mx.DOMAIN its name, with no account yet. Not started yet."""
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    base = free_port_base()
    program = open_to(user, folder) if user else None
    config, state, host = folder / "valija.conf", folder / "state", f"mx.{domain}"
    certificate, key = make_certificate(folder, host)
    lines = [f"hostname {host}", f"state {state}",
             f"tls {host} certificate {certificate} key {key}"]
    lines += [f"listen {name} 127.0.0.1:{base + n}" for name, n in PORTS.items()]
    lines += [f"limit {name} {value}" for name, value in {**LIMITS, **dict(limits)}.items()]
    config.write_text("\n".join(lines) + "\n" + more)
    if user:
        for path in (certificate, key, config):
            shutil.chown(path, user)
    s = Service(folder, ["-c", config, "serve"], config,
                {name: base + n for name, n in PORTS.items()}, user, environ, program)
    s.certificate = certificate
    return s


def with_accounts(service, *names, domain="here.example"):
    """Starts it and makes accounts whose password is NAME-secret."""
    service.start()
    service.run("domain", "add", domain)
    for name in names:
        service.add_account(f"{name}@{domain}", f"{name}-secret")
    return service


def trusting_nobody():
    """Our certificates sign themselves; what is tested is not the client's trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def type_at_terminal(command, password, environ, seconds=30):
    """Runs it on a terminal and types the password whenever a line that ends in a colon waits."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve("/bin/sh", ["sh", "-c", command], environ)
    seen, answered = b"", 0
    while select.select([terminal], [], [], seconds)[0]:
        try:
            got = os.read(terminal, 65536)
        except OSError:  # the last of its users has gone
            break
        seen += got
        prompt = len(seen.rstrip(b" "))
        if seen[:prompt].endswith(b":") and prompt > answered:  # its last space may come later
            os.write(terminal, password.encode() + b"\n")
            answered = prompt
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode(errors="replace")
