# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records that cannot be read or written: logins go on rightly, the log says what
is wrong, and what was missed is made up for."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from lib.account_site import AccountSite
from lib.filesystem import FileSystem
from lib.processes import wait_until
from lib.users import BREACHED, BREACHED2, CLEAN, CLEAN2, User

ANNA = User("anna@example.com", BREACHED.password)
BERT = User("bert@example.com", BREACHED2.password)
CARL = User("carl@example.com", BREACHED.password)
DORA = User("dora@example.com", CLEAN2.password)
USERS = (ANNA, BERT, CARL, DORA)
POLICY = "pwned_policy = smtp=deny submission=hold *=warn\npwned_wait = 1 s\n"
SLACK_SECS = 1
# What is tried again is tried after ten seconds at most.
AGAIN_SECS = 20


@pytest.fixture
def site() -> Iterator[AccountSite]:
    with AccountSite(POLICY, users=USERS) as site:
        site.enter(ANNA)
        site.wait_for_state(ANNA, "flagged")
        yield site


def check_logins(site: AccountSite) -> None:
    """Everybody is decided as ever, and waits for pwned_wait at most."""
    for user, service, ok in (
        (ANNA, "smtp", False),
        (BERT, "smtp", False),
        (BERT, "imap", True),
        (CARL, "submission", True),
        (DORA, "smtp", True),
    ):
        reply = site.enter(user, service)
        assert reply.ok == ok, (user, service)
        assert reply.secs < 1 + SLACK_SECS


def complaints(site: AccountSite, name: str = "flags.db") -> list[str]:
    lines = site.our_lines("Warning") + site.our_lines("Error")
    return [line for line in lines if name in line]


def wait_for_all(site: AccountSite) -> None:
    for user in (ANNA, BERT, CARL):
        wait_until(lambda: site.state(user) == "flagged", user.name, AGAIN_SECS)
    wait_until(lambda: CARL.name in site.held(), "the hold", AGAIN_SECS)


