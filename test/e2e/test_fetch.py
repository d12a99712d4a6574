"""The fetch role against real web servers: what it brings, what it refuses, and that it runs only when wanted."""
import os
import re
import signal
import time

import pytest

import ipc
import service as services
import web
from conftest import as_root
from service import wait_until
from test_jail import field, open_files

POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: *.site.example\r\nmax_age: 604800\r\n"
HOST = "mta-sts.site.example"
IDLE_SECONDS = 10  # of proc/fetch


def endless_body(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        handler.wfile.write(b"x" * 1000)


def endless_head(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-Field: %s\r\n" % (b"x" * 1000))


def slow(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    time.sleep(web.PATIENCE)


def closing(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")


PAGES = {
    "/policy": (200, "text/plain; charset=utf-8", POLICY),
    "/untyped": (200, None, POLICY),
    "/moved": (301, "text/html", b"elsewhere", ("Location", "/policy")),
    "/cookie": (200, "text/plain", b"", ("Set-Cookie", "a=b"), ("Strict-Transport-Security", "max-age=9999999"),
                ("Alt-Svc", "h2=\":1\"")),
    "/packed": (200, "text/plain", b"\x1f\x8b\x08\x00", ("Content-Encoding", "gzip")),
    "/large": (200, "text/plain", b"x" * 60001),
    "/full": (200, "text/plain", b"x" * 60000),
    "/endless": endless_body,
    "/head": endless_head,
    "/slow": slow,
    "/half": closing,
    "/nothing": lambda handler: None,
    "/garbage": lambda handler: handler.wfile.write(b"\x00\x01\x02 what\r\n\r\n"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return web.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def here(tmp_path_factory, authority):
    """It has proxies in its environment, which must not be heeded."""
    proxies = {name: "http://127.0.0.1:9" for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
    service = services.configured(tmp_path_factory.mktemp("service"), more=f"authorities {authority.file}\n",
                                  environ=proxies)
    service.start()
    yield service
    assert service.stop() == 0, service.log()
    assert "role_died" not in service.log()  # whatever a server did, and though Fetch asks again


@pytest.fixture
def fetch(here):
    asker = web.Fetch(here)
    yield asker
    asker.close()


@pytest.fixture(scope="module")
def site(authority):
    with web.Web(PAGES, authority.sign(HOST)) as server:
        yield server


def url(server, path, host=HOST):
    return f"https://{host}:{server.port}{path}"


@pytest.mark.parametrize("path, status, kind, body", [
    ("/policy", 200, "text/plain; charset=utf-8", POLICY),
    ("/untyped", 200, "", POLICY),
    ("/nowhere", 404, "text/plain", b"there is nothing\n"),
    ("/moved", 301, "text/html", b"elsewhere"),  # rfc8461#3.3-c
    ("/packed", 200, "text/plain", b"\x1f\x8b\x08\x00"),
    ("/full", 200, "text/plain", b"x" * 60000),
])
def test_what_the_server_answers_comes(fetch, site, path, status, kind, body):
    assert fetch(url(site, path)) == ("came", status, kind, body, "")


def test_the_request_tells_nothing_but_what_is_wanted(fetch, site):
    """rfc8461#7.1-a"""
    fetch(url(site, "/cookie"))
    site.requests.clear()
    site.names.clear()
    fetch(url(site, "/policy"))
    path, fields = site.requests.pop()
    assert path == "/policy"
    assert fields.pop("User-Agent").startswith("valija/")
    assert fields == {"Host": f"{HOST}:{site.port}", "Accept": "*/*"}
    assert site.names == [HOST]


@pytest.mark.parametrize("path, options, result", [
    ("/large", {}, "large"),
    ("/policy", {"bytes": 10}, "large"),
    ("/policy", {"bytes": len(POLICY)}, "came"),
    ("/endless", {}, "large"),
    ("/endless", {"bytes": 1 << 31}, "large"),
    ("/head", {}, "large"),
    ("/slow", {"seconds": 1}, "late"),
    ("/half", {}, "failed"),
    ("/nothing", {}, "failed"),
    ("/garbage", {}, "failed"),
])
def test_bytes_and_time_are_bounded(fetch, site, path, options, result):
    """rfc8461#3.3-i"""
    got = fetch(url(site, path), **options)
    assert got.result == result, got
    assert result == "came" or (got.why and got.body == b"")


@pytest.mark.parametrize("host, days, mine, word", [
    ("other.example", 30, True, "name"),
    ("*.mta-sts.site.example", 30, True, "name"),
    (HOST, -1, True, "expired"),
    (HOST, 30, False, "issuer"),
])
def test_a_server_that_proves_nothing_is_not_believed(fetch, authority, tmp_path, host, days, mine, word):
    """rfc8461#3.3-a"""
    signer = authority if mine else web.Authority(tmp_path, "stranger")
    with web.Web(PAGES, signer.sign(host, days)) as server:
        got = fetch(url(server, "/policy"))
    assert got.result == "unproven" and word in got.why, got
    assert server.requests == []


def test_a_wildcard_proves_a_host(fetch, authority):
    with web.Web(PAGES, authority.sign("*.site.example")) as server:
        assert fetch(url(server, "/policy")).body == POLICY


def test_a_server_without_tls_gets_no_request(fetch):
    with web.Web(PAGES) as server:
        assert fetch(url(server, "/policy"), seconds=5).result in ("failed", "late")
    assert server.requests == []


@pytest.mark.parametrize("scheme", ["http", "ftp", "file", "HTTPS//", "user:secret@https"])
def test_nothing_but_https_is_fetched(fetch, site, scheme):
    address = f"{scheme}://{HOST}:{site.port}/policy"
    if "@" in scheme:
        address = f"https://user:secret@{HOST}:{site.port}/policy"
    site.requests.clear()
    assert fetch(address).result == "refused"
    assert site.requests == []


@pytest.mark.parametrize("address", ["", "https://", "https://[::1]/", "https://a b/", "x" * 5000,
                                     "https://a.example/" + "x" * 2048, "https://a.example/\0"])
def test_what_is_no_url_is_refused(fetch, address):
    assert fetch(address).result == "refused"


def test_addresses_are_tried_one_after_the_other(fetch, site):
    assert fetch(url(site, "/policy"), addresses=["127.0.0.9", "::1", "127.0.0.1"]).body == POLICY
    assert fetch(url(site, "/policy"), addresses=["127.0.0.9"]).result == "failed"
    got = fetch(url(site, "/policy"), addresses=[])
    assert (got.result, got.why) == ("refused", "no address is known of its host")


def test_a_name_is_not_looked_up_also_where_it_was_known(fetch, site):
    """Nor is an answer kept for it."""
    assert fetch(url(site, "/policy")).result == "came"
    assert fetch(url(site, "/policy"), addresses=["127.0.0.9"]).result == "failed"
    assert fetch(url(site, "/policy")).result == "came"


def test_many_at_a_time_are_all_answered(fetch, site):
    fetch(url(site, "/policy"))
    sent = {fetch.send(url(site, "/policy" if i % 3 else "/slow"), seconds=web.PATIENCE if i % 3 else 1)
            for i in range(40)}
    got = dict(fetch.receive() for _ in sent)
    assert set(got) == sent
    assert sorted({g.result for g in got.values()}) == ["came", "late"]


def test_too_many_at_a_time_are_refused(fetch, site):
    fetch(url(site, "/policy"))
    sent = [fetch.send(url(site, "/slow"), seconds=2) for _ in range(400)]
    results = [fetch.receive()[1].result for _ in sent]
    assert results.count("refused") >= 100 and set(results) == {"refused", "late"}


def test_who_leaves_takes_the_questions_along(fetch, here, site):
    fetch(url(site, "/policy"))
    for _ in range(20):
        fetch.send(url(site, "/slow"))
    fetch.close()
    again = web.Fetch(here)
    assert again(url(site, "/policy")).body == POLICY  # nobody waits behind those
    again.close()


def test_it_is_jailed_and_holds_no_file(fetch, here, site):
    fetch(url(site, "/policy"))
    pid = web.running(here).pid
    assert field(pid, "Seccomp") == b"2" and field(pid, "NoNewPrivs") == b"1"
    assert len(list(os.scandir(f"/proc/{pid}/task"))) == 1, "no thread"
    harmless = ("socket:", "anon_inode:", "pipe:")
    assert [f for f in open_files(pid) if not f.startswith(harmless)] == []


@as_root
def test_as_root_it_has_a_user_of_its_own(fetch, here, site):
    fetch(url(site, "/policy"))
    for other in ("courier", "resolver"):
        ipc.door(here, other).sock.close()
    uids = {os.stat(f"/proc/{r.pid}").st_uid for r in here.roles() if r.name in ("fetch", "courier", "resolver")}
    assert len(uids) == 3 and 0 not in uids


def test_its_counters_are_shown_while_it_runs(fetch, here, site):
    fetch(url(site, "/policy"))
    status = here.json("status")[0]
    assert status["counters"]["fetch"]["came"] >= 1
    assert "fetch" in [r["role"] for r in status["roles"]]


def test_it_runs_from_when_it_is_wanted_until_it_is_idle(own, authority, site):
    here = own(more=f"authorities {authority.file}\n")
    assert web.running(here) is None
    status = here.json("status")[0]
    assert status["counters"]["fetch"] == {}, "asking does not start it"
    assert "fetch" not in [r["role"] for r in status["roles"]]
    assert web.running(here) is None
    fetch = web.Fetch(here)
    assert fetch(url(site, "/policy")).body == POLICY
    first = web.running(here).pid
    wait_until(lambda: web.running(here) is None, 3 * IDLE_SECONDS, "its end")
    assert "role_died" not in here.log()
    assert fetch(url(site, "/policy")).body == POLICY, "wanted again, it is there again"
    assert web.running(here).pid != first
    fetch.close()


def test_one_that_was_killed_comes_back_only_when_it_is_wanted(own, authority, site):
    here = own(more=f"authorities {authority.file}\n")
    fetch = web.Fetch(here)
    for deaths in range(1, 7):
        assert fetch(url(site, "/policy")).body == POLICY
        os.kill(web.running(here).pid, signal.SIGKILL)
        wait_until(lambda: here.log().count("role_died") == deaths, what="a line about it")
        assert web.running(here) is None
    assert len(re.findall(r"role_died role=fetch index=0 signal=9", here.log())) == 6
    fetch.close()


def test_a_reload_brings_other_authorities(own, authority, site, tmp_path):
    stranger = web.Authority(tmp_path, "stranger")
    here = own(more=f"authorities {stranger.file}\n")
    fetch = web.Fetch(here)
    assert fetch(url(site, "/policy")).result == "unproven"
    here.config.write_text(here.config.read_text().replace(str(stranger.file), str(authority.file)))
    here.reload()
    assert fetch(url(site, "/policy")).result == "came"
    fetch.close()


def test_without_authorities_nobody_is_believed(own, site, tmp_path):
    here = own(more=f"authorities {tmp_path}/nothing.pem\n")
    fetch = web.Fetch(here)
    assert fetch(url(site, "/policy")).result in ("unproven", "failed")
    assert "nothing.pem" in here.log()
    fetch.close()
