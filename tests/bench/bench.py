# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a login costs with our passdb. Runs inside a root; see README."""

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import shake_128
from pathlib import Path
from statistics import median
from typing import Self

import ranges
from lib.authsocket import AuthSocket
from lib.certificates import CertificateAuthority, trust
from lib.clients import sasl_plain
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup, Verifier
from lib.processes import wait_until
from lib.range_source import Nginx, RangeServer
from lib.users import BREACHED, User

USERS = 20_000
# Their ranges, of 14 KB each, fit the default pwned_cache_size of 8 MB.
PASSWORDS = 500
FILL_AT_ONCE = 20
BUSY, ALONE = 64, 1  # logins in flight
WARM_UP_SECS = 0.1
# A run in which auth had no core for longer than this is made again, so often.
QUIET_PERCENT = 2
TRIES = 3
VERIFIERS = {Verifier.PLAIN: "PLAIN", Verifier.SHA512_CRYPT: "SHA512-CRYPT"}
# The passdb driver behind the one that verifies.
CHECKERS = {"a": None, "b": "nothing", "c": "pwned"}

LEAST_RATE = {Verifier.PLAIN: 0.90, Verifier.SHA512_CRYPT: 0.98}  # (c) of (b)
MOST_MEMORY_MB = 16  # VmHWM of (c) above (a)
VSZ_LIMIT_MB = 256  # default_vsz_limit


@dataclass(frozen=True)
class Cores:
    """One for the load, one for auth."""

    load: int
    auth: int

    @classmethod
    def choose(cls) -> Self:
        available = sorted(os.sched_getaffinity(0))
        if len(available) < 2:
            raise SystemExit("bench: auth and the load need a core each")
        return cls(*available[:2])


@dataclass(frozen=True)
class Sample:
    """One run of the load."""

    rate: float  # logins per second
    cpu_usecs: float  # of auth, each login
    kept_waiting: float  # percent of its time that auth had no core
    p50_usecs: float
    p99_usecs: float


class Subject:
    """A Dovecot that is measured, its auth process on a core of its own."""

    def __init__(self, dovecot: Dovecot, cores: Cores):
        self.dovecot = dovecot
        self.busy: list[Sample] = []
        self.alone: list[Sample] = []
        self._cores = cores
        # Auth ends itself after a minute without a client, and its cache with it.
        self.client = AuthSocket(dovecot.auth_client_socket)
        self._pid = dovecot.auth_pid()
        os.sched_setaffinity(self._pid, {cores.auth})

    def _scheduled_nsecs(self) -> tuple[int, int]:
        """How long auth has run, and how long it was ready but had no core."""
        ran, waited, _ = Path(f"/proc/{self._pid}/schedstat").read_text().split()
        return int(ran), int(waited)

    def memory_mb(self, name: str) -> float:
        for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return int(value.split()[0]) / 1024
        raise KeyError(name)

    def run(self, load: Path, logins: Path, in_flight: int, secs: float) -> Sample:
        """The quietest of some runs, or the first that is quiet."""
        samples = []
        # Alone, each login waits for auth to wake up: that is what it is to show.
        for _ in range(1 if in_flight == ALONE else TRIES):
            samples.append(self._run_once(load, logins, in_flight, secs))
            if samples[-1].kept_waiting < QUIET_PERCENT:
                break
        return min(samples, key=lambda sample: sample.kept_waiting)

    def _run_once(
        self, load: Path, logins: Path, in_flight: int, secs: float
    ) -> Sample:
        before = self._scheduled_nsecs()
        command = [
            *("taskset", "--cpu-list", str(self._cores.load), load),
            *("-n", str(in_flight), "-w", str(WARM_UP_SECS), "-t", str(secs)),
            *(self.dovecot.auth_client_socket, logins),
        ]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        found = json.loads(output)
        after = self._scheduled_nsecs()
        ran, waited = (b - a for a, b in zip(before, after, strict=True))
        return Sample(
            cpu_usecs=ran / 1000 / found.pop("total"),
            kept_waiting=100 * waited / (ran + waited),
            **found,
        )


