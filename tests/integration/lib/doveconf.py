# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dovecot's configuration as its own tools read it, without a Dovecot that runs."""

import json
import subprocess
from pathlib import Path

from lib import series
from lib.render_2_4 import VERSION

HEAD = {
    "2.3": "",
    "2.4": f"dovecot_config_version = {VERSION}\ndovecot_storage_version = {VERSION}\n",
}


def run(command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


class Conf:
    """A dovecot.conf of its own, and a file that it may include."""

    def __init__(self, folder: Path, text: str = ""):
        self.path = folder / "dovecot.conf"
        self.included = folder / "included.conf.ext"
        self.include = f"!include {self.included}\n"
        self.write(text)

    def write(self, text: str) -> None:
        self.path.write_text(HEAD[series.installed().name] + text)

    def doveconf(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run("doveconf", "-c", self.path, *arguments)

    def doveadm(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run("doveadm", "-c", self.path, *arguments)

    def shown(self, name: str, *filters: str) -> str:
        """A setting of ours, as doveconf shows it by itself: what is expanded is
        expanded, and nothing hidden because it looks like a password."""
        answer = self.doveconf("-x", "-P", *filters, "-h", name)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.removesuffix("\n")

    def refusal(self) -> str:
        """What doveconf says of it, which refuses it."""
        answer = self.doveconf("-n")
        assert answer.returncode != 0, f"taken:\n{self.path.read_text()}"
        return answer.stderr.splitlines()[-1]

    def rows(self) -> dict[str, dict[str, str]]:
        """What `doveadm pwned config` says of each setting."""
        answer = self.doveadm("-f", "json", "pwned", "config")
        assert answer.returncode == 0, answer.stderr
        return by_setting(answer.stdout)


def by_setting(answer: str) -> dict[str, dict[str, str]]:
    """Rows of `doveadm -f json pwned config`."""
    return {row.pop("setting"): row for row in json.loads(answer)}
