"""Reading mail: what POP3 promises about numbers, marks, locks and waiting."""
import hashlib
import re
import socket

import pytest

from service import wait_until
from wire import Pop3, open_mailbox, read_all, send, without_reference, without_trace

BOB, ANA = "bob@here.example", "ana@here.example"


def body(n, lines=3):
    return f"Subject: number {n}\r\n\r\n".encode() + b"".join(b"line %d\r\n" % i for i in range(lines))


def filled(here, count):
    address = here.new_account()
    for n in range(count):
        send(here, body(n), "x@away.example", [address])
    read_all(here, address, count)
    return address


def test_capabilities_say_what_there_is(here):
    with Pop3(here, "pop3s") as pop3:
        assert pop3.say("CAPA").startswith("+OK")
        offered = {line.split(" ")[0] for line in pop3.lines()}
        assert offered >= {"TOP", "USER", "SASL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING",
                           "UIDL", "UTF8"}
        assert "STLS" not in offered
    with Pop3(here) as pop3:
        pop3.say("CAPA")
        assert "STLS" in pop3.lines()


@pytest.mark.parametrize("protocol", ["pop3", "pop3s"])
@pytest.mark.parametrize("name", ["bob@here.example", "bob%here.example", "Bob@HERE.example"])
def test_login_by_any_way_to_write_the_address(here, protocol, name):
    def attempt():
        with Pop3(here, protocol) as pop3:
            pop3.say(f"USER {name}")
            answer = pop3.say("PASS bob-secret")
            return "[IN-USE]" not in answer and answer
    assert wait_until(attempt).startswith("+OK")


def test_stls_then_login(here):
    address = filled(here, 1)
    with Pop3(here) as pop3:
        assert pop3.say("STLS").startswith("+OK")
        pop3.wrap()
        assert pop3.login(address).startswith("+OK")
        assert pop3.say("STAT").startswith("+OK 1 ")


def test_a_wrong_login_says_auth_and_not_what_was_wrong(here):
    answers = set()
    for user in (BOB, "nobody@here.example"):
        with Pop3(here) as pop3:
            pop3.say(f"USER {user}")
            answers.add(without_reference(pop3.say("PASS wrong")))
    assert len(answers) == 1 and answers.pop().startswith("-ERR [AUTH]")


def test_too_many_wrong_logins_end_the_session(own):
    here = own(limits={"logins_per_session": 2})
    with Pop3(here) as pop3:
        for _ in range(2):
            pop3.say(f"USER {BOB}")
            pop3.say("PASS wrong")
        assert pop3.closed()


def test_list_stat_uidl_and_sizes_agree(here):
    address = filled(here, 3)
    box = open_mailbox(here, address)
    count, octets = box.stat()
    sizes = [int(line.split()[1]) for line in box.list()[1]]
    assert count == 3 and sum(sizes) == octets
    uids = [line.split()[1] for line in box.uidl()[1]]
    assert len(set(uids)) == 3 and all(re.fullmatch(rb"[\x21-\x7e]{1,70}", u) for u in uids)
    for n in range(3):
        lines = box.retr(n + 1)[1]
        assert sum(len(line) + 2 for line in lines) == sizes[n]
    box.quit()


def test_top_gives_the_header_and_as_many_lines(here):
    address = here.new_account()
    send(here, b"Subject: top\r\n\r\n1\r\n.2\r\n3\r\n", "x@away.example", [address])
    read_all(here, address, 1)
    box = open_mailbox(here, address)
    assert box.top(1, 0)[1][-2:] == [b"Subject: top", b""]
    assert box.top(1, 2)[1][-3:] == [b"", b"1", b".2"]
    assert box.top(1, 99)[1] == box.retr(1)[1]
    box.quit()


def test_only_quit_deletes(here):
    address = filled(here, 3)
    box = open_mailbox(here, address)
    box.dele(2)
    assert box.stat()[0] == 2
    box.rset()
    assert box.stat()[0] == 3
    box.dele(1)
    box.close()  # no QUIT
    box = open_mailbox(here, address)
    assert box.stat()[0] == 3
    box.dele(2)
    box.quit()
    left = [without_trace(m)[1] for m in read_all(here, address)]
    assert left == [body(0), body(2)]


def test_uidl_survives_a_restart_and_is_never_given_again(own):
    here = own()
    for n in range(4):
        send(here, body(n), "x@away.example", [BOB])
    read_all(here, BOB, 4)

    def uids():
        box = open_mailbox(here, BOB)
        found = [line.split()[1] for line in box.uidl()[1]]
        box.quit()
        return found

    before = uids()
    here.restart()
    assert uids() == before
    box = open_mailbox(here, BOB)
    for n in (2, 4):
        box.dele(n)
    box.quit()
    here.kill()
    here.start()
    assert uids() == [before[0], before[2]]
    send(here, body(9), "x@away.example", [BOB])
    read_all(here, BOB, 3)
    after = uids()
    assert after[:2] == [before[0], before[2]] and after[2] not in before


