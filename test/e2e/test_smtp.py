"""Port 25, 587 and 465 as clients meet them: what is offered, what is taken, what is refused."""
import base64
import hashlib
import hmac
import re
import ssl

import pytest

from service import trusting_nobody, wait_until
from wire import Pop3, Smtp, read_all, without_reference, without_trace

HEAD = b"From: x@away.example\r\nSubject: hello\r\n\r\nhello\r\n"
BOB, ANA = "bob@here.example", "ana@here.example"


def test_greeting_and_ehlo_say_what_is_offered(here):
    with Smtp(here) as smtp:
        assert smtp.greeting.startswith("220 mx.here.example ESMTP")
        offers = {line[4:].split(" ")[0] for line in smtp.ehlo().split("\n")[1:]}
        assert offers >= {"SIZE", "8BITMIME", "PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES",
                          "SMTPUTF8", "DSN", "STARTTLS"}
        assert "AUTH" not in offers


@pytest.mark.parametrize("protocol", ["submission", "submissions"])
def test_auth_is_offered_under_tls_only(here, protocol):
    with Smtp(here, protocol) as smtp:
        offers = smtp.ehlo()
        if protocol == "submission":
            assert "AUTH" not in offers
            offers = smtp.starttls()
        offered = re.search(r"^250.AUTH (.*)$", offers, re.M).group(1).split()
        assert set(offered) >= {"PLAIN", "LOGIN", "SCRAM-SHA-256"}
        assert "STARTTLS" not in offers


def test_auth_without_tls_is_refused(here):
    with Smtp(here, "submission") as smtp:
        smtp.ehlo()
        assert smtp.login(BOB).startswith(("530 5.7.0", "538 5.7.11"))
        assert smtp.say("AUTH LOGIN").startswith(("530 5.7.0", "538 5.7.11"))


def test_mail_before_login_is_refused_on_the_submission_ports(here):
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        assert smtp.say(f"MAIL FROM:<{BOB}>").startswith("530 5.7.0")


@pytest.mark.parametrize("name", ["bob@here.example", "bob%here.example", "BOB@Here.Example"])
def test_login_by_any_way_to_write_the_address(here, name):
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        token = base64.b64encode(f"\0{name}\0bob-secret".encode()).decode()
        assert smtp.say(f"AUTH PLAIN {token}").startswith("235 2.7.0")


def test_login_in_several_lines(here):
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        assert smtp.say("AUTH LOGIN") == "334 VXNlcm5hbWU6"
        assert smtp.say(base64.b64encode(BOB.encode()).decode()) == "334 UGFzc3dvcmQ6"
        assert smtp.say(base64.b64encode(b"bob-secret").decode()).startswith("235")
        assert smtp.say("AUTH LOGIN").startswith("503")


def test_wrong_password_and_unknown_user_look_the_same(here):
    replies = []
    for user in (BOB, "nobody@here.example", "bob@nowhere.example"):
        with Smtp(here, "submissions") as smtp:
            smtp.ehlo()
            token = base64.b64encode(f"\0{user}\0wrong".encode()).decode()
            replies.append(without_reference(smtp.say(f"AUTH PLAIN {token}")))
    assert replies[0].startswith("535 5.7.8") and len(set(replies)) == 1


