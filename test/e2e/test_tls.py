"""Certificates by name, taken over at a reload; the private key in one process only."""
import os
import socket
import ssl
import subprocess

import pytest

import service as services
from conftest import as_root
from wire import Pop3, Smtp


def peer_name(here, protocol, name, context=None):
    """The first name of the certificate that a client asking for `name` is shown."""
    with socket.create_connection((here.host, here.ports[protocol]), 10) as plain:
        with (context or services.trusting_nobody()).wrap_socket(plain, server_hostname=name) as s:
            return certificate_name(s.getpeercert(True))


def certificate_name(der):
    shown = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt",
                            "multiline,-lname,-align"], input=der, capture_output=True, check=True)
    return shown.stdout.decode().strip().rpartition("=")[2].strip()


@pytest.fixture
def two_names(own, tmp_path):
    certificate, key = services.make_certificate(tmp_path, "mail.other.example")
    return own(more=f"tls mail.other.example certificate {certificate} key {key}\n")


@pytest.mark.parametrize("protocol", ["submissions", "pop3s"])
def test_each_name_has_its_certificate(two_names, protocol):
    assert peer_name(two_names, protocol, "mail.other.example") == "mail.other.example"
    assert peer_name(two_names, protocol, "mx.here.example") == "mx.here.example"
    assert peer_name(two_names, protocol, "unknown.example") == "mx.here.example"
    assert peer_name(two_names, protocol, None) == "mx.here.example"


def test_starttls_knows_names_too(two_names):
    with Smtp(two_names) as smtp:
        smtp.ehlo()
        assert smtp.say("STARTTLS").startswith("220")
        smtp.wrap(name="mail.other.example")
        assert certificate_name(smtp.sock.getpeercert(True)) == "mail.other.example"


def test_a_client_that_checks_is_content(here):
    context = ssl.create_default_context(cafile=here.certificate)
    assert peer_name(here, "submissions", "mx.here.example", context) == "mx.here.example"


@pytest.mark.parametrize("version, works", [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_versions(here, version, works):
    context = services.trusting_nobody()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    if works:
        assert peer_name(here, "pop3s", None, context)
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            peer_name(here, "pop3s", None, context)


def test_a_reload_brings_the_new_certificate_and_keeps_sessions(own, tmp_path):
    here = own()
    config = here.config.read_text()
    new, key = services.make_certificate(tmp_path, "renewed.example")
    with Smtp(here, "submissions") as smtp, Pop3(here, "pop3s") as pop3:
        smtp.ehlo()
        assert pop3.login("bob@here.example").startswith("+OK")
        here.config.write_text("\n".join(
            f"tls mx.here.example certificate {new} key {key}" if line.startswith("tls ") else line
            for line in config.splitlines()) + "\n")
        here.reload()
        services.wait_until(lambda: peer_name(here, "submissions", None) == "renewed.example",
                            what="the new certificate")
        assert smtp.say("NOOP").startswith("250")
        assert pop3.say("STAT").startswith("+OK")
    assert peer_name(here, "pop3s", None) == "renewed.example"


def test_a_reload_of_a_broken_configuration_changes_nothing(own):
    here = own()
    good = here.config.read_text()
    here.config.write_text(good + "nonsense\n")
    here.reload()
    assert peer_name(here, "submissions", None) == "mx.here.example"
    assert f"{here.config}:" in here.log() and "nonsense" in here.log()
    here.config.write_text(good)


def test_plain_bytes_on_a_tls_port_end_the_connection(here):
    for protocol in ("submissions", "pop3s"):
        with socket.create_connection((here.host, here.ports[protocol]), 10) as s:
            s.sendall(b"EHLO client.example\r\n" * 3)
            s.settimeout(5)
            try:
                while s.recv(4096):
                    pass
            except ConnectionResetError:
                pass


def private_scalar(key):
    """The 32 bytes that nobody but `keys` may know."""
    text = subprocess.run(["openssl", "ec", "-in", key, "-noout", "-text"], capture_output=True,
                          text=True, check=True).stdout
    digits = text.partition("priv:")[2].partition("pub:")[0]
    return bytes.fromhex("".join(digits.split()).replace(":", ""))[-32:]


def memory_holds(pid, wanted):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights, *rest = line.split()
            if "r" not in rights or rest[-1:] in (["[vvar]"], ["[vsyscall]"]):
                continue
            begin, end = (int(x, 16) for x in span.split("-"))
            try:
                memory.seek(begin)
                found = memory.read(end - begin)
            except OSError:
                continue
            if any(w in found for w in wanted):
                return True
    return False


@as_root
def test_the_private_key_is_in_keys_only(here):
    for protocol in ("submissions", "pop3s", "submission"):
        if protocol == "submission":
            with Smtp(here, protocol) as smtp:
                smtp.ehlo()
                smtp.starttls()
        else:
            peer_name(here, protocol, None)
    scalar = private_scalar(here.certificate.with_suffix(".key"))
    wanted = [scalar, scalar[::-1]]  # as in files, and as OpenSSL's numbers lie in memory
    holders = {role.name for role in here.roles() if memory_holds(role.pid, wanted)}
    assert holders == {"keys"}
    assert not memory_holds(here.parent_pid(), wanted)
    for pid in here.pids():
        assert scalar not in services.read_proc(pid, "environ")
    assert os.path.exists(here.certificate)
