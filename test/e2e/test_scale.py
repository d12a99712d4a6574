"""Large mailboxes and many accounts stay pleasant. Sizes by --large and --accounts."""
import crypt
import socket
import time

from service import wait_until
from wire import Smtp, Pop3, open_mailbox, read_all, retrieve, send, without_trace

BODY = b"Subject: one of many\r\n\r\n" + b"x" * 60 + b"\r\n"


def pour(here, address, count):
    """Many small messages, pipelined."""
    with Smtp(here) as smtp:
        smtp.ehlo()
        one = (f"MAIL FROM:<x@away.example>\r\nRCPT TO:<{address}>\r\n".encode() +
               b"BDAT %d LAST\r\n" % len(BODY) + BODY)
        left = count
        while left:
            group = min(left, 100)
            smtp.send(one * group)
            for _ in range(3 * group):
                reply = smtp.reply()
                assert reply.startswith("250"), reply
            left -= group


def test_a_large_mailbox_opens_lists_reads_and_shrinks(here, request):
    count = request.config.getoption("--large")
    address = here.new_account()
    pour(here, address, count)
    box = open_mailbox(here, address)
    while box.stat()[0] < count:
        box.quit()
        time.sleep(0.05)
        box = open_mailbox(here, address)
    assert len(box.list()[1]) == len(set(line.split()[1] for line in box.uidl()[1])) == count
    for n in (1, count // 2, count):
        assert without_trace(retrieve(box, n))[1] == BODY
    box.quit()
    with Pop3(here) as pop3:  # deletes all but ten, pipelined
        assert pop3.login(address).startswith("+OK")
        for begin in range(1, count - 9, 500):
            numbers = range(begin, min(begin + 500, count - 9))
            pop3.send("".join(f"DELE {n}\r\n" for n in numbers))
            assert all(pop3.line().startswith("+OK") for _ in numbers)
        assert pop3.say("QUIT").startswith("+OK")
    assert len(read_all(here, address)) == 10


def test_many_accounts_come_from_a_file_and_work(own, request, tmp_path):
    count = request.config.getoption("--accounts")
    here = own()
    domains = max(1, count // 10)
    here.run("domain", "add", *[f"d{n}.example" for n in range(domains)])
    one_hash = crypt.crypt("moved-here", crypt.METHOD_SHA256)  # to hash all would be most of the test
    table = tmp_path / "accounts"
    table.write_text("".join(f"u{n}@d{n % domains}.example {{crypt}}{one_hash}\n" for n in range(count)))
    here.run("account", "add", "--from", table)
    listed = {row["address"] for row in here.json("account", "list")}
    assert {f"u{n}@d{n % domains}.example" for n in range(count)} <= listed
    assert len(here.json("domain", "list")) == domains + 1
    for n in (0, count // 2, count - 1):
        address = f"u{n}@d{n % domains}.example"
        here.accounts[address] = "moved-here"
        send(here, BODY, "x@away.example", [address])
        assert len(read_all(here, address, 1)) == 1


def test_a_large_message_to_many_mailboxes_is_put_off_for_none(own):
    """All of it is more than a store keeps in memory, so the queue has to wait for the disk."""
    here = own()
    bulk = "".join(f"m{n}@here.example {{plain}}m{n}-secret\n" for n in range(30))
    here.run("account", "add", "--from", "-", stdin=bulk)
    addresses = [line.split()[0] for line in bulk.splitlines()]
    send(here, b"Subject: large\r\n\r\n" + (b"x" * 998 + b"\r\n") * 9000, "x@away.example", addresses)

    def counters():
        return here.json("status")[0]["counters"]["queue"]

    wait_until(lambda: counters()["delivered"] == 30, 30, "all thirty")
    assert counters()["deferrals"] == 0


def test_many_idle_connections_are_no_trouble(here):
    idle = []
    for n in range(500):
        idle.append(socket.create_connection((here.host, here.ports["smtp" if n % 2 else "pop3"]), 20))
    address = here.new_account()
    send(here, BODY, "x@away.example", [address])
    assert len(read_all(here, address, 1)) == 1
    for s in idle:
        s.close()