def test_a_mailbox_is_open_once(here):
    address = filled(here, 1)
    first = open_mailbox(here, address)
    for protocol in ("pop3", "pop3s"):
        with Pop3(here, protocol) as second:
            assert second.login(address).startswith("-ERR [IN-USE]")
    first.quit()
    open_mailbox(here, address).quit()


def test_a_session_that_vanishes_frees_the_mailbox(here):
    address = filled(here, 1)
    pop3 = Pop3(here)
    assert pop3.login(address).startswith("+OK")
    pop3.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    pop3.sock.close()
    open_mailbox(here, address).quit()


def test_mail_that_comes_during_a_session_shows_in_the_next(here):
    address = filled(here, 1)
    box = open_mailbox(here, address)
    send(here, body(2), "x@away.example", [address])
    assert box.stat()[0] == 1
    box.quit()
    assert len(read_all(here, address, 2)) == 2


def test_logins_too_close_are_told_to_wait(own):
    here = own(limits={"login_delay_seconds": 2})
    with Pop3(here) as pop3:
        pop3.say("CAPA")
        assert any(line.startswith("LOGIN-DELAY 2") for line in pop3.lines())
        assert pop3.login(BOB).startswith("+OK")
        assert pop3.say("QUIT").startswith("+OK")
    with Pop3(here) as pop3:
        assert pop3.login(BOB).startswith("-ERR [LOGIN-DELAY]")
    with Pop3(here) as pop3:
        assert pop3.login(ANA).startswith("+OK"), "another account does not wait"

    def again():
        with Pop3(here) as pop3:
            return pop3.login(BOB).startswith("+OK")

    wait_until(again, what="the end of the delay")


def test_commands_may_come_in_one_write(here):
    address = filled(here, 20)
    with Pop3(here) as pop3:
        commands = [f"USER {address}", f"PASS {here.accounts[address]}", "STAT"]
        commands += [f"RETR {n}" for n in range(1, 21)] + ["QUIT"]
        pop3.send("".join(c + "\r\n" for c in commands))
        assert all(pop3.line().startswith("+OK") for _ in range(3))
        for n in range(20):
            assert pop3.line().startswith("+OK")
            assert f"Subject: number {n}" in pop3.lines()
        assert pop3.line().startswith("+OK")
        assert pop3.closed()


def test_apop_only_for_who_opted_in(here):
    address = here.new_account()
    here.run("account", "apop", address, "on", "--password-stdin", stdin=here.accounts[address] + "\n")
    for who, answer in ((address, "+OK"), (BOB, "-ERR")):
        with Pop3(here) as pop3:
            stamp = re.search(r"<[^<>]+@[^<>]+>", pop3.greeting).group(0)
            digest = hashlib.md5((stamp + here.accounts[who]).encode()).hexdigest()
            assert pop3.say(f"APOP {who} {digest}").startswith(answer)


def test_an_account_may_have_a_shorter_delay_of_its_own(own):
    here = own(limits={"login_delay_seconds": 60})
    here.run("account", "login-delay", BOB, "0")
    for who, answer in ((BOB, "+OK"), (ANA, "-ERR [LOGIN-DELAY]")):
        for expected in ("+OK", answer):
            with Pop3(here) as pop3:
                assert pop3.login(who).startswith(expected)
                pop3.say("QUIT")


def test_passwords_in_clear_are_refused_where_the_limit_says_so(own):
    here = own(limits={"pop3_plaintext": 0})
    with Pop3(here) as pop3:
        assert pop3.say(f"USER {BOB}").startswith("-ERR [AUTH]")
    with Pop3(here, "pop3s") as pop3:
        assert pop3.login(BOB).startswith("+OK")


@pytest.mark.parametrize("command", ["RETR 0", "RETR 99", "RETR x", "RETR", "DELE 99", "TOP 1",
                                     "TOP 1 -1", "LIST 99", "UIDL 99", "BOGUS", "RETR 1 1",
                                     "RETR 99999999999999999999"])
def test_a_wrong_command_is_refused_and_the_session_goes_on(here, command):
    box = open_mailbox(here, BOB)
    box._putcmd(command)
    assert box._getline()[0].startswith(b"-ERR")
    assert box.noop().startswith(b"+OK")
    box.quit()
