# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a million accounts on record cost: logins, doveadm, and the time from AUTH
to a committed hold. Runs inside a root; see README."""

import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

from bench import PASSWORDS, Source, fill
from figures import aim, figures, heads
from lib.authsocket import AuthSocket
from lib.doveadm import Pwned
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup, Verifier
from lib.users import BREACHED, User
from subjects import (
    Kind,
    arguments,
    customers,
    logins_file,
    measure,
    ours,
    passwords,
    start,
)

ACCOUNTS = 1_000_000
DOMAINS = 1_000
HOLDS = 1_000
FILL_AT_ONCE = 50_000
# From auth's start until it knows whom something is on record of.
LOADED_SECS = 30

MOST_LOST = 0.02  # of (b)'s rate, beside one without
FIRST_ROW_SECS = 1
REPORT_SECS = 5
MOST_DOVEADM_MB = 64


def accounts() -> Iterator[tuple[object, ...]]:
    """Flagged over the last three months, by any service."""
    now = int(time.time())
    for number in range(ACCOUNTS):
        domain = f"domain{number % DOMAINS:04}.example"
        flagged = now - number % 7_000_000
        band = 1 + number % 4
        service = ("imap", "smtp", "pop3")[number % 3]
        name = f"user{number:07}@{domain}"
        yield domain, name, 1, flagged, flagged, flagged, band, service


def fill_flags(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN")
        database.executemany(
            "INSERT INTO flag (domain, username, state, since, breached, decided, "
            "band, service) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            sorted(accounts()),
        )
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for name in file.parent.glob("flags.db*"):
        os.chown(name, file.parent.stat().st_uid, file.parent.stat().st_gid)


def make_flags(kind: Kind, state: Path) -> None:
    """In the form that auth itself makes."""
    first = User("first", *passwords(1, "of the first"))
    setup = Setup(checker=kind.checker, settings=kind.settings, users=(first,))
    with Dovecot(setup).start() as dovecot:
        with AuthSocket(dovecot.auth_client_socket) as client:
            client.plain(first.name, first.password)
        deadline = time.monotonic() + LOADED_SECS
        while not (state / "flags.db").exists():
            assert time.monotonic() < deadline, "no flags.db"
            time.sleep(0.1)
        time.sleep(1)
    fill_flags(state / "flags.db")


def has_row(form: str, output: bytes) -> bool:
    """JSON is one line; the others begin with one of headings."""
    return b"}" in output if form == "json" else output.count(b"\n") > 1


def without_records(kind: Kind) -> Kind:
    lines = [
        "pwned_state_dir =" if line.startswith("pwned_state_dir") else line
        for line in kind.settings.splitlines()
    ]
    return replace(kind, settings="\n".join(lines) + "\n")


def first_row_secs(command: list[str | Path], form: str) -> float:
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        output = b""
        while not has_row(form, output):
            piece = process.stdout.read1()
            assert piece, "no row"
            output += piece
        secs = time.monotonic() - started
        while process.stdout.read(65536):
            pass
    return secs


def peak_kb(pid: int) -> int:
    """The most memory that a process has had; 0: it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) if found else 0


def run_secs(command: list[str | Path]) -> tuple[float, int]:
    """How long it takes, and its memory in MB. Not from rusage: that of a child
    begins with what its parent has."""
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_kb(process.pid))
            time.sleep(0.005)
    assert process.returncode == 0
    return time.monotonic() - started, peak // 1024


def show_doveadm(dovecot: Dovecot) -> None:
    pwned = Pwned(dovecot)
    print(f"\ndoveadm, {ACCOUNTS:,} accounts")
    for form in "table", "tab", "json":
        command = pwned.command("list", form=form)
        secs = median(first_row_secs(command, form) for _ in range(3))
        print(aim(f"list -f {form}: first row, s", secs, FIRST_ROW_SECS, at_least=False))
    runs = [run_secs(pwned.command("report", form="tab")) for _ in range(3)]
    secs = median(secs for secs, _ in runs)
    print(aim("report, s", secs, REPORT_SECS, at_least=False))
    whole, peak = run_secs(pwned.command("list", form="tab"))
    megabytes = max(peak, *(peak for _, peak in runs))
    print(f"{'list, whole, s':34}{whole:.2f}")
    print(
        aim("list and report, memory, MB", megabytes, MOST_DOVEADM_MB, at_least=False)
    )


def show_holds(settings: str, disk: Path) -> None:
    """One login at a time of an account that is not held yet: what it takes beside
    one that is."""
    kind = ours(disk, settings + "pwned_policy = *=hold\npwned_brake_share = 0\n")
    users = tuple(User(f"held{n}", BREACHED.password) for n in range(HOLDS))
    setup = Setup(checker=kind.checker, settings=kind.settings, users=users)
    with (
        Dovecot(setup).start() as dovecot,
        AuthSocket(dovecot.auth_client_socket) as client,
    ):
        client.plain(users[0].name, users[0].password)
        time.sleep(2)
        print(f"\nfrom AUTH to its answer, us, {HOLDS} accounts")
        for what in "held by this login", "held before":
            secs = [client.plain(user.name, user.password).secs for user in users[1:]]
            steps = quantiles(secs, n=100)
            print(f"{what:34}p50 {steps[49] * 1e6:,.0f}   p99 {steps[98] * 1e6:,.0f}")


def main() -> None:
    options = arguments(__doc__, rounds=15).parse_args()
    print(
        f"{PASSWORDS} clean passwords of 20,000 users, {options.rounds} rounds of "
        f"{options.secs:g} s; medians\n"
        "(b) a passdb that does nothing in our place   (c) with us, no records kept\n"
        f"(d) with us, nobody on record   (e) with us, {ACCOUNTS:,} others on record"
    )
    users = customers(passwords(PASSWORDS))
    with ExitStack() as stack:
        source = Source(stack)
        kinds = {
            "b": Kind("nothing"),
            "c": without_records(ours(options.disk / "c", source.settings)),
            "d": ours(options.disk / "d", source.settings),
            "e": ours(options.disk / "e", source.settings),
        }
        make_flags(kinds["e"], options.disk / "e/state")
        subjects = start(kinds, Verifier.PLAIN, users, stack)
        for letter in "cde":
            fill(subjects[letter], users, source)
        time.sleep(LOADED_SECS)
        with logins_file(users) as logins:
            measure(subjects, logins, options)
        found = figures(subjects)
        print(heads("PLAIN", found))
        print(*found.values(), sep="\n")
        print("\nAims")
        rates = found["rate"].ratios
        for letter in "cd":
            print(
                aim(
                    f"logins per second, ({letter})/(b) - (e)/(b)",
                    rates[letter] - rates["e"],
                    MOST_LOST,
                    at_least=False,
                )
            )
        show_doveadm(subjects["e"].dovecot)
        show_holds(source.settings, options.disk / "f")


if __name__ == "__main__":
    main()