class Source:
    """The range API as it is: TLS, HTTP/2, compression, verified by the system's
    certificates."""

    def __init__(self, stack: ExitStack):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority = CertificateAuthority(folder)
        trust(authority.file)
        folder.chmod(0o755)
        self.server = stack.enter_context(RangeServer())
        nginx = stack.enter_context(
            Nginx(self.server, authority.issue("range.test"))
        )
        self.settings = f"pwned_source = {nginx.url}\n"


def passwords() -> Iterator[str]:
    """In no breach, and the same every time."""
    for number in range(PASSWORDS):
        yield shake_128(f"bench {number}".encode()).hexdigest(8)


def customers() -> list[User]:
    """Those with the same password lie far from each other."""
    known = list(passwords())
    return [User(f"user{n:05}", known[n % PASSWORDS]) for n in range(USERS)]


def fill_cache(subject: Subject, users: Iterable[User], source: Source) -> None:
    """Logs in with each password once, and shows that each was looked up."""
    distinct = {user.password: (user.name, user.password) for user in users}
    prefixes = {ranges.split_digest(password)[0] for password in distinct}
    replies = subject.client.plain_many(distinct.values(), FILL_AT_ONCE)
    assert all(reply.ok for reply in replies), "a clean password was refused"
    wait_until(
        lambda: prefixes <= set(source.server.prefixes()), "a range for every password"
    )


def start(verifier: Verifier, source: Source, stack: ExitStack) -> dict[str, Subject]:
    users = customers()
    cores = Cores.choose()
    subjects = {}
    for letter, checker in CHECKERS.items():
        setup = Setup(
            verifier=verifier,
            checker=checker,
            settings=source.settings,
            users=(*users, BREACHED),
            metrics=False,
        )
        dovecot = stack.enter_context(Dovecot(setup).start())
        subjects[letter] = Subject(dovecot, cores)
        stack.callback(subjects[letter].client.close)
        # That the three are what they are called.
        reply = subjects[letter].client.plain(BREACHED.name, BREACHED.password)
        assert reply.ok is (checker != "pwned"), f"({letter}): {reply}"
    fill_cache(subjects["c"], users, source)
    return subjects


def measure(
    subjects: dict[str, Subject], source: Source, options: argparse.Namespace
) -> None:
    """The subjects take turns, so that what slows the machine slows them all."""
    asked = len(source.server.prefixes())
    with tempfile.NamedTemporaryFile("wb") as logins:
        for user in customers():
            response = sasl_plain(user.name, user.password)
            logins.write(b"%s\t%s\n" % (user.name.encode(), response))
        logins.flush()
        file = Path(logins.name)
        for number in range(options.rounds):
            order = sorted(subjects, reverse=number % 2 == 1)
            for subject in (subjects[letter] for letter in order):
                subject.busy.append(
                    subject.run(options.load, file, BUSY, options.secs)
                )
                subject.alone.append(
                    subject.run(options.load, file, ALONE, options.secs)
                )
    again = len(source.server.prefixes()) - asked
    assert again == 0, f"the cache was not warm: {again} look-ups"


@dataclass(frozen=True)
class Figure:
    """One line: a figure of (a), (b) and (c), and (c) in proportion to (b)."""

    name: str
    values: dict[str, float]
    ratio: float

    def __str__(self) -> str:
        columns = "".join(
            f"{value:>14,.{0 if value >= 1000 else 1}f}"
            for value in self.values.values()
        )
        return f"{self.name:36}{columns}{self.ratio:>10.3f}"


