# SPDX-License-Identifier: LGPL-2.1-or-later
"""The customers of the tests. The clean passwords are in no list of anything."""

from dataclasses import dataclass

import ranges


@dataclass(frozen=True)
class User:
    name: str
    password: str


CLEAN = User("clean", "Mdf7-wKq2Zr_euVx9")
CLEAN2 = User("clean2", "jT4.uPzn8-Ly3qBsd")
BREACHED = User("breached", ranges.breached_passwords()[41])
BREACHED2 = User("breached2", ranges.breached_passwords()[777])
MASTER = User("master", "x9Gv-Rw5bNkc_Ta2h")
CUSTOMERS = (CLEAN, CLEAN2, BREACHED, BREACHED2)
WRONG_PASSWORD = "Hs6e-Qy1mUfo_Kp4j"
