"""Other people's mail servers, the real ones, as Debian has them: Postfix and Exim, each with a configuration, a queue
and mailboxes of its own in one folder. Root only: both change users. Not the system's own service, which is
never touched."""
import grp
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess

import service as services
from service import wait_until

START_SECONDS = 20
MASTER = "/usr/lib/postfix/sbin/master"
EXIM = services.BUILD / "exim/usr/sbin/exim4"
MAIL_USER = "nobody"  # whose the mailboxes are

POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
mailbox_size_limit = 0
smtpd_client_connection_count_limit = 0
local_header_rewrite_clients =
smtp_dns_support_level = disabled
"""

# Its services, all outside any chroot: those that wait for connections, then the one at our own address.
POSTFIX_SERVICES = """
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
{host}:{port} inet n - n - - smtpd
"""

EXIM_CONFIGURATION = """
exim_path = {exim}
exim_user = {user}
exim_group = {group}
spool_directory = {folder}/queue
log_file_path = {folder}/%s.log
pid_file_path = {folder}/exim.pid
primary_hostname = mx.{domain}
domainlist local_domains = {domain}
local_interfaces = {host}
daemon_smtp_ports = {port}
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
chunking_advertise_hosts = *
smtp_accept_queue_per_connection = 0
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
{tls}
keep_environment =
host_lookup =
rfc1413_hosts =
never_users =
begin acl
rcpt:
  accept domains = +local_domains
         local_parts = {names}
  deny domains = +local_domains
       message = User unknown
  deny message = relay not permitted
begin routers
local:
  driver = accept
  local_parts = {names}
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = {folder}/mail/$local_part_data
  maildir_format
  create_directory
  delivery_date_add = false
  envelope_to_add = false
  return_path_add
  user = {user}
  group = {group}
begin retry
* * F,1h,1m
"""

# Exim has the name of its user built in: it gets it, where only it sees it.
EXIM_WRAPPER = """#!/bin/sh
[ "$INSIDE" ] || INSIDE=yes exec unshare --mount "$0"
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/group /etc/group
exec {exim} -C {folder}/exim.conf -bdf
"""


def has_ended(pid):
    """Also where nobody has asked how."""
    return services.read_proc(pid, "stat").rpartition(b")")[2].split()[:1] in ([], [b"Z"])


class Server:
    """At an address of loopback, for one domain with these mailboxes."""

    def __init__(self, folder, host, port, domain, users=("ana", "bob")):
        self.folder, self.host, self.port = pathlib.Path(folder), host, port
        self.domain, self.users, self.process = domain, users, None
        for name in ("queue", "data", "mail"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for path in [self.folder, *self.folder.parents]:
            if str(path).startswith("/tmp/"):
                path.chmod(path.stat().st_mode | 0o011)
        shutil.chown(self.folder / "mail", MAIL_USER, services.gid_of(MAIL_USER))

    def answers(self):
        assert self.process.poll() is None, self.log()
        try:
            socket.create_connection((self.host, self.port), 1).close()
            return True
        except OSError:
            return False

    def launch(self, *argv):
        with open(self.folder / "out", "ab") as out:
            self.process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, start_new_session=True)
        wait_until(self.answers, START_SECONDS, f"{type(self).__name__} at {self.host}")
        return self

    def stop(self):
        if self.process:
            everyone = self.everyone()
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
            for pid in everyone:  # those of its own that it lets finish
                wait_until(lambda: has_ended(pid), 20, f"the end of {pid}")
            self.process = None

    def everyone(self):
        found, new = [], services.children_of(self.process.pid)
        while new:
            found += new
            new = [child for pid in new for child in services.children_of(pid)]
        return found

    def log(self):
        return "".join(p.read_text(errors="replace") for p in [*self.folder.glob("*log"), self.folder / "out"]
                       if p.exists())

    def files(self, user):
        return sorted((self.folder / "mail" / user / "new").glob("*"))

    def messages(self, user, count=None, seconds=20):
        """What lies in a mailbox, as bytes with CR LF; with a count, once there are so many."""
        wait_until(lambda: len(self.files(user)) >= (count or 0), seconds, f"{count} messages for {user}")
        return [path.read_bytes().replace(b"\n", b"\r\n") for path in self.files(user)]


class Postfix(Server):
    """`more`: further lines of main.cf; `certificate`: it offers STARTTLS and uses it where it can."""

    def configure(self, more="", certificate=None):
        conf = self.folder / "conf"
        conf.mkdir(exist_ok=True)
        if certificate:
            more += (f"smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {certificate[0]}\n"
                     f"smtpd_tls_key_file = {certificate[1]}\nsmtp_tls_security_level = may\n")
        (conf / "main.cf").write_text(POSTFIX.format(
            folder=self.folder, domain=self.domain, uid=pwd.getpwnam(MAIL_USER).pw_uid,
            gid=services.gid_of(MAIL_USER),
            boxes=", ".join(f"{{ {u}@{self.domain} = {u}/ }}" for u in self.users)) + more)
        (conf / "master.cf").write_text(POSTFIX_SERVICES.format(host=self.host, port=self.port))
        shutil.chown(self.folder / "data", "postfix")
        return self

    def start(self):
        subprocess.run(["postfix", "-c", self.folder / "conf", "check"], check=True)  # it makes its folders
        return self.launch(MASTER, "-c", self.folder / "conf", "-s")

    def flush(self):
        """Tries everything in its queue now."""
        subprocess.run(["postqueue", "-c", self.folder / "conf", "-f"], check=True)


class Exim(Server):
    def configure(self, certificate=None):
        tls = (f"tls_advertise_hosts = *\ntls_certificate = {certificate[0]}\ntls_privatekey = {certificate[1]}"
               if certificate else "tls_advertise_hosts =")
        if certificate:
            for path in certificate:
                shutil.chown(path, MAIL_USER)
        uid, gid = pwd.getpwnam(MAIL_USER).pw_uid, services.gid_of(MAIL_USER)
        (self.folder / "exim.conf").write_text(EXIM_CONFIGURATION.format(
            exim=EXIM, folder=self.folder, host=self.host, port=self.port, domain=self.domain, tls=tls,
            names=" : ".join(self.users), user=MAIL_USER, group=grp.getgrgid(gid).gr_name))
        for name, line in (("passwd", f"Debian-exim:x:{uid}:{gid}::/nonexistent:/bin/false"),
                           ("group", f"Debian-exim:x:{gid}:")):
            (self.folder / name).write_text(pathlib.Path(f"/etc/{name}").read_text() + line + "\n")
        wrapper = self.folder / "run"
        wrapper.write_text(EXIM_WRAPPER.format(folder=self.folder, exim=EXIM))
        wrapper.chmod(0o755)
        for path in (self.folder, self.folder / "queue"):
            shutil.chown(path, MAIL_USER, gid)
        return self

    def start(self):
        return self.launch(self.folder / "run")
