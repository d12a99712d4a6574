"""MTA-STS on the way out: what a domain promises of its servers is fetched, kept and held to; and how TLS went is
counted for reports. Each case is a domain CASE.promised.example of its own, with one mail server and one web server."""
import dataclasses
import datetime
import json

import pytest

import web
from service import make_certificate, wait_until
from world import World, free_everywhere, tlsa

ROUTED, SMART, VERIFIED = "route", "smarthost", "verify"
PAUSE = 6  # seconds for which a way holds here, and a little more


@dataclasses.dataclass
class Case:
    mode: str = "enforce"       # of the policy; "": no record
    mx: str = ""                # what it names; "": the server
    proof: str = "right"        # what the mail server shows
    script: str = ""
    page: str = ""              # in place of the policy
    host: str = "right"         # the policy's web server: right, unproven, down, slow
    signed: bool = False        # with TLSA records of the certificate
    expected: tuple = ()        # what is counted: policy, result


# rfc8461#5-a rfc8461#5-b rfc8461#5-c rfc8461#2-a rfc8461#3.3-e
DELIVERED = {
    "right": Case(expected=("sts", "")),
    "wild": Case(mx="*.wild.promised.example", expected=("sts", "")),
    "tested-name": Case("testing", proof="other", expected=("sts", "certificate-host-mismatch")),
    "tested-self": Case("testing", proof="self", expected=("sts", "certificate-not-trusted")),
    "tested-unnamed": Case("testing", mx="mx.other.example", expected=("sts", "validation-failure")),
    "tested-right": Case("testing", expected=("sts", "")),
    "none": Case("none", proof="self", expected=("no-policy-found", "")),
    "unpublished": Case("", proof="self", expected=("no-policy-found", "")),
    "down": Case(proof="self", host="down", expected=("sts", "sts-policy-fetch-error")),
    "unproven": Case(proof="self", host="unproven", expected=("sts", "sts-webpki-invalid")),
    "invalid": Case(proof="self", page="version: STSv1\nmode: enforce\n", expected=("sts", "sts-policy-invalid")),
    "slow": Case(proof="self", host="slow", expected=("no-policy-found", "")),
    "dane": Case(mx="mx.other.example", proof="self", signed=True, expected=("tlsa", "")),
}
CLEAR = {
    "tested-clear": Case("testing", proof="", expected=("sts", "starttls-not-supported")),
    "tested-broken": Case("testing", script="handshake: close", expected=("sts", "validation-failure")),
    "none-clear": Case("none", proof="", expected=("no-policy-found", "starttls-not-supported")),
}
WAITING = {
    "wrong-name": Case(proof="other", expected=("sts", "certificate-host-mismatch")),
    "wrong-self": Case(proof="self", expected=("sts", "certificate-not-trusted")),
    "wrong-time": Case(proof="expired", expected=("sts", "certificate-expired")),
    "no-tls": Case(proof="", expected=("sts", "starttls-not-supported")),
    "refused": Case(script="starttls: 454 4.7.0 TLS not available", expected=("sts", "starttls-not-supported")),
    "broken": Case(script="handshake: close", expected=("sts", "validation-failure")),
    "unnamed": Case(mx="mx.other.example", expected=("sts", "validation-failure")),
    # what cannot be proved by records is not made good by a promise (rfc8461#2-a)
    "dane-wrong": Case(proof="right", signed=True, expected=("tlsa", "validation-failure")),
}
CASES = {**DELIVERED, **CLEAR, **WAITING, "moving": Case(mx="mx.other.example"),
         SMART: Case(mx=f"{SMART}.promised.example", proof="domain"),
         ROUTED: Case(mx="mx.other.example", proof="domain"), VERIFIED: Case("")}
NAMES = list(CASES)


def domain_of(name):
    return f"{name}.promised.example"


def mx_of(name):
    return f"mx.{domain_of(name)}"


def mail_address(name):
    return f"127.5.0.{NAMES.index(name) + 1}"


def web_address(name):
    return f"127.6.0.{NAMES.index(name) + 1}"


def policy(case, name):
    mx = case.mx or mx_of(name)
    return f"version: STSv1\r\nmode: {case.mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n"


