"""What the benchmarks share: rows of numbers beside their targets, and the generator."""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test/e2e"))

import service as services  # noqa: E402

LOAD = services.BUILD / "bench-load"
MAILBOXES = 50


class Table:
    """Rows of name, value, unit and target, printed as they come."""

    def __init__(self, as_json):
        self.as_json = as_json

    def put(self, name, value, unit, least=None, most=None):
        met = (least is None or value >= least) and (most is None or value <= most)
        target = f">= {least:,.10g}" if least is not None else f"<= {most:,.10g}" if most is not None else ""
        if self.as_json:
            print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "target": target,
                              "met": met}), flush=True)
        else:
            verdict = "" if not target else "ok" if met else "MISSED"
            print(f"{name:<52} {value:>11,.2f} {unit:<8} {target:<12} {verdict}", flush=True)


def load(*words):
    """The JSON objects that bench-load prints, by what they measure."""
    done = subprocess.run([LOAD, *map(str, words), "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench-load {' '.join(map(str, words))}: {done.stderr}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row.get("what", "memory"): row for row in rows}


def with_mailboxes(service):
    """A domain with mailboxes for the generator; the file that tells it of them."""
    service.run("domain", "add", "bench.example")
    names = [f"u{n}@bench.example" for n in range(MAILBOXES)]
    bulk = "".join(f"{name} {{plain}}secret-{i}\n" for i, name in enumerate(names))
    service.run("account", "add", "--from", "-", stdin=bulk)
    accounts = service.folder / "accounts"
    accounts.write_text("".join(f"{name} secret-{i}\n" for i, name in enumerate(names)))
    return accounts


def relay_rate(port, out, folder, messages, *options, destinations=1, **case):
    """Messages a second from the first MAIL to `port` until the sink at `out` has the last one, with a warm-up
    before. `case`: connections, recipients, size."""
    to = folder / "to"
    to.write_text("".join(f"r{n}@d{n % destinations}.sink.example none\n" for n in range(1000)))
    words = ["--smtp", port, "--out", out, "--accounts", to, *options]
    for name, value in case.items():
        words += [f"--{name}", value]
    load("relay", *words, "--messages", max(case["connections"], messages // 20))
    return load("relay", *words, "--messages", messages)["relay"]["readable_rate"]
