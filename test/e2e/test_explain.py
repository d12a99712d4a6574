"""`valija explain` as a support desk uses it: texts, files, languages, scripts."""
import json
import re
import subprocess

import pytest

from service import BUILD, ROOT
from wire import Smtp

DOCUMENTS = [line.rstrip("\n").split("\t") for line in open(ROOT / "test/e2e/documents.tsv", encoding="utf-8")
             if not line.startswith("#")]
CODES = """211 214 220 221 250 251 252 354 420 421 432 449 450 451 452 454 455 500 501 502 503 504 530 534 535 550
           551 552 553 554 555 556""".split()
SHAPE = {"recipient", "reason", "bounce_class", "hard", "permanent", "status", "reply", "who", "retry", "summary",
         "advice", "evidence", "confidence", "remote", "phase"}
BOUNCE = """From: MAILER-DAEMON@mx.example.net
To: ana@example.org
Subject: failure notice

Hi. This is the qmail-send program at mx.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.

<luis@example.com>:
192.0.2.7 does not like recipient.
Remote host said: 550 5.1.1 No such user here
Giving up on 192.0.2.7.

<eva@example.com>:
192.0.2.7 does not like recipient.
Remote host said: 552 5.2.2 Over quota
Giving up on 192.0.2.7.

--- Below this line is a copy of the message.

Subject: greylisted
"""


def explain(*words, stdin=None, expected=0, **environ):
    run = subprocess.run([BUILD / "valija", "explain", *words], input=stdin, capture_output=True, text=True,
                         env={"LANG": "C.UTF-8", **environ})
    assert run.returncode == expected, run.stderr
    return run


def asked(*words, **options):
    return json.loads(explain("--json", *words, **options).stdout)


@pytest.mark.parametrize("text,reason", DOCUMENTS, ids=[text[:50] for text, _ in DOCUMENTS])
def test_texts_of_the_documents_are_explained_in_both_languages(text, reason):
    english, spanish = asked(text)["recipients"][0], asked("--lang", "es", text)["recipients"][0]
    assert english["reason"] == spanish["reason"] == reason
    assert english["summary"] and english["advice"]
    assert english["summary"] != spanish["summary"] and english["advice"] != spanish["advice"]


@pytest.mark.parametrize("code", CODES)
def test_a_code_alone_is_taken_apart_digit_by_digit(code):
    for language in ("en", "es"):
        shown = explain("--lang", language, code).stdout
        for name in (f"{code[0]}yz", f"x{code[1]}z", code):
            assert re.search(rf"- {name}: \w+", shown), shown


def test_enhanced_codes_are_taken_apart_too():
    for text in ("5.7.1", "#5.7.1", "550 5.7.1"):
        shown = explain(text).stdout
        for name in ("5.y.z", "x.7.z", "x.7.1"):
            assert f"- {name}: " in shown


def test_json_has_the_promised_shape():
    answer = asked("550 5.1.1 <luis@example.com>: User unknown")
    assert answer["kind"] == "reply" and len(answer["recipients"]) == 1
    one = answer["recipients"][0]
    assert SHAPE <= one.keys()
    assert one["bounce_class"] == "userunknown" and one["hard"] and one["permanent"]
    assert one["status"] == "5.1.1" and "User unknown" in one["evidence"] and one["confidence"] > 0.9


def test_a_text_a_file_and_standard_input_are_read_alike(tmp_path):
    (tmp_path / "bounce").write_text(BOUNCE)
    from_file = asked("-f", tmp_path / "bounce")
    assert from_file == asked("-", stdin=BOUNCE) == asked(stdin=BOUNCE) == asked("--file", "-", stdin=BOUNCE)
    assert [(r["recipient"], r["reason"]) for r in from_file["recipients"]] == [
        ("luis@example.com", "no-mailbox"), ("eva@example.com", "mailbox-full")]


def test_steps_differ_by_who_reads_them():
    advice = [asked("--depth", depth, "550 5.1.1 User unknown")["recipients"][0]["advice"]
              for depth in ("user", "owner", "postmaster")]
    assert len(set(advice)) == 3


def test_a_minus_err_line_is_a_text_and_not_an_option():
    assert asked("-ERR [IN-USE] mailbox locked by another session")["recipients"][0]["reason"] == "mailbox-in-use"


def test_what_nobody_knows_stays_unknown():
    answer = asked("qwertyuiop asdfghjkl")
    assert answer["kind"] == "unknown" and answer["recipients"][0]["reason"] == "unknown-failure"
    assert answer["recipients"][0]["confidence"] == 0


def test_a_folder_adds_reasons_texts_and_languages(tmp_path):
    (tmp_path / "ours.txt").write_text(
        "[cat-on-keyboard]\nclass: undefined\nwho: nobody\nretry: soon\n"
        "says: feline on the keyboard\nexample: 451 A feline on the keyboard\n"
        "[cat-on-keyboard en]\nsummary: A cat sits on the keyboard.\n"
        "[cat-on-keyboard fr]\nsummary: Un chat est sur le clavier.\n")
    text = "451 there is a feline on the keyboard"
    assert asked(text)["recipients"][0]["reason"] == "unknown-failure"
    ours = asked("--catalogue", tmp_path, text)["recipients"][0]
    assert (ours["reason"], ours["summary"]) == ("cat-on-keyboard", "A cat sits on the keyboard.")
    french = asked("--catalogue", tmp_path, "--lang", "fr", text)["recipients"][0]
    assert french["summary"] == "Un chat est sur le clavier."


def test_a_folder_with_mistakes_is_refused_with_their_places(tmp_path):
    (tmp_path / "ours.txt").write_text("[x]\nclas: undefined\n")
    run = explain("--catalogue", tmp_path, "550", expected=65)
    assert "ours.txt:2:" in run.stderr and "class" in run.stderr


def test_wrong_use_is_told():
    assert "depth" in explain("--depth", "guru", "550", expected=64).stderr
    assert "/nowhere/at/all" in explain("-f", "/nowhere/at/all", expected=66).stderr
    assert explain("--lang", "es", "-f", "/nowhere/at/all", expected=66).stderr.startswith("valija: no se puede leer")


def test_ten_megabytes_of_anything_are_read_and_more_is_said_to_be_too_long():
    run = explain("-", stdin="550 5.1.1 User unknown\n" + "x y z " * 2_000_000)
    assert "no-mailbox" in run.stdout and run.stderr


def test_a_refusal_of_ours_is_explained_by_its_name_and_its_reference_is_in_the_log(demo):
    with Smtp(demo) as smtp:
        smtp.ehlo()
        smtp.say("MAIL FROM:<luis@elsewhere.example>")
        reply = smtp.say("RCPT TO:<nobody@demo.example>")
    one = asked(reply)["recipients"][0]
    assert one["reason"] == "no-mailbox" and one["confidence"] > 0.95
    assert f"ref={one['reference']}" in demo.log()
