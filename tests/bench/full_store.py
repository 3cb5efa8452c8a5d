# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logins with a store of all ranges, 13 GB, beside one with few. Runs inside a
root; see README."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

from figures import aim, figures, heads
from lib.dovecot_config import Verifier
from lib.range_source import RangeServer
from subjects import (
    USERS,
    Kind,
    arguments,
    customers,
    fill_store,
    logins_file,
    measure,
    ours,
    passwords,
    start,
)

# A password for each user, so that next to nothing is in auth's memory, nor in
# a few pages of the file.
NO_BOUND = "pwned_store_max_size = 0\n"
FULL_GB = 14
REMOVE_STEP_BYTES = 1 << 30

VSZ_LIMIT_MB = 256  # default_vsz_limit


def remove_slowly(file: Path) -> None:
    """In steps: to unlink 13 GB at once holds up some file systems for a minute."""
    for size in range(file.stat().st_size, 0, -REMOVE_STEP_BYTES):
        os.truncate(file, size)
    file.unlink()


def main() -> None:
    options = arguments(__doc__, rounds=15).parse_args()
    if shutil.disk_usage(options.disk).free < FULL_GB << 30:
        raise SystemExit(f"bench: the full store needs {FULL_GB} GB of disk")
    users = customers(passwords(USERS))
    with ExitStack() as stack:
        server = stack.enter_context(RangeServer())
        settings = f"pwned_source = {server.url}\n{NO_BOUND}"
        kinds = {
            "b": Kind("nothing"),
            "c": ours(options.disk / "c", settings),
            "d": ours(options.disk / "d", settings),
        }
        few, full = (options.disk / letter / "store" for letter in "cd")
        stack.callback(lambda: remove_slowly(full / "ranges"))
        fill_store(options.fill_store, few, passwords(USERS))
        fill_store(options.fill_store, full, None)
        sizes = [(store / "ranges").stat().st_blocks * 512 for store in (few, full)]
        print(
            f"20,000 users, a password each, {options.rounds} rounds of "
            f"{options.secs:g} s; medians\n"
            "(b) a passdb that does nothing in our place\n"
            f"(c) with us, a store of {sizes[0] / 1e9:.2f} GB   (d) of all ranges, "
            f"{sizes[1] / 1e9:.2f} GB"
        )
        subjects = start(kinds, Verifier.PLAIN, users, stack)
        with logins_file(users) as logins:
            measure(subjects, logins, options)
        asked = len(server.prefixes())
        assert asked == 0, f"the store did not know: {asked} look-ups"
        found = figures(subjects)
    print(heads("PLAIN", found))
    print(*found.values(), sep="\n")
    rate = found["rate"].ratios
    print(f"\nlogins per second, (d) / (c): {rate['d'] / rate['c']:.3f}")
    print("\nAims")
    peak = found["VmPeak"].values["d"]
    print(aim("VmPeak of (d), MB", peak, VSZ_LIMIT_MB, at_least=False))


if __name__ == "__main__":
    main()