def test_locked(site: AccountSite) -> None:
    """For longer than anybody waits for a lock."""
    with closing(sqlite3.connect(site.flags, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        check_logins(site)
        time.sleep(max(0, started + 8 - time.monotonic()))
        other.execute("ROLLBACK")
    wait_for_all(site)
    assert complaints(site)


def test_gone(site: AccountSite) -> None:
    """Somebody removed the files: new ones are begun, which auth can open."""
    for file in site.flags.parent.glob("flags.db*"):
        file.unlink()
    for file in site.holds.parent.glob("hold.db*"):
        file.unlink()
    wait_until(site.flags.exists, "flags.db")
    wait_until(site.holds.exists, "hold.db")
    check_logins(site)
    wait_for_all(site)
    assert site.flags.owner() == site.holds.owner() == "dovecot"


@pytest.mark.parametrize("damage", ("header", "pages", "cut", "text"))
def test_damaged(site: AccountSite, damage: str) -> None:
    """It is set aside, not lost, and a new one is begun."""
    for other in (BERT, CARL):
        site.enter(other)
        site.wait_for_state(other, "flagged")
    with site.database() as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spoil(site.flags, damage)
    site.dovecot.end_auth()
    check_logins(site)
    wait_for_all(site)
    (line, *_) = complaints(site)
    aside = site.flags.with_name("flags.db.damaged")
    assert str(aside) in line
    assert aside.exists()


def spoil(file: Path, damage: str) -> None:
    with file.open("r+b") as opened:
        if damage == "header":
            opened.write(os.urandom(100))
        elif damage == "pages":
            opened.seek(4096)
            opened.write(os.urandom(file.stat().st_size - 4096))
        elif damage == "cut":
            opened.truncate(5000)
        else:
            opened.truncate(0)
            opened.write(b"this is no database at all, but a letter to my aunt\n" * 99)


@pytest.fixture
def disk(stack: ExitStack) -> FileSystem:
    """For records alone."""
    return stack.enter_context(FileSystem("ext4"))


def test_full(disk: FileSystem) -> None:
    with AccountSite(POLICY, disk=disk.top, users=USERS) as site:
        site.enter(ANNA)
        site.wait_for_state(ANNA, "flagged")
        disk.fill()
        check_logins(site)
        wait_until(lambda: complaints(site), "a complaint", AGAIN_SECS)
        disk.unfill()
        wait_for_all(site)


def test_a_disk_that_hangs(disk: FileSystem) -> None:
    """Nobody waits for longer than pwned_wait, and nobody at all where nothing
    can be on record of him."""
    with AccountSite(POLICY, disk=disk.top, users=USERS) as site:
        site.enter(ANNA)
        site.enter(DORA)
        site.wait_for_state(ANNA, "flagged")
        time.sleep(2)
        with disk.frozen():
            for _ in range(3):
                check_logins(site)
            assert site.enter(DORA).secs < 0.5
        wait_for_all(site)


def test_no_state_dir() -> None:
    """Nothing is kept: logins are decided, and the log says so."""
    with AccountSite(POLICY + "pwned_state_dir = /nowhere/at-all\n", users=USERS) as site:
        check_logins(site)
        assert any("/nowhere/at-all" in line for line in site.our_lines("Warning"))


def test_a_file_of_root() -> None:
    """Somebody made it as root: it is named, and left as it is."""
    with AccountSite(POLICY, users=USERS) as site:
        site.enter(DORA)
        wait_until(site.flags.exists, "flags.db")
        site.dovecot.end_auth()
        for file in site.flags.parent.glob("flags.db*"):
            os.chown(file, 0, 0)
            file.chmod(0o600)
        check_logins(site)
        wait_until(lambda: complaints(site), "a complaint")
        assert site.flags.owner() == "root"


def test_a_hold_file_that_is_damaged(site: AccountSite) -> None:
    """It is made anew from what is on record."""
    site.enter(CARL, "submission")
    assert CARL.name in site.held()
    site.dovecot.end_auth()
    with closing(sqlite3.connect(site.holds)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spoil(site.holds, "header")
    site.enter(DORA)

    def is_mended() -> bool:
        try:
            return CARL.name in site.held()
        except sqlite3.DatabaseError:
            return False

    wait_until(is_mended, "hold.db anew", AGAIN_SECS)
    assert complaints(site, "hold.db")
    clean = site.set_password(CARL, CLEAN.password)
    assert site.enter(clean).ok
    assert CARL.name not in site.held()


def test_a_file_of_an_older_form() -> None:
    """What is on record stays so, with what is new in the form; one of a newer form
    is left as it is, and named."""
    with AccountSite(POLICY, users=USERS) as site:
        site.enter(ANNA)
        site.wait_for_state(ANNA, "flagged")
        site.dovecot.stop()
        before = site.record(ANNA) or {}
        with site.database() as database:
            database.execute("DROP INDEX flag_held")
            database.execute("ALTER TABLE flag DROP COLUMN refused")
            database.execute("PRAGMA user_version = 1")
        site.dovecot.start()
        assert not site.enter(ANNA).ok
        wait_until(lambda: (site.record(ANNA) or {}).get("refused"), "the new column")
        kept = ("since", "decided", "band", "service", "state")
        after = site.record(ANNA) or {}
        assert [before[name] for name in kept] == [after[name] for name in kept]
        assert site.pwned.run("show", ANNA.name).returncode == 0

        site.dovecot.stop()
        with site.database() as database:
            database.execute("PRAGMA user_version = 99")
        site.dovecot.start()
        check_logins(site)
        wait_until(lambda: complaints(site), "a complaint")
        assert "newer" in complaints(site)[-1]
        assert site.record(ANNA) is not None
        assert site.pwned.run("show", ANNA.name).returncode != 0
