# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dovecots that are measured by turns, their users, and the load on them."""

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import shake_128
from pathlib import Path
from typing import Self

import ranges
from lib.authsocket import AuthSocket
from lib.clients import sasl_plain
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup, Verifier, auth_folder
from lib.users import BREACHED, User

USERS = 20_000
BUSY, ALONE = 64, 1  # logins in flight
WARM_UP_SECS = 0.1
# A run in which auth had no core for longer than this is made again, so often.
QUIET_PERCENT = 2
TRIES = 3


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
            samples.append(self.run_once(load, logins, in_flight, secs))
            if samples[-1].kept_waiting < QUIET_PERCENT:
                break
        return min(samples, key=lambda sample: sample.kept_waiting)

    def run_once(self, load: Path, logins: Path, in_flight: int, secs: float) -> Sample:
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


@dataclass(frozen=True)
class Kind:
    """What tells a subject from the others."""

    checker: str | None  # the passdb driver behind the one that verifies
    settings: str = ""


def ours(folder: Path, settings: str) -> Kind:
    """With our module, its store and its state on a disk."""
    folder.mkdir(parents=True)
    store = auth_folder(folder / "store")
    state = auth_folder(folder / "state")
    hold = auth_folder(folder / "hold")
    places = (
        f"pwned_store = {store}\npwned_state_dir = {state}\npwned_hold = {hold}\n"
    )
    return Kind("pwned", settings + places)


def start(
    kinds: dict[str, Kind],
    verifier: Verifier,
    users: Iterable[User],
    stack: ExitStack,
) -> dict[str, Subject]:
    cores = Cores.choose()
    subjects = {}
    users = (*users, BREACHED)
    for letter, kind in kinds.items():
        setup = Setup(
            verifier=verifier,
            checker=kind.checker,
            settings=kind.settings,
            users=users,
            metrics=False,
        )
        dovecot = stack.enter_context(Dovecot(setup).start())
        subjects[letter] = Subject(dovecot, cores)
        stack.callback(subjects[letter].client.close)
    return subjects


def passwords(number: int, name: str = "bench") -> list[str]:
    """In no breach, and the same every time."""
    return [
        shake_128(f"{name} {index}".encode()).hexdigest(8) for index in range(number)
    ]


def customers(known: list[str]) -> list[User]:
    """Those with the same password lie far from each other."""
    return [User(f"user{n:05}", known[n % len(known)]) for n in range(USERS)]


@contextmanager
def logins_file(users: Iterable[User]) -> Iterable[Path]:
    """As the load wants it."""
    with tempfile.NamedTemporaryFile("wb") as logins:
        for user in users:
            response = sasl_plain(user.name, user.password)
            logins.write(b"%s\t%s\n" % (user.name.encode(), response))
        logins.flush()
        yield Path(logins.name)


def prefixes(known: Iterable[str]) -> set[str]:
    return {ranges.split_digest(password)[0] for password in known}


def measure(
    subjects: dict[str, Subject], logins: Path, options: argparse.Namespace
) -> None:
    """The subjects take turns, so that what slows the machine slows them all."""
    for number in range(options.rounds):
        order = sorted(subjects, reverse=number % 2 == 1)
        for subject in (subjects[letter] for letter in order):
            for samples, in_flight in (subject.busy, BUSY), (subject.alone, ALONE):
                samples.append(
                    subject.run(options.load, logins, in_flight, options.secs)
                )


def arguments(text: str | None, rounds: int) -> argparse.ArgumentParser:
    """What all of these programs are told."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--load", type=Path, required=True, help="the program load")
    parser.add_argument(
        "--fill-store", type=Path, required=True, help="the program fill-store"
    )
    parser.add_argument(
        "--disk", type=Path, required=True, help="a folder that a disk holds"
    )
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--secs", type=float, default=0.5, help="of one run")
    return parser


def fill_store(program: Path, store: Path, known: Iterable[str] | None) -> None:
    """Made-up ranges for these passwords, or for all there could be."""
    lines = None if known is None else "\n".join(sorted(prefixes(known)))
    which = "all" if known is None else "-"
    subprocess.run([program, which, store], input=lines, text=True, check=True)
    subprocess.run(["chown", "-R", "dovecot:dovecot", store], check=True)
