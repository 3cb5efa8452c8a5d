# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private Dovecot, of whatever series is installed."""

import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from lib import dovecot_config, series
from lib.authsocket import AuthSocket
from lib.dovecot_config import MAIL_UID, PROTOCOLS, Place, Setup, Verifier
from lib.ports import free_port
from lib.processes import Daemon, LogFile, wait_until
from lib.users import User

METRIC_LINE = re.compile(r"(\w+)(?:\{(.*)\})? ([0-9.e+-]+)")
METRIC_LABEL = re.compile(r'(\w+)="([^"]*)"')


def add_system_users(users: Iterable[User]) -> None:
    """For PAM. They stay until the root's scratch layer goes."""
    for user in users:
        subprocess.run(["useradd", "--no-create-home", user.name], check=False)
        subprocess.run(
            ["chpasswd"], input=f"{user.name}:{user.password}\n", text=True, check=True
        )


class Dovecot(Daemon):
    def __init__(self, setup: Setup):
        super().__init__("dovecot")
        ports = {name: free_port() for name in (*PROTOCOLS, "stats")}
        self.place = Place(self.folder, ports)
        self.ports = ports
        self.setup = setup
        self.log = LogFile(self.place.log)
        self.logs.append(self.log)
        self.config = self.folder / "dovecot.conf"
        home = self.folder / "home"
        home.mkdir()
        os.chown(home, MAIL_UID, MAIL_UID)
        if setup.verifier is Verifier.PAM:
            add_system_users(setup.users)
        self.configure(setup)

    @property
    def auth_client_socket(self) -> Path:
        return self.place.run / "auth-client"

    @property
    def postfix_socket(self) -> Path:
        return self.place.run / "auth-postfix"

    def configure(self, setup: Setup) -> None:
        """Writes the files; a running Dovecot reads them at its next reload."""
        self.setup = setup
        dovecot_config.write_files(setup, self.place)
        config = series.installed().renderer(setup, self.place).text()
        self.config.write_text(config)

    def change(self, **changes: object) -> None:
        """Writes the files with some words of the setup changed."""
        self.configure(replace(self.setup, **changes))

    def start(self) -> "Dovecot":
        # It says so when it listens; a probe would start processes.
        before = self.log.end()
        self.launch(
            ["dovecot", "-F", "-c", self.config],
            ready=lambda: "starting up for" in self.log.text(before),
        )
        return self

    def reload(self) -> None:
        """Returns when the master has taken up the new configuration: the last
        thing that it then does is to start a log process anew."""
        before = self._pids("dovecot/log")
        self.signal(signal.SIGHUP)
        wait_until(
            lambda: self._pids("dovecot/log").difference(before), "reload of dovecot"
        )

    def end_auth(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Returns when those that there are have gone; the next login starts
        another."""
        ended = set(self.auth_pids())
        for pid in ended:
            os.kill(pid, number)
        wait_until(lambda: ended.isdisjoint(self.auth_pids()), "end of auth")

    def doveadm(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = ["doveadm", "-c", self.config, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60
        )

    def children(self) -> dict[int, list[str]]:
        """The command lines of the master's children."""
        pids = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        lines = {}
        for pid in map(int, pids):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            lines[pid] = line.rstrip(b"\0").decode().split("\0")
        return lines

    def _pids(self, command: str) -> set[int]:
        return {pid for pid, line in self.children().items() if line[0] == command}

    def auth_pids(self, worker: bool = False) -> list[int]:
        """Auth processes, of which there are two for a while after a reload."""
        return [
            pid
            for pid, line in self.children().items()
            if line[0] == "dovecot/auth" and ("-w" in line) is worker
        ]

    def auth_pid(self) -> int:
        """The auth process, started if nobody has needed it so far."""
        AuthSocket(self.auth_client_socket).close()
        wait_until(lambda: len(self.auth_pids()) == 1, "one auth process")
        return self.auth_pids()[0]

    def scrape(self) -> str:
        """What the OpenMetrics listener shows."""
        url = f"http://127.0.0.1:{self.ports['stats']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()

    def metrics(self) -> list[tuple[str, dict[str, str], float]]:
        """Name, labels and value of all that it shows."""
        return [
            (found[1], dict(METRIC_LABEL.findall(found[2] or "")), float(found[3]))
            for found in map(METRIC_LINE.fullmatch, self.scrape().splitlines())
            if found
        ]

    def checks(self, metric: str = "pwned_checks", **labels: str) -> int:
        """How many events of a metric have these labels."""
        # Dovecot shows a count for every leading part of the labels, so one
        # level has all of what is asked for, each event once.
        order = dovecot_config.EVENT_LABELS
        level = max((order.index(label) + 1 for label in labels), default=0)
        name = f"dovecot_{metric}_total" if level else f"dovecot_{metric}_count"
        return sum(
            int(value)
            for found_name, found, value in self.metrics()
            if found_name == name
            and len(found) == level
            and labels.items() <= found.items()
        )

    def wait_for_checks(
        self, number: int, metric: str = "pwned_checks", secs: float = 10, **labels: str
    ) -> None:
        """Events reach the stats process a moment after the client's reply."""
        deadline = time.monotonic() + secs
        while (seen := self.checks(metric, **labels)) < number:
            assert time.monotonic() < deadline, f"{seen} of {number} {labels}"
            time.sleep(0.05)
        assert seen == number, f"{seen} instead of {number} {labels}"