class Promised(World):
    """The world of all these domains."""

    def __init__(self, folder):
        self.authority = web.Authority(folder / "authority")
        self.stranger = web.Authority(folder / "stranger", "stranger")
        self.own = {name: make_certificate(folder, mx_of(name)) for name in NAMES if CASES[name].proof == "self"}
        self.web_port = free_everywhere()
        self.folder, self.webs, self.at = folder, {}, {}
        smart, routed, verified = f"{domain_of(SMART)}:PORT", f"{domain_of(ROUTED)}:PORT", f"{mx_of(VERIFIED)}:PORT"
        super().__init__(
            folder, {domain_of(name): self.zone(name) for name in NAMES} | {"second.example": self.second()},
            [domain_of(name) for name in NAMES if CASES[name].signed],
            limits={"policy_port": self.web_port, "policy_seconds": 2}, more=(
                f"authorities {self.authority.file}\n"
                f"route by-{SMART}.example {smart}\nroute by-{ROUTED}.example {routed}\n"
                f"route never.example {routed} tls never\n"
                f"route {VERIFIED}.example {verified} tls verify\n"
                f"route un{VERIFIED}.example {mx_of('wrong-name')}:PORT tls verify\n"))

    @staticmethod
    def second():
        """The first server is not one of those that are promised, the second is."""
        return (f"@ MX 10 {mx_of('unnamed')}.\n@ MX 20 {mx_of('right')}.\n_mta-sts TXT \"v=STSv1; id=1\"\n"
                f"mta-sts A 127.6.1.1\n")

    def zone(self, name):
        case = CASES[name]
        zone = f"@ MX 10 mx\nmx A {mail_address(name)}\nmta-sts A {web_address(name)}\n"
        if case.mode:
            zone += "_mta-sts 1 TXT \"v=STSv1; id=1\"\n"
        if name in (SMART, ROUTED):
            zone += f"@ A {mail_address(name)}\n"
        if case.signed:
            record = tlsa(self.own[name][0]) if case.proof == "self" else "3 1 1 " + "00" * 32
            zone += f"_PORT._tcp.mx TLSA {record}\n"
        return zone

    def certificate_of(self, name):
        """What the mail server shows."""
        make = {"": lambda: None, "right": lambda: self.authority.sign(mx_of(name)),
                "domain": lambda: self.authority.sign(domain_of(name)),
                "other": lambda: self.authority.sign("mx.other.example"), "self": lambda: self.own[name],
                "expired": lambda: self.authority.sign(mx_of(name), -1)}
        return make[CASES[name].proof]()

    def serve_policy(self, domain, address, page, host="right"):
        authority = self.stranger if host == "unproven" else self.authority
        pages = {"/.well-known/mta-sts.txt": (200, "text/plain", page.encode())}
        if host == "slow":
            self.late = web.threading.Event()
            pages = {"/.well-known/mta-sts.txt": lambda _: self.late.wait(web.PATIENCE)}
        server = web.Web(pages, authority.sign(f"mta-sts.{domain}"), address, self.web_port)
        self.webs[domain] = server

    def start(self):
        super().start()
        for name, case in CASES.items():
            self.at[name] = self.serve(mail_address(name), case.script, name=mx_of(name),
                                       certificate=self.certificate_of(name))
            if case.host != "down":
                self.serve_policy(domain_of(name), web_address(name), case.page or policy(case, name), case.host)
        self.serve_policy("second.example", "127.6.1.1", policy(Case(), "right"))
        return self

    def stop(self):
        self.late.set()
        for server in self.webs.values():
            server.__exit__()
        return super().stop()

    def asked(self, domain):
        """How often its policy was fetched."""
        return len(self.webs[domain].requests)

    def counted(self, domain):
        """{policy: {result: sessions}} of a domain today, by the report for machines."""
        for line in self.service.run("tls-report", options=["--json"]).stdout.splitlines():
            report = json.loads(line)
            found = {p["policy"]["policy-type"]: p for p in report["policies"]
                     if p["policy"]["policy-domain"] == domain}
            if found:
                return {kind: results(p) for kind, p in found.items()}
        return {}


