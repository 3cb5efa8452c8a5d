# SPDX-License-Identifier: LGPL-2.1-or-later
"""Users by the dozen, each with a password, and so a prefix, of his own."""

from itertools import islice

import ranges
from lib.users import CUSTOMERS, User


def _breached_passwords(number: int) -> list[str]:
    """From the list, without those of the customers."""
    taken = {user.password for user in CUSTOMERS}
    free = (word for word in ranges.breached_passwords() if word not in taken)
    return list(islice(free, number))


class Crowd:
    """Hands out users who have not logged in yet, so that nothing is known of
    their prefixes."""

    def __init__(self, breached: int = 0, clean: int = 0):
        self._breached = [
            User(f"breached-{number}", password)
            for number, password in enumerate(_breached_passwords(breached))
        ]
        self._clean = [
            User(f"clean-{number}", f"Kv7_{number:05}-pQz3xWm")
            for number in range(clean)
        ]
        self.users = (*self._breached, *self._clean)

    def breached(self, number: int) -> list[User]:
        return [self._breached.pop() for _ in range(number)]

    def clean(self, number: int) -> list[User]:
        return [self._clean.pop() for _ in range(number)]


def logins(*users: User) -> list[tuple[str, str]]:
    """As AuthSocket.plain_many() takes them."""
    return [(user.name, user.password) for user in users]
