"""Notices as others read them: Python's parser of messages, and `valija explain`."""
import email
import email.policy
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VALIJA_BUILD", ROOT / "build")).resolve()
CASES = sorted((ROOT / "test/bounce").glob("*.txt"))
PRINT = BUILD / "test/bounce/bounce-print"


def run(*command, text=b""):
    return subprocess.run(command, input=text, stdout=subprocess.PIPE, cwd=ROOT, check=True).stdout


def facts(case):
    """The lines above the message, as a list: a recipient's follow its `recipient` line."""
    lines = case.read_text(encoding="utf-8").split("\n=== ")[0].splitlines()
    return [tuple(line.split(": ", 1)) for line in lines if line and line[0] != "#"]


def explained(notice):
    return json.loads(run(BUILD / "valija", "explain", "--json", text=notice))


def ids():
    return [line.split() for line in run(PRINT).decode().splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_python_reads_it(case):
    raw = run(PRINT, case)
    message = email.message_from_bytes(raw, policy=email.policy.SMTPUTF8)
    told = facts(case)

    assert not message.defects
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["Auto-Submitted"] == "auto-replied"
    assert "MAILER-DAEMON@" in message["From"] and "postmaster@" in message["Reply-To"]
    assert message["Date"].datetime.isoformat() == "2026-11-22T22:40:05+01:00"
    parts = list(message.iter_parts())
    assert [part.defects for part in parts] == [[]] * len(parts)
    text = parts[0].get_content()
    assert parts[0].get_content_charset() == "utf-8"
    for key, value in told:
        if key == "reference":
            assert value in text
    # links and addresses alone are longer
    assert all(len(line) <= 76 for line in text.splitlines() if "https://" not in line)
    if parts[1].get_content_type() == "message/delivery-status":
        groups = parts[1].get_payload()
        assert len(groups) == 1 + len([1 for key, _ in told if key == "recipient"])
        assert all(group["Action"] and group["Status"] and group["Final-Recipient"] for group in groups[1:])
    else:
        assert parts[1].get_content_type() == "message/global-delivery-status"
    assert len(parts) == 3
    assert b"\0" not in raw and b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize("case", [c for c in CASES if c.stem != "hostile"], ids=lambda case: case.stem)
def test_explain_reads_it_back(case):
    answer = explained(run(PRINT, case))
    wanted = {}
    shown = None
    for key, value in facts(case):
        if key == "recipient":
            shown = value
            wanted[shown] = {"action": "failed"}
        elif shown and key == "written" and ("hidden", "yes") in facts(case):
            wanted[value] = wanted.pop(shown)
            shown = value
        elif shown:
            wanted[shown][key] = value
    assert answer["kind"] == "bounce"
    assert {one["recipient"] for one in answer["recipients"]} == set(wanted)
    for one in answer["recipients"]:
        fact = wanted[one["recipient"]]
        assert one["reason"] == fact["reason"]
        status = fact.get("status", "2.0.0")
        assert one["status"] == (f"4{status[1:]}" if fact["action"] == "held" else status)
        assert one["permanent"] == (fact["action"] == "failed")


def test_every_reason_is_read_back():
    """rfc3464#2.3.4-a rfc3464#2.4-a"""
    case = ROOT / "test/bounce/full.txt"
    wrong = []
    for reason, _ in ids():
        one = explained(run(PRINT, case, reason))["recipients"]
        got = [(r["recipient"], r["reason"], r["status"], r["reference"], r["remote"]) for r in one]
        if got != [("ana@example.com", reason, "5.2.2", "7KQ2M9", "mx.example.com")]:
            wrong.append((reason, got))
    assert len(ids()) > 150 and not wrong


def test_every_reason_has_words_for_its_sender():
    """Both languages, nothing left to fill in, and no heading without its text."""
    case = ROOT / "test/bounce/both-languages.txt"
    for reason, kind in ids():
        message = email.message_from_bytes(run(PRINT, case, reason), policy=email.policy.SMTPUTF8)
        text = next(message.iter_parts()).get_content().replace("\r\n", "\n")
        assert "{" not in text and "}" not in text, reason
        for heading in ("Qué ha pasado", "What happened"):
            assert text.count(heading + "\n    ") == 1, reason
        for heading in ("Quién puede actuar", "What to do now"):
            assert text.count(heading + "\n    ") == (0 if kind == "delivered" else 1), reason