def results(entry):
    """Of one policy of a report, whose sums are right."""
    found = {d["result-type"]: d["failed-session-count"] for d in entry["failure-details"]}
    assert entry["summary"]["total-failure-session-count"] == sum(found.values())
    if entry["summary"]["total-successful-session-count"]:
        found[""] = entry["summary"]["total-successful-session-count"]
    return found


@pytest.fixture(scope="module")
def promised(tmp_path_factory):
    made = Promised(tmp_path_factory.mktemp("promised")).start()
    yield made
    assert made.stop() == 0, made.service.log()[-3000:]
    assert made.complaints() == []


@pytest.fixture(scope="module", autouse=True)
def sent(promised):
    """Mail to all of them, under way at once; who must wait is written to by those who do not wait long."""
    found = {name: promised.send(f"x@{domain_of(name)}") for name in [*DELIVERED, *CLEAR, "moving"]}
    for name in WAITING:
        found[name] = [promised.send(f"x@{domain_of(name)}", sender=f"{who}@here.example") for who in ("eva", "leo")]
    return found


@pytest.mark.parametrize("name", DELIVERED)
def test_mail_goes_over_tls_where_nothing_that_holds_is_against_it(promised, sent, name):
    message, = promised.at[name].wait(1, 30)
    assert message.tls == "TLSv1.3"
    words = promised.trace(sent[name], "sent")[-1]["tls"]
    proof = {"right": " name", "wild": " name", "tested-right": " name", "tested-unnamed": " name",
             "dane": " dane"}.get(name, "")
    assert words == "TLSv1.3" + proof


@pytest.mark.parametrize("name", CLEAR)
def test_mail_goes_in_clear_where_nobody_insists(promised, sent, name):
    message, = promised.at[name].wait(1, 30)
    assert message.tls == "" and promised.trace(sent[name], "sent")[-1]["tls"] == ""


@pytest.mark.parametrize("name", WAITING)
def test_a_server_that_breaks_the_promise_gets_nothing_and_the_sender_is_told(promised, sent, name):
    remote = promised.at[name]
    reason = "dane-failed" if name == "dane-wrong" else "mta-sts-failed"
    for one, language in zip(sent[name], ("en", "es")):
        notice = promised.notice(one, "failed")
        assert notice.facts() == ("failed", "4.7.5", reason) and notice.speaks(language)
    assert remote.attempts == [] and all(b"MAIL" not in c for conn in remote.connections for c in conn.commands)
    if name == "unnamed":
        assert remote.connections == []


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case.expected])
def test_every_session_is_counted_under_the_policy_that_held(promised, name):
    """rfc8460#4-a rfc8460#4.2-a"""
    kind, result = CASES[name].expected
    wait_until(lambda: promised.counted(domain_of(name)).get(kind, {}).get(result), 30, f"{kind} {result} of {name}")
    counted = promised.counted(domain_of(name))
    assert set(counted[kind]) == {result}, counted


@pytest.mark.parametrize("name", ["wrong-name", "unnamed", "right"])
def test_a_policy_is_fetched_once_whatever_mail_follows(promised, name):
    if name == "right":
        promised.at[name].wait(1, 30)
        web.time.sleep(PAUSE)
        promised.send(f"y@{domain_of(name)}")
        promised.at[name].wait(2)
    else:
        wait_until(lambda: sum(promised.counted(domain_of(name)).get("sts", {}).values()) > 1, 30, "a second try")
    assert promised.asked(domain_of(name)) == 1


def test_a_domain_without_a_record_is_not_asked_for_a_policy(promised):
    promised.at["unpublished"].wait(1, 30)
    assert promised.asked(domain_of("unpublished")) == 0


def test_what_waits_goes_on_as_soon_as_a_newer_policy_lets_it(promised, sent):
    """rfc8461#5.1-a"""
    name, domain = "moving", domain_of("moving")
    promised.wait_reason(sent[name], "mta-sts-failed", seconds=30)
    promised.webs[domain].pages["/.well-known/mta-sts.txt"] = (200, "text/plain", policy(Case(), name).encode())
    promised.dns.change(domain, "id=1", "id=2")
    promised.at[name].wait(1, 90)
    assert promised.asked(domain) == 2