def of_samples(
    name: str, subjects: dict[str, Subject], runs: str, field: str
) -> Figure:
    """Medians of all rounds. The ratio is the median of each round's own."""
    values = {
        letter: [getattr(sample, field) for sample in getattr(subject, runs)]
        for letter, subject in subjects.items()
    }
    ratios = [c / b for b, c in zip(values["b"], values["c"], strict=True) if b]
    return Figure(name, {k: median(v) for k, v in values.items()}, median(ratios))


def of_memory(name: str, subjects: dict[str, Subject], field: str) -> Figure:
    values = {letter: subject.memory_mb(field) for letter, subject in subjects.items()}
    return Figure(name, values, values["c"] / values["b"])


def figures(subjects: dict[str, Subject]) -> dict[str, Figure]:
    busy, alone = f"{BUSY} at a time", "one at a time"
    return {
        "rate": of_samples(f"logins per second, {busy}", subjects, "busy", "rate"),
        "cpu": of_samples("auth's time per login, us", subjects, "busy", "cpu_usecs"),
        "p50": of_samples(f"latency p50, {busy}, us", subjects, "busy", "p50_usecs"),
        "p99": of_samples(f"latency p99, {busy}, us", subjects, "busy", "p99_usecs"),
        "p50 alone": of_samples(
            f"latency p50, {alone}, us", subjects, "alone", "p50_usecs"
        ),
        "p99 alone": of_samples(
            f"latency p99, {alone}, us", subjects, "alone", "p99_usecs"
        ),
        "VmHWM": of_memory("VmHWM of auth, MB", subjects, "VmHWM"),
        "waited": of_samples(
            "auth was kept waiting, %", subjects, "busy", "kept_waiting"
        ),
        "RssAnon": of_memory("RssAnon of auth at the end, MB", subjects, "RssAnon"),
        "VmPeak": of_memory("VmPeak of auth, MB", subjects, "VmPeak"),
    }


def aim(text: str, value: float, limit: float, at_least: bool) -> str:
    met = value >= limit if at_least else value <= limit
    bound = f"{'at least' if at_least else 'at most'} {limit:g}"
    return f"{text:52}{value:>8.3f}   {bound:14} {'met' if met else 'MISSED'}"


def aims(verifier: Verifier, found: dict[str, Figure]) -> Iterator[str]:
    scheme = VERIFIERS[verifier]
    resident, peak = found["VmHWM"].values, found["VmPeak"].values
    yield aim(
        f"{scheme}: logins per second, (c) / (b)",
        found["rate"].ratio,
        LEAST_RATE[verifier],
        at_least=True,
    )
    yield aim(
        f"{scheme}: VmHWM of (c) above (a), MB",
        resident["c"] - resident["a"],
        MOST_MEMORY_MB,
        at_least=False,
    )
    yield aim(
        f"{scheme}: VmPeak of (c), MB", peak["c"], VSZ_LIMIT_MB, at_least=False
    )


def bench(verifier: Verifier, options: argparse.Namespace) -> dict[str, Figure]:
    with ExitStack() as stack:
        source = Source(stack)
        subjects = start(verifier, source, stack)
        measure(subjects, source, options)
        return figures(subjects)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load", type=Path, required=True, help="the program load")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--secs", type=float, default=0.5, help="of one run")
    options = parser.parse_args()

    print(
        f"{USERS:,} users, {PASSWORDS} passwords, {options.rounds} rounds of "
        f"{options.secs:g} s; medians\n"
        "(a) without us   (b) a passdb that does nothing in our place   "
        "(c) with us, warm cache"
    )
    results = {}
    for verifier, scheme in VERIFIERS.items():
        results[verifier] = bench(verifier, options)
        heads = "".join(f"{f'({letter})':>14}" for letter in CHECKERS)
        print(f"\n{scheme:36}{heads}{'(c)/(b)':>10}")
        print(*results[verifier].values(), sep="\n", flush=True)
    print("\nAims")
    for verifier, found in results.items():
        print(*aims(verifier, found), sep="\n")


if __name__ == "__main__":
    main()