class Scram:
    """A client of RFC 5802 with SHA-256, bound to the channel or not."""

    def __init__(self, user, password, binding=b""):
        self.password, self.binding = password, binding
        self.header = b"p=tls-server-end-point,," if binding else b"n,,"
        self.first_bare = b"n=" + user.encode() + b",r=fyko+d2lbbFgONRv9qkxdawL"

    def first(self):
        return self.header + self.first_bare

    def final(self, server_first):
        facts = dict(part.split(b"=", 1) for part in server_first.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(facts[b"s"]),
                                     int(facts[b"i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        bound = base64.b64encode(self.header + self.binding)
        without_proof = b"c=" + bound + b",r=" + facts[b"r"]
        self.message = self.first_bare + b"," + server_first + b"," + without_proof
        signature = hmac.digest(hashlib.sha256(key).digest(), self.message, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        self.server_key = hmac.digest(salted, b"Server Key", "sha256")
        return without_proof + b",p=" + base64.b64encode(proof)

    def verifier(self):
        return b"v=" + base64.b64encode(hmac.digest(self.server_key, self.message, "sha256"))


def talk_scram(wire, mechanism, scram, prompt):
    encode = lambda data: base64.b64encode(data).decode()  # noqa: E731
    answer = wire.say(f"AUTH {mechanism} {encode(scram.first())}")
    assert answer.startswith(prompt), answer
    answer = wire.say(encode(scram.final(base64.b64decode(answer[len(prompt):]))))
    if not answer.startswith(prompt):
        return answer
    assert base64.b64decode(answer[len(prompt):]) == scram.verifier()
    return wire.say("")


def test_scram_proves_both_sides(here):
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        assert talk_scram(smtp, "SCRAM-SHA-256", Scram(BOB, "bob-secret"), "334 ").startswith("235")
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        assert talk_scram(smtp, "SCRAM-SHA-256", Scram(BOB, "wrong"), "334 ").startswith("535")
    with Pop3(here, "pop3s") as pop3:
        assert talk_scram(pop3, "SCRAM-SHA-256", Scram(BOB, "bob-secret"), "+ ").startswith("+OK")


@pytest.mark.parametrize("forged", [False, True])
def test_scram_plus_is_bound_to_the_certificate(here, forged):
    with Smtp(here, "submissions") as smtp:
        assert "SCRAM-SHA-256-PLUS" in smtp.ehlo()
        certificate = hashlib.sha256(smtp.sock.getpeercert(True)).digest()
        binding = certificate[::-1] if forged else certificate
        done = talk_scram(smtp, "SCRAM-SHA-256-PLUS", Scram(BOB, "bob-secret", binding), "334 ")
        assert done.startswith("535" if forged else "235")


def test_a_message_from_outside_has_its_trace(here):
    address = here.new_account()
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.message(HEAD, "x@away.example", address).startswith("250 2.0.0")
    trace, message = without_trace(read_all(here, address, 1)[0])
    assert message == HEAD
    unfolded = re.sub(r"\r\n[ \t]+", " ", trace.decode())
    assert unfolded.startswith("Return-Path: <x@away.example>\r\n")
    received = re.search(r"^Received: (.*)$", unfolded, re.M).group(1)
    assert re.search(r"from client\.example \(.*\[?127\.0\.0\.1\]?\)", received)
    assert re.search(r"by mx\.here\.example .*with ESMTP id \S+", received)
    assert re.search(r"; \w{3}, +\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", received)


@pytest.mark.parametrize("protocol, expected", [("submission", "ESMTPSA"), ("submissions", "ESMTPSA")])
def test_the_trace_says_tls_and_login(here, protocol, expected):
    address = here.new_account()
    with Smtp(here, protocol) as smtp:
        smtp.ehlo()
        if protocol == "submission":
            smtp.starttls()
        assert smtp.login(BOB).startswith("235")
        assert smtp.message(HEAD, BOB, address).startswith("250")
    assert f"with {expected} ".encode() in read_all(here, address, 1)[0]


def test_relaying_without_login_is_refused(here):
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.say("MAIL FROM:<x@away.example>").startswith("250")
        assert re.match(r"55[04] 5\.7\.1 ", smtp.say("RCPT TO:<y@elsewhere.example>"))
        assert smtp.say("RCPT TO:<bob@here.example@elsewhere.example>").startswith("5")
        assert smtp.say("RCPT TO:<bob%here.example@elsewhere.example>").startswith("55")
        assert smtp.say("RCPT TO:<@here.example:y@elsewhere.example>").startswith("55")


def test_a_refusal_names_its_reason_and_the_session_in_the_log(here):
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.say("MAIL FROM:<x@away.example>")
        reply = smtp.say("RCPT TO:<y@elsewhere.example>")
    reason, reference = re.search(r" \[(\S+) (\S+)\]$", reply).groups()
    lines = [line for line in here.log().splitlines() if f"ref={reference} " in line]
    assert any(" connect " in line for line in lines)
    assert any(" refuse " in line and f" reason={reason} " in line for line in lines)


def test_only_own_addresses_may_send(here):
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        smtp.login(BOB)
        assert re.match(r"55[034] 5\.7\.1 ", smtp.say(f"MAIL FROM:<{ANA}>"))
        assert smtp.say("MAIL FROM:<bob@away.example>").startswith("55")
        assert smtp.say(f"MAIL FROM:<{BOB}>").startswith("250")


def test_aliases_lead_to_mailboxes_and_may_send(here):
    address = here.new_account()
    here.run("alias", "add", "sales@here.example", address, ANA)
    with Smtp(here) as smtp:
        smtp.ehlo()
        before = len(read_all(here, ANA))
        assert smtp.message(HEAD, "x@away.example", "sales@here.example").startswith("250")
    assert len(read_all(here, address, 1)) == 1
    assert len(read_all(here, ANA, before + 1)) == before + 1
    with Smtp(here, "submissions") as smtp:
        smtp.ehlo()
        smtp.login(address)
        assert smtp.say("MAIL FROM:<sales@here.example>").startswith("250")
    here.run("alias", "remove", "sales@here.example")
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.say("MAIL FROM:<x@away.example>")
        assert smtp.say("RCPT TO:<sales@here.example>").startswith("550 5.1.1")


def test_an_answer_about_a_recipient_is_not_kept_over_a_change(here):
    address = here.new_account()
    with Smtp(here) as smtp:
        smtp.ehlo()
        for verb, reply in 5 * [("suspend", "550 5.2.1"), ("resume", "250 2.1.5")]:
            smtp.say("MAIL FROM:<x@away.example>")
            smtp.say(f"RCPT TO:<{address}>")
            here.run("account", verb, address)
            assert smtp.say(f"RCPT TO:<{address}>").startswith(reply)
            smtp.say("RSET")
        here.run("account", "remove", "--yes", address)
        smtp.say("MAIL FROM:<x@away.example>")
        assert smtp.say(f"RCPT TO:<{address}>").startswith("550 5.1.1")


def test_a_catch_all_takes_what_has_no_mailbox(here):
    here.run("domain", "add", "catch.example")
    here.add_account("all@catch.example", "all-secret")
    here.add_account("own@catch.example", "own-secret")
    here.run("alias", "add", "@catch.example", "all@catch.example")
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.message(HEAD, "x@away.example", "anything@catch.example",
                            "own@catch.example").startswith("250")
    assert len(read_all(here, "all@catch.example", 1)) == 1
    assert len(read_all(here, "own@catch.example", 1)) == 1


def test_postmaster_exists_with_the_domain(here):
    here.run("domain", "add", "new.example")
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.say("MAIL FROM:<x@away.example>")
        for address in ("postmaster@new.example", "Postmaster@here.example", "postmaster"):
            assert smtp.say(f"RCPT TO:<{address}>").startswith("250"), address


def test_several_recipients_are_answered_one_by_one(here):
    first, second = here.new_account(), here.new_account()
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.say("MAIL FROM:<x@away.example>")
        assert smtp.say(f"RCPT TO:<{first}>").startswith("250 2.1.5")
        assert smtp.say("RCPT TO:<nobody@here.example>").startswith("550 5.1.1")
        assert smtp.say(f"RCPT TO:<{second}>").startswith("250")
        assert smtp.say(f"RCPT TO:<{second}>").startswith("250")
        assert smtp.say("DATA").startswith("354")
        smtp.send(HEAD + b".\r\n")
        assert smtp.reply().startswith("250")
    for address in (first, second):
        assert len(read_all(here, address, 1)) == 1, "a recipient named twice gets it once"


def test_data_without_a_recipient_is_refused(here):
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.say("DATA").startswith("503")
        smtp.say("MAIL FROM:<x@away.example>")
        assert smtp.say("DATA").startswith(("503", "554"))
        assert smtp.say("RCPT TO:<nobody@here.example>").startswith("550")
        assert smtp.say("DATA").startswith(("503", "554"))


def test_quota_is_told_at_rcpt_or_after_data(here):
    address = here.new_account("100K")
    body = HEAD + b"x" * 70 * 1024 + b"\r\n"
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.message(body, "x@away.example", address).startswith("250")
        read_all(here, address, 1)
        smtp.say("MAIL FROM:<x@away.example>")
        reply = smtp.say(f"RCPT TO:<{address}>")
        if reply.startswith("250"):
            assert smtp.say("DATA").startswith("354")
            smtp.send(body + b".\r\n")
            reply = smtp.reply()
        assert re.match(r"(452 4|552 5)\.2\.2 ", reply), reply
        smtp.say("RSET")
    assert len(read_all(here, address)) == 1


def test_a_declared_size_above_the_limit_is_refused_at_once(here):
    with Smtp(here) as smtp:
        limit = int(re.search(r"^250.SIZE (\d+)$", smtp.ehlo(), re.M).group(1))
        assert limit == 10 * 1024 * 1024
        assert smtp.say(f"MAIL FROM:<x@away.example> SIZE={limit + 1}").startswith("552 5.3.4")
        assert smtp.say(f"MAIL FROM:<x@away.example> SIZE={limit}").startswith("250")


def test_too_many_recipients_are_452(own):
    here = own(limits={"recipients": 100, "errors_per_session": 10000})
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.say("MAIL FROM:<x@away.example>")
        for _ in range(100):
            assert smtp.say(f"RCPT TO:<{BOB}>").startswith("250")
        assert smtp.say(f"RCPT TO:<{BOB}>").startswith("452 4.5.3")
        assert smtp.say("DATA").startswith("354")


def test_a_loop_is_cut(own):
    here = own(limits={"received_hops": 5})
    with Smtp(here) as smtp:
        smtp.ehlo()
        few, many = b"Received: by x\r\n" * 4, b"Received: by x\r\n" * 6
        assert smtp.message(few + HEAD, "x@away.example", BOB).startswith("250")
        assert smtp.message(many + HEAD, "x@away.example", BOB).startswith("554 5.4.6")
    assert len(read_all(here, BOB, 1)) == 1


def test_commands_may_come_in_one_write(here):
    address = here.new_account()
    with Smtp(here) as smtp:
        smtp.ehlo()
        group = f"MAIL FROM:<x@away.example>\r\nRCPT TO:<{address}>\r\nRCPT TO:<no@here.example>\r\nDATA\r\n"
        smtp.send(group)
        assert [smtp.reply()[:3] for _ in range(4)] == ["250", "250", "550", "354"]
        smtp.send(HEAD + b".\r\nNOOP\r\nQUIT\r\n")
        assert [smtp.reply()[:3] for _ in range(3)] == ["250", "250", "221"]
        assert smtp.closed()
    assert len(read_all(here, address, 1)) == 1


def test_what_follows_starttls_in_clear_is_never_obeyed(here):
    with Smtp(here, "submission") as smtp:
        smtp.ehlo()
        smtp.send("STARTTLS\r\nEHLO injected.example\r\nMAIL FROM:<evil@away.example>\r\n")
        assert smtp.reply().startswith("220")
        smtp.wrap()
        assert smtp.silent()
        assert smtp.say("MAIL FROM:<x@away.example>").startswith("5"), "EHLO was forgotten"


def test_what_follows_stls_in_clear_is_never_obeyed(here):
    with Pop3(here) as pop3:
        pop3.send(f"STLS\r\nUSER {BOB}\r\nPASS bob-secret\r\n")
        assert pop3.line().startswith("+OK")
        pop3.wrap()
        assert pop3.silent()
        assert pop3.say("STAT").startswith("-ERR")


@pytest.mark.parametrize("protocol", ["smtp", "submission", "submissions", "pop3", "pop3s"])
@pytest.mark.parametrize("verb", ["GET / HTTP/1.1", "POST /x HTTP/1.0", "CONNECT a:25 HTTP/1.1"])
def test_http_ends_the_connection(here, protocol, verb):
    wire = (Pop3 if "pop3" in protocol else Smtp)(here, protocol)
    with wire:
        wire.send(f"{verb}\r\nHost: here.example\r\n\r\nMAIL FROM:<evil@away.example>\r\n")
        seen = []
        while (line := wire.line()) is not None:
            seen.append(line)
        assert len(seen) <= 1, seen


@pytest.mark.parametrize("protocol, good", [("submissions", "smtp"), ("pop3s", "pop3")])
def test_a_foreign_alpn_ends_the_connection(here, protocol, good):
    kind = Pop3 if good == "pop3" else Smtp
    foreign, ours = trusting_nobody(), trusting_nobody()
    foreign.set_alpn_protocols(["h2", "http/1.1"])
    ours.set_alpn_protocols([good])
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with kind(here, protocol, greet=False, context=foreign) as wire:
            if wire.line() is None:
                raise ConnectionError
    with kind(here, protocol, context=ours) as wire:
        assert wire.greeting.startswith(("220", "+OK"))


@pytest.mark.parametrize("bad", [b"NOOP\n", b"NO\0OP\r\n", b"NOOP\rNOOP\r\n", b"NO\nOP\r\n"])
def test_stray_bytes_in_commands_are_refused(here, bad):
    with Smtp(here) as smtp:
        smtp.ehlo()
        smtp.send(bad + b"\r\n")
        assert smtp.reply().startswith("50")
        smtp.send("NOOP\r\n")
        wait_until(lambda: smtp.reply().startswith("250"), what="being in step again")


def test_long_lines_are_refused_and_the_session_goes_on(here):
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.say("NOOP " + "x" * 20000).startswith("500")
        assert smtp.say("NOOP").startswith("250")
        assert smtp.say("MAIL FROM:<" + "x" * 5000 + "@away.example>").startswith("50")
        assert smtp.say("NOOP").startswith("250")


def test_too_many_errors_end_the_session(own):
    here = own(limits={"errors_per_session": 3})
    with Smtp(here) as smtp:
        smtp.ehlo()
        replies = [smtp.say("BOGUS") for _ in range(4)]
        assert replies[0].startswith("500") and "421" in "".join(r or "" for r in replies)
        assert smtp.closed()


def test_too_many_sessions_of_an_address_are_421(own):
    here = own(limits={"sessions_per_address": 3})
    open_ones = [Smtp(here) for _ in range(3)]
    with Smtp(here) as fourth:
        assert fourth.greeting.startswith("421 4.7.0") or fourth.greeting.startswith("421 4.3.2")
        assert fourth.closed()
    for smtp in open_ones:
        assert smtp.say("QUIT").startswith("221")
        smtp.sock.close()

    def again():
        with Smtp(here) as smtp:
            return smtp.greeting.startswith("220")

    wait_until(again, what="room for a session")


def test_addresses_beyond_ascii(here):
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.say("MAIL FROM:<jos\u00e9@away.example> SMTPUTF8").startswith("250")
        assert smtp.say("RCPT TO:<jos\u00e9@here.example>").startswith("550 5.1.1")
        smtp.say("RSET")
        assert smtp.say("MAIL FROM:<jos\u00e9@away.example>").startswith("55")


def test_delivery_parameters_are_accepted(here):
    address = here.new_account()
    with Smtp(here) as smtp:
        smtp.ehlo()
        assert smtp.say("MAIL FROM:<x@away.example> RET=HDRS ENVID=QQ314159 BODY=8BITMIME "
                        "SIZE=100").startswith("250")
        assert smtp.say(f"RCPT TO:<{address}> NOTIFY=SUCCESS,FAILURE "
                        "ORCPT=rfc822;bob@here.example").startswith("250")
        assert smtp.say(f"RCPT TO:<{address}> NOTIFY=NEVER,FAILURE").startswith("501")
        assert smtp.say(f"RCPT TO:<{address}> BOGUS=1").startswith("555")


def test_a_delayed_greeting_comes_in_time_and_who_speaks_before_it_is_refused(own):
    here = own(limits={"greeting_delay_ms": 600})
    with Smtp(here, greet=False) as patient, Smtp(here, greet=False) as hasty:
        hasty.send("EHLO client.example\r\n")
        assert patient.silent(0.3)
        assert patient.reply().startswith("220")
        assert patient.ehlo().startswith("250")
        assert hasty.reply().startswith("554 5.5.1")
        assert hasty.closed()
    with Smtp(here, "submission") as prompt:
        assert prompt.greeting.startswith("220")