def test_a_promise_holds_though_nothing_of_it_can_be_found_any_more(promised, sent):
    """rfc8461#3.3-f"""
    name, domain = "wrong-self", domain_of("wrong-self")
    promised.notice(sent[name][0], "failed")
    promised.webs.pop(domain).__exit__()
    promised.dns.change(domain, "v=STSv1", "it was")
    again = promised.send(f"y@{domain}", sender="eva@here.example")
    assert promised.notice(again, "failed").facts() == ("failed", "4.7.5", "mta-sts-failed")
    assert promised.at[name].attempts == []


def test_an_administrator_reads_why_a_policy_could_not_be_had(promised):
    """rfc8461#3.3-h"""
    log = wait_until(lambda: promised.service.log(), what="the log")
    for name, why in {"down": "the policy cannot be fetched", "unproven": "not to be trusted", "invalid": ""}.items():
        line = next(line for line in log.splitlines() if f" policy domain={domain_of(name)} " in line)
        assert why in line


def test_the_server_that_is_promised_gets_what_the_first_may_not(promised):
    promised.send("x@second.example")
    wait_until(lambda: [m for m in promised.at["right"].messages if "x@second.example" in m.recipients], 30, "the mail")
    assert promised.at["unnamed"].messages == []


# ---- routes

def test_a_next_hop_that_is_configured_has_its_own_promise(promised):
    """rfc8461#3.4-a"""
    good = promised.send(f"x@by-{SMART}.example")
    bad = promised.send(f"x@by-{ROUTED}.example", sender="eva@here.example")
    promised.at[SMART].wait(1, 30)
    assert promised.trace(good, "sent")[-1]["tls"] == "TLSv1.3 name"
    assert promised.counted(domain_of(SMART)) == {"sts": {"": 1}}
    assert promised.notice(bad, "failed").facts() == ("failed", "4.7.5", "mta-sts-failed")


def test_a_route_that_says_how_is_asked_for_nothing_else(promised):
    sent = promised.send("x@never.example")
    wait_until(lambda: [m for m in promised.at[ROUTED].messages if "x@never.example" in m.recipients], 30, "the mail")
    assert promised.trace(sent, "sent")[-1]["tls"] == ""


def test_a_next_hop_that_must_prove_its_name_does_or_gets_nothing(promised):
    good = promised.send(f"x@{VERIFIED}.example")
    bad = promised.send(f"x@un{VERIFIED}.example", sender="eva@here.example")
    promised.at[VERIFIED].wait(1, 30)
    assert promised.trace(good, "sent")[-1]["tls"] == "TLSv1.3 name"
    assert promised.notice(bad, "failed").facts() == ("failed", "4.7.5", "certificate-not-trusted")
    assert promised.at["wrong-name"].attempts == []


# ---- the report

def test_a_report_has_the_form_of_the_standard(promised):
    """rfc8460#4.4-a rfc8460#4.1-a"""
    promised.at["right"].wait(1, 30)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    lines = promised.service.run("tls-report", today, options=["--json"]).stdout.splitlines()
    report, = [r for r in map(json.loads, lines) if f"_{domain_of('right')}@" in r["report-id"]]
    assert report["organization-name"] == "mx.here.example"
    assert report["date-range"] == {"start-datetime": f"{today}T00:00:00Z", "end-datetime": f"{today}T23:59:59Z"}
    assert report["contact-info"] == "postmaster@mx.here.example"
    entry, = report["policies"]
    assert entry["policy"] == {"policy-type": "sts", "policy-domain": domain_of("right")}
    assert entry["failure-details"] == []


@pytest.mark.parametrize("language, words", [("en", ("Domain", "Went well", "Failed")),
                                             ("es", ("Dominio", "Bien", "Fallidas"))])
def test_people_read_a_table_in_their_language(promised, language, words):
    promised.at["right"].wait(1, 30)
    text = promised.service.run("tls-report", options=["--lang", language]).stdout
    assert all(w in text.splitlines()[0] for w in words)
    assert any(line.split()[:2] == [domain_of("right"), "sts"] for line in text.splitlines())


def test_a_day_of_which_nothing_is_known_and_a_word_that_is_no_day(promised):
    assert "2020-01-01" in promised.service.run("tls-report", "2020-01-01").stdout
    done = promised.service.run("tls-report", "yesterday", check=False)
    assert done.returncode == 65 and "yesterday" in done.stderr
