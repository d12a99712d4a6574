"""What the processes may do, seen from outside: /proc says it."""
import os
import pathlib
import re

from conftest import as_root
from service import read_proc


def field(pid, name):
    return re.search(rb"^%s:\s+(\S+)" % name.encode(), read_proc(pid, "status"), re.M).group(1)


def test_every_role_is_filtered_and_can_gain_nothing(here):
    for role in here.roles():
        assert field(role.pid, "Seccomp") == b"2", role
        assert field(role.pid, "NoNewPrivs") == b"1", role
    assert field(here.parent_pid(), "Seccomp") == b"2"


@as_root
def test_roles_have_no_capability_and_no_group(here):
    for role in here.roles():
        for name in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            assert int(field(role.pid, name), 16) == 0, (role, name)
        groups = re.search(rb"^Groups:[ \t]*([^\n]*)$", read_proc(role.pid, "status"), re.M).group(1)
        assert groups.strip() == b"", role


def open_files(pid):
    """What each descriptor is, those of standard input, output and error left out."""
    return [os.readlink(fd) for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir() if int(fd.name) > 2]


@as_root
def test_edges_keys_and_guard_hold_no_file(here):
    harmless = ("socket:", "anon_inode:", "/memfd:", "pipe:")
    for role in here.roles():
        if role.name in ("mx", "access", "keys", "guard"):
            files = [f for f in open_files(role.pid) if not f.startswith(harmless)]
            assert files == [], role


@as_root
def test_roles_see_only_their_folder(here):
    state = here.folder / "state"
    for role in here.roles():
        root = os.readlink(f"/proc/{role.pid}/root")
        assert root != "/", role
        if role.name in ("accounts", "queue", "store", "trace"):
            assert root.startswith(str(state)), role


@as_root
def test_the_folders_of_roles_belong_to_them_alone(here):
    for name in ("accounts", "directory", "journal"):
        assert (here.folder / "state" / name).stat().st_mode & 0o077 == 0, name


@as_root
def test_memory_is_never_writable_and_executable(here):
    for role in here.roles():
        for line in read_proc(role.pid, "maps").splitlines():
            assert b" rwx" not in line, role
