"""The steps of README.md, typed as a newcomer types them, in their order."""
import os
import re

import pytest

import service as services
from service import BUILD, PORTS, ROOT, type_at_terminal
from wire import read_all

ANA, LUIS = "ana@demo.example", "luis@demo.example"


def steps():
    """The commands of the section that begins after `make run`."""
    section = (ROOT / "README.md").read_text().partition("## First steps")[2].partition("\n## ")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """As nobody has used it before."""
    service = services.demo(tmp_path_factory.mktemp("newcomer"))
    service.start()
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="module")
def environ(demo, tmp_path_factory):
    bin_folder = tmp_path_factory.mktemp("bin")
    (bin_folder / "sendmail").symlink_to(BUILD / "valija")
    return {**os.environ, "VALIJA_CONF": str(demo.config), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
            "PATH": f"{bin_folder}:{os.environ['PATH']}", "HOME": str(demo.folder)}


def with_ports(command, ports):
    """A demo of ours has other ports than 2000 + N, and the build may be elsewhere."""
    usual = {2000 + number: ports[name] for name, number in PORTS.items()}
    command = re.sub(r":(\d+)\b", lambda port: f":{usual.get(int(port[1]), port[1])}", command)
    return command.replace("build/sendmail", "sendmail").replace("build/", f"{BUILD}/")


@pytest.mark.parametrize("step", steps())
def test_step(demo, environ, step):
    before = {a: len(read_all(demo, a)) for a in (ANA, LUIS)}
    if step.startswith("curl"):
        read_all(demo, ANA, 1)  # the newcomer is slower than the test
    status, shown = type_at_terminal(with_ports(step, demo.ports), demo.accounts[ANA], environ)
    assert status == 0, shown
    if step.startswith("build/valija"):
        assert demo.accounts[ANA] not in shown  # typed the moment it is asked for, yet not echoed
    reader = re.search(r"--to (\S+)|sendmail (\S+)", step)
    if reader:
        address = reader[1] or reader[2]
        read_all(demo, address, before[address] + 1)
    if step.startswith("curl"):
        assert f"Delivered-To: {ANA}" in shown


def test_readme_has_its_steps():
    assert len(steps()) >= 6
