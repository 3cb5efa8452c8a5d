# SPDX-License-Identifier: LGPL-2.1-or-later
"""The release series of Dovecot: how each is told what to do (a renderer), and
what each says in words of its own."""

import re
import subprocess
from dataclasses import dataclass
from functools import cache

from lib.render_2_3 import Renderer23
from lib.render_2_4 import Renderer24
from lib.renderer import Renderer


@dataclass(frozen=True)
class Series:
    name: str
    renderer: type[Renderer]
    # The log's line of a denial, as an operator's filter has it, and what there
    # is of a session's id; patterns with places for a user and an address.
    denial: str
    # The log's words of a login.
    logged_in: str
    # Where auth says that a mistake is which it found itself.
    place_of_mistake: str
    # Whether doveadm finds the settings that auth has without being told the file.
    doveadm_knows_our_settings: bool
    # So much of a label's value the OpenMetrics listener shows; 0: all of it.
    label_chars: int

    def denial_line(self, user: str, address: str) -> str:
        """A pattern, from two."""
        return self.denial.format(user=user, address=address)

    def hold_line(self, user: str, address: str) -> str:
        """A pattern, from two."""
        return self.denial_line(user, address).replace("Login refused", "Mail held")

    def label(self, value: str) -> str:
        """As a metric has it."""
        if self.label_chars and len(value) > self.label_chars:
            return value[: self.label_chars - 1] + "\N{HORIZONTAL ELLIPSIS}"
        return value

    def login_line(self, service: str, user: str) -> str:
        """A pattern."""
        return rf"{service}-login: Info: {self.logged_in}: user=<{re.escape(user)}>.*"


ALL = (
    Series(
        name="2.3",
        renderer=Renderer23,
        denial=r"auth: Info: pwned\({user},{address}(?:,<[^>]*>)?\): "
        "Login refused: breached password",
        logged_in="Login",
        place_of_mistake="{file} line {line}: ",
        doveadm_knows_our_settings=False,
        label_chars=32,
    ),
    Series(
        name="2.4",
        renderer=Renderer24,
        denial=r"auth\({user},{address},sasl:\w+\)(?:<[^>]*>)?: Info: pwned: "
        "Login refused: breached password",
        logged_in="Logged in",
        # All values look alike to it, wherever Dovecot has found them.
        place_of_mistake="",
        doveadm_knows_our_settings=True,
        label_chars=0,
    ),
)


@cache
def installed() -> Series:
    version = subprocess.run(
        ["dovecot", "--version"], check=True, capture_output=True, text=True
    ).stdout
    return next(series for series in ALL if version.startswith(f"{series.name}."))
