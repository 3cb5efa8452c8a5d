# SPDX-License-Identifier: LGPL-2.1-or-later
"""What logins cost while the source is dead and the store is warm. Runs inside a
root; see README."""

from contextlib import ExitStack

from figures import aim, figures, heads
from lib.dovecot_config import Verifier
from lib.ports import free_port
from lib.range_source import FaultyServer
from lib.users import User
from subjects import (
    BUSY,
    USERS,
    Kind,
    Subject,
    arguments,
    customers,
    fill_store,
    logins_file,
    measure,
    ours,
    passwords,
    start,
)

PASSWORDS = 500
# One login of so many has a password that the store does not know: more than
# the percent that p99 leaves out.
UNKNOWN_EACH = 50
# Longer than pwned_fetch_timeout: by then the breaker is open.
WARM_UP_SECS = 8

MOST_P99 = 1.3  # of (b)


def users() -> list[User]:
    known = customers(passwords(PASSWORDS))
    unknown = passwords(USERS // UNKNOWN_EACH, "unknown")
    for number, password in enumerate(unknown):
        at = number * UNKNOWN_EACH
        known[at] = User(known[at].name, password)
    return known


def counter(subject: Subject, name: str) -> int:
    """From the state file."""
    settings = subject.dovecot.setup.settings.splitlines()
    (folder,) = (
        line.split()[-1] for line in settings if line.startswith("pwned_state_dir ")
    )
    with open(f"{folder}/auth.state") as state:
        (value,) = (line.split()[-1] for line in state if line.startswith(f"{name} "))
    return int(value)


def main() -> None:
    options = arguments(__doc__, rounds=5).parse_args()
    print(
        f"{PASSWORDS} passwords of 20,000 users in the store, and one login of "
        f"{UNKNOWN_EACH} with one that is not; {options.rounds} rounds of "
        f"{options.secs:g} s; medians\n"
        "(b) a passdb that does nothing in our place\n"
        "(c) with us, connections refused   (d) with us, connections hang"
    )
    everybody = users()
    with ExitStack() as stack:
        hole = stack.enter_context(FaultyServer("black-hole"))
        refused = f"http://127.0.0.1:{free_port()}/range/"
        kinds = {
            "b": Kind("nothing"),
            "c": ours(options.disk / "c", f"pwned_source = {refused}\n"),
            "d": ours(options.disk / "d", f"pwned_source = {hole.url}\n"),
        }
        for letter in "cd":
            fill_store(
                options.fill_store,
                options.disk / letter / "store",
                passwords(PASSWORDS),
            )
        subjects = start(kinds, Verifier.PLAIN, everybody, stack)
        with logins_file(everybody) as logins:
            for letter, subject in subjects.items():
                first = subject.run_once(options.load, logins, BUSY, WARM_UP_SECS)
                print(
                    f"({letter}), the first {WARM_UP_SECS} s: {first.rate:,.0f} "
                    f"logins a second, p99 {first.p99_usecs:,.0f} us"
                )
            measure(subjects, logins, options)
        found = figures(subjects)
        for letter in "cd":
            opened = counter(subjects[letter], "counted_breaker_opened")
            assert opened > 0, f"({letter}): the breaker is not open"
    print(heads("PLAIN", found))
    print(*found.values(), sep="\n")
    print("\nAims")
    for name in "p99", "p99 alone":
        for letter, ratio in found[name].ratios.items():
            text = f"{found[name].name}: ({letter}) / (b)"
            print(aim(text, ratio, MOST_P99, at_least=False))


if __name__ == "__main__":
    main()
