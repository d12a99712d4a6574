"""The services the tests share. Each is started once and stopped by its own process id."""
import os
import pathlib
import sys

import pytest

for folder in ("e2e", "crash"):
    sys.path.insert(0, str(pathlib.Path(__file__).parent / folder))

import service as services  # noqa: E402
from world import World  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--large", type=int, default=5000, help="messages of the large mailbox")
    parser.addoption("--accounts", type=int, default=500, help="accounts added in bulk")
    parser.addoption("--cycles", type=int, default=40, help="kills of the crash test")
    parser.addoption("--outward", type=int, default=400, help="messages of the crash test outward")
    parser.addoption("--seed", type=int, default=1, help="of their moments")


def stop_well(service):
    assert service.stop() == 0, service.log()


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    service = services.demo(tmp_path_factory.mktemp("demo"))
    service.start()
    yield service
    stop_well(service)


@pytest.fixture(scope="session")
def here(tmp_path_factory):
    """here.example with ana and bob; tests that fill a mailbox make one with here.new_account()."""
    service = services.configured(tmp_path_factory.mktemp("here"))
    yield services.with_accounts(service, "ana", "bob")
    stop_well(service)


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A service and the servers it sends mail to; no test may have found a breach of the protocol."""
    made = World(tmp_path_factory.mktemp("world")).start()
    yield made
    status = made.stop()
    assert status == 0, made.service.log()[-3000:]
    assert made.complaints() == []


@pytest.fixture
def own(tmp_path):
    """For tests that stop, kill or configure: own(limits={...}, more="...") with ana and bob."""
    made = []

    def make(**options):
        made.append(services.configured(tmp_path / f"own{len(made)}", **options))
        return services.with_accounts(made[-1], "ana", "bob")

    make.made = made
    yield make
    for service in made:
        if service.process is not None:
            stop_well(service)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of the log of every service that a failed test has used."""
    report = (yield).get_result()
    if report.when != "call" or not report.failed:
        return
    for name, value in item.funcargs.items():
        for service in getattr(value, "made", [getattr(value, "service", value)]):
            if isinstance(service, services.Service):
                report.sections.append((f"log of {name}", service.log()[-2500:]))


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
