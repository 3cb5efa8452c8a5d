# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a login costs with our passdb. Runs inside a root; see README."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from figures import Figure, aim, figures, heads
from lib.certificates import CertificateAuthority, trust
from lib.dovecot_config import Verifier
from lib.processes import wait_until
from lib.range_source import Nginx, RangeServer
from lib.users import BREACHED, User
from subjects import (
    Kind,
    Subject,
    arguments,
    customers,
    logins_file,
    measure,
    ours,
    passwords,
    prefixes,
    start,
)

# Their blocks, of 4 KB each, fit the default pwned_cache_size of 8 MB.
PASSWORDS = 500
# The least there may be: 16 blocks.
NO_MEMORY = "pwned_cache_size = 64 KB\n"
FILL_AT_ONCE = 20
VERIFIERS = {Verifier.PLAIN: "PLAIN", Verifier.SHA512_CRYPT: "SHA512-CRYPT"}

LEAST_RATE = {Verifier.PLAIN: 0.90, Verifier.SHA512_CRYPT: 0.98}  # of (b)
MOST_MEMORY_MB = 16  # VmHWM above (a)
VSZ_LIMIT_MB = 256  # default_vsz_limit


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

    def asked(self) -> int:
        return len(self.server.prefixes())


def fill(subject: Subject, users: list[User], source: Source) -> None:
    """Logs in with each password once, and shows that each was looked up; then
    until all is answered from what there is, for the store is written later."""
    before = source.asked()
    logins = [(user.name, user.password) for user in users[:PASSWORDS]]
    wanted = prefixes(password for _, password in logins)

    def log_in() -> None:
        replies = subject.client.plain_many(logins, FILL_AT_ONCE)
        assert all(reply.ok for reply in replies), "a clean password was refused"

    def is_warm() -> bool:
        asked = source.asked()
        log_in()
        return source.asked() == asked

    log_in()
    wait_until(
        lambda: wanted <= set(source.server.prefixes()[before:]),
        "a range for every password",
    )
    wait_until(is_warm, "a warm store")


def bench(
    verifier: Verifier, options: argparse.Namespace, disk: Path
) -> dict[str, Figure]:
    users = customers(passwords(PASSWORDS))
    with ExitStack() as stack:
        source = Source(stack)
        kinds = {
            "a": Kind(None),
            "b": Kind("nothing"),
            "c": ours(disk / "c", source.settings),
            "d": ours(disk / "d", source.settings + NO_MEMORY),
        }
        subjects = start(kinds, verifier, users, stack)
        for letter, subject in subjects.items():
            # That they are what they are called.
            reply = subject.client.plain(BREACHED.name, BREACHED.password)
            checks = kinds[letter].checker == "pwned"
            assert reply.ok is not checks, f"({letter}): {reply}"
            if checks:
                fill(subject, users, source)
        asked = source.asked()
        with logins_file(users) as logins:
            measure(subjects, logins, options)
        again = source.asked() - asked
        assert again == 0, f"the store was not warm: {again} look-ups"
        return figures(subjects)


def aims(verifier: Verifier, found: dict[str, Figure]) -> Iterator[str]:
    scheme = VERIFIERS[verifier]
    resident, peak = found["VmHWM"].values, found["VmPeak"].values
    for letter, ratio in found["rate"].ratios.items():
        yield aim(
            f"{scheme}: logins per second, ({letter}) / (b)",
            ratio,
            LEAST_RATE[verifier],
            at_least=True,
        )
    for letter in found["rate"].ratios:
        yield aim(
            f"{scheme}: VmHWM of ({letter}) above (a), MB",
            resident[letter] - resident["a"],
            MOST_MEMORY_MB,
            at_least=False,
        )
    yield aim(f"{scheme}: VmPeak of (c), MB", peak["c"], VSZ_LIMIT_MB, at_least=False)


def memory(verifier: Verifier, found: dict[str, Figure]) -> str:
    """What the blocks in memory are worth."""
    rate, resident = found["rate"], found["VmHWM"].values
    return (
        f"{VERIFIERS[verifier]}: blocks in memory bring "
        f"{100 * (rate.ratios['c'] - rate.ratios['d']):.1f} % of (b)'s logins and "
        f"save {found['cpu'].values['d'] - found['cpu'].values['c']:.1f} us of "
        f"auth a login, for {resident['c'] - resident['d']:.1f} MB"
    )


def main() -> None:
    options = arguments(__doc__, rounds=25).parse_args()
    print(
        f"{PASSWORDS} passwords of 20,000 users, {options.rounds} rounds of "
        f"{options.secs:g} s; medians\n"
        "(a) without us   (b) a passdb that does nothing in our place\n"
        "(c) with us, warm store   (d) the same, next to nothing in memory"
    )
    results = {}
    for verifier, scheme in VERIFIERS.items():
        disk = options.disk / verifier.value
        results[verifier] = bench(verifier, options, disk)
        print(heads(scheme, results[verifier]))
        print(*results[verifier].values(), sep="\n", flush=True)
    print()
    for verifier, found in results.items():
        print(memory(verifier, found))
    print("\nAims")
    for verifier, found in results.items():
        print(*aims(verifier, found), sep="\n")


if __name__ == "__main__":
    main()
