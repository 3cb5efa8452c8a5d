# SPDX-License-Identifier: LGPL-2.1-or-later
"""doveadm pwned stats and purge: what operators see of the store and of auth,
and how they empty it."""

import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import ranges
from lib.crowd import Crowd, logins
from lib.doveadm import Pwned, by_name
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup
from lib.processes import wait_until
from lib.secrecy import Secret
from lib.site import Site, dead_source
from lib.slots import SlotFile, file_header
from lib.users import BREACHED, CLEAN, User

MANUAL = Path(__file__).parents[2] / "doc/man/doveadm-pwned.1"
ALL_RANGES = 1_048_576
# Auth writes its state file within 10 s of a change.
STATE_SECS = 12
FORMS = ("table", "tab", "json", "pager", "flow")


class KeptSite(Site):
    """With users whose ranges are in the store when they have logged in."""

    @property
    def pwned(self) -> Pwned:
        return Pwned(self.dovecot)

    @property
    def slots(self) -> SlotFile:
        return SlotFile(self.dovecot.place.store)

    def keep(self, *users: User, service: str = "imap") -> list[str]:
        """Returns the prefixes."""
        with self.auth(service) as auth:
            auth.plain_many(logins(*users))
        prefixes = [ranges.split_digest(user.password)[0] for user in users]
        self.slots.wait_for(prefixes)
        return prefixes

    def rows_with(self, **expected: str) -> dict[str, str]:
        """The rows, once auth has told what is expected of it."""
        rows: dict[str, str] = {}

        def told() -> bool:
            rows.update(self.pwned.rows())
            return expected.items() <= rows.items()

        wait_until(told, f"{expected} in the state", STATE_SECS)
        return rows


@pytest.fixture
def idle() -> Dovecot:
    """One that was never started."""
    return Dovecot(Setup(settings=dead_source()))


def test_stats() -> None:
    crowd = Crowd(clean=30)
    began = time.strftime("%Y-%m-%d %H:%M:%S")
    with KeptSite(users=crowd.users) as site:
        site.keep(*crowd.users)
        site.keep(*crowd.users[:10])
        rows = site.rows_with(written="30", from_cache="10")
        assert rows["store"] == str(site.dovecot.place.store)
        assert rows["ranges"] == "30"
        assert rows["percent of all ranges"] == f"{30 / ALL_RANGES * 100:.4f}"
        assert rows["ranges of 0-1 days"] == "30"
        assert rows["ranges of 2-7 days"] == "0"
        assert rows["ranges damaged"] == "0"
        assert rows["bytes on disk"] == str(site.slots.allocated)
        assert rows["state"] == str(site.dovecot.place.state)
        assert int(rows["state age in seconds"]) <= STATE_SECS
        assert rows["auth pid"] == str(site.dovecot.auth_pid())
        assert rows["auth ended"] == "no"
        assert rows["store mode"] == "disk"
        assert rows["queue"] == "0"
        assert 1 <= int(rows["queue at most"]) <= 30
        assert rows[f"breaker of {site.ranges.url.removesuffix('/range/')}"] == "closed"
        assert rows["brake"] == "released"
        assert rows["brake last engaged"] == "never"
        assert began <= rows["counted since"] == rows["auth started"]
        assert (rows["misses"], rows["fetched"]) == ("30", "30")
        assert (rows["writes_dropped"], rows["fetches_failed"]) == ("0", "0")


@pytest.mark.parametrize("form", FORMS)
def test_formatters(idle: Dovecot, form: str) -> None:
    result = Pwned(idle).run("stats", form=form)
    assert (result.returncode, result.stderr) == (0, "")
    assert str(idle.place.store) in result.stdout
    if form == "json":
        assert by_name(result)["ranges"] == "0"
    if form == "tab":
        lines = [line.split("\t") for line in result.stdout.splitlines()]
        assert lines[0] == ["name", "value"]
        assert ["ranges", "0"] in lines
        assert all(len(line) == 2 for line in lines)


def explained(manual: str) -> list[str]:
    """What the manual says of each line of `stats`: patterns of names."""
    _, _, section = manual.partition(".SH WHAT STATS SHOWS\n")
    headings = re.findall(
        r'^\.TP\n(?:\.B ([\w ]+)|\.BI "([\w ]+)" \w+(?: "([\w ]+)")?)\n[A-Z]',
        section.partition("\n.SH ")[0],
        re.MULTILINE,
    )
    return [name or f"{begin}.+{end}" for name, begin, end in headings]


def test_the_manual_shows_what_there_is() -> None:
    """It explains each row, and its example has the same ones, but for the names
    of folders and sources."""
    manual = MANUAL.read_text().replace("\\-", "-")
    _, _, example = manual.partition("$ doveadm pwned stats\n")
    lines = example.partition("\n.fi")[0].splitlines()
    with KeptSite(source="pwned_source = https://api.pwnedpasswords.com\n") as site:
        site.dovecot.auth_pid()
        site.dovecot.log.wait_for("pwned: ")
        site.rows_with(queue="0")
        shown = site.pwned.run("stats").stdout.splitlines()
    width = shown[0].index("value")
    assert [line[:width] for line in lines] == [line[:width] for line in shown]
    names = [line[:width].strip() for line in shown[1:]]
    texts = explained(manual)
    missing = [name for name in names if not any(re.fullmatch(t, name) for t in texts)]
    left_over = [t for t in texts if not any(re.fullmatch(t, name) for name in names)]
    assert (missing, left_over) == ([], [])


def test_ages_and_damage() -> None:
    """By the days that stand in the file; a slot that does not prove itself has
    none."""
    crowd = Crowd(clean=22)
    bands = {
        "more than 365 days": (1, 300),
        "91-365 days": (2, 60),
        "31-90 days": (3, 25),
        "8-30 days": (4, 6),
        "2-7 days": (5, 2),
        "0-1 days": (6, 0),
    }
    with KeptSite(users=crowd.users) as site:
        for number, days in bands.values():
            site.keep(*crowd.clean(number))
            site.slots.age(days)
        rows = site.pwned.rows()
        ages = {name: rows[f"ranges of {name}"] for name in bands}
        assert ages == {name: str(number) for name, (number, _) in bands.items()}
        assert (rows["ranges"], rows["ranges damaged"]) == ("21", "0")

        (prefix,) = site.keep(*crowd.clean(1))
        site.slots.flip(prefix, 0)
        rows = site.pwned.rows()
        assert (rows["ranges"], rows["ranges damaged"]) == ("21", "1")


def test_stats_name_nobody() -> None:
    """Neither who logs in nor what was asked for, in no state of things."""
    users = Crowd(breached=5, clean=5).users
    with KeptSite(users=users) as site:
        site.keep(*users, service="smtp")
        site.rows_with(written="10")
        for form in FORMS:
            said = site.pwned.run("stats", form=form).stdout
            state = (site.dovecot.place.state / "auth.state").read_text()
            for user in users:
                for text in (said, state):
                    # the name of a counter, and a customer's choice
                    text = text.replace("unchecked_no_password", "")
                    assert user.name not in text
                    assert Secret(user.password).found_in(text.encode()) == []


def test_a_breaker_that_is_open() -> None:
    """Of two sources one is dead, and left alone after three failures."""
    users = Crowd(clean=4).users
    dead = dead_source().split()[2]
    with KeptSite(source="", users=users) as site:
        site.apply(f"pwned_source = {dead} {site.ranges.url}\n")
        site.keep(*users)
        rows = site.rows_with(breaker_opened="1", fetched="4")
        breakers = [value for name, value in rows.items() if "breaker of" in name]
        is_open, closed = breakers
        assert is_open.startswith("open")
        assert closed == "closed"
        assert f"breaker of {dead.removesuffix('/range/')}" in rows


def test_a_brake_that_holds() -> None:
    crowd = Crowd(breached=30, clean=80)
    with KeptSite(users=crowd.users) as site:
        site.keep(*crowd.users, service="smtp")
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() - 120))
        rows = site.rows_with(brake="engaged")
        assert rows["brake last engaged"] > began


def test_state_of_an_auth_that_ended() -> None:
    with KeptSite() as site:
        pid = site.dovecot.auth_pid()
        site.keep(CLEAN)
        site.dovecot.stop()
        rows = site.pwned.rows()
        assert rows["auth ended"] == "yes"
        assert rows["auth pid"] == str(pid)
        assert (rows["queue"], rows["written"]) == ("0", "1")


def test_nothing_is_there_yet(idle: Dovecot) -> None:
    """No fault, and nothing is made."""
    pwned = Pwned(idle)
    rows = pwned.rows()
    assert rows["ranges"] == "0"
    assert rows["percent of all ranges"] == "0.0000"
    assert rows["bytes on disk"] == "0"
    assert rows["state"] == "no auth has written any yet"
    assert pwned.purged("--all") == 0
    assert pwned.purged("--older-than", "7") == 0
    for folder in (idle.place.store, idle.place.state, idle.place.hold):
        assert list(folder.iterdir()) == []


def test_nothing_is_kept() -> None:
    """Memory only, and no state."""
    pwned = Pwned(Dovecot(Setup(settings="pwned_store =\npwned_state_dir =\n")))
    assert pwned.rows() == {"store": "in memory only", "state": "nothing is kept"}
    result = pwned.run("purge", "--all")
    assert (result.returncode, result.stdout) == (1, "")
    assert "pwned_store is empty: ranges are kept in memory only" in result.stderr


def foreign(place: Path) -> None:
    place.write_bytes(b"SQLite format 3\0" + bytes(8192))


def newer(place: Path) -> None:
    place.write_bytes(file_header(form=2) + bytes(8192))


def link(place: Path) -> None:
    target = place.with_name("elsewhere")
    target.write_bytes(file_header())
    place.symlink_to(target)


def fifo(place: Path) -> None:
    os.mkfifo(place)


def folder(place: Path) -> None:
    place.mkdir()


WRONG_FILES = {
    foreign: "it is not ours",
    newer: "it is of a newer release",
    link: "it cannot be opened: it is a link",
    fifo: "it is no regular file",
    folder: "it is no regular file",
}


@pytest.mark.parametrize(
    ("make", "said"), WRONG_FILES.items(), ids=[make.__name__ for make in WRONG_FILES]
)
def test_a_wrong_file(idle: Dovecot, make: Callable[[Path], None], said: str) -> None:
    """Named and left alone; what else there is to tell is told."""
    file = idle.place.store / "ranges"
    make(file)
    before = file.lstat()
    result = Pwned(idle).run("stats", form="json")
    assert result.returncode == 1
    assert by_name(result)["ranges"] == "not known"
    assert by_name(result)["state"] == "no auth has written any yet"
    for answer in (result, Pwned(idle).run("purge", "--all")):
        assert answer.returncode == 1
        assert answer.stderr.startswith(f"Error: {file}: {said}")
    after = file.lstat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("kind", ["absent", "a link", "a file"])
def test_a_wrong_folder(idle: Dovecot, kind: str) -> None:
    store = idle.place.store
    store.rename(store.with_name("elsewhere"))
    if kind == "a link":
        store.symlink_to(store.with_name("elsewhere"))
    if kind == "a file":
        store.write_text("")
    for command in (("stats",), ("purge", "--all")):
        result = Pwned(idle).run(*command)
        assert result.returncode == 1
        assert result.stderr.startswith(f"Error: {store}: ")
        assert len(result.stderr.splitlines()) == 1
    assert list(store.with_name("elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dovecot-pwned state 2\n", "line 1: written by another release"),
        ("[Unit]\n", 'line 1: expected "dovecot-pwned state 1"'),
        ("", "line 1: expected a whole line"),
        ("dovecot-pwned state 1\nqueue = -1\n", "line 2: expected name = value"),
        ("x" * 70_000, "it is too large"),
    ],
    ids=["newer", "foreign", "empty", "mistaken", "large"],
)
def test_a_wrong_state_file(idle: Dovecot, text: str, said: str) -> None:
    file = idle.place.state / "auth.state"
    file.write_text(text)
    result = Pwned(idle).run("stats", form="json")
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: {file}: {said}")
    assert by_name(result)["state"] == "not known"
    assert by_name(result)["ranges"] == "0"


def test_without_a_state_folder(idle: Dovecot) -> None:
    shutil.rmtree(idle.place.state)
    assert Pwned(idle).rows()["state"] == "no auth has written any yet"


def test_a_mistake_in_the_settings() -> None:
    pwned = Pwned(Dovecot(Setup(settings="pwned_wait = soon\n")))
    for command in (("stats",), ("purge", "--all")):
        result = pwned.run(*command)
        # Where Dovecot reads them, it is it who refuses.
        assert result.returncode in (1, 75, 89)
        assert result.stdout == ""
        assert "expected a time from 0 ms to 8 s" in result.stderr


def test_purge_by_age() -> None:
    """What was fetched more than so many days ago; a block that does not prove
    itself goes with it."""
    crowd = Crowd(clean=9)
    with KeptSite(users=crowd.users) as site:
        old = site.keep(*crowd.clean(3))
        site.slots.age(1)
        kept = site.keep(*crowd.clean(2))
        site.slots.age(30)
        kept += site.keep(*crowd.clean(3))
        (damaged,) = site.keep(*crowd.clean(1))
        site.slots.flip(damaged, 0)
        before = site.slots.allocated
        gone = sum(len(site.slots.blocks(prefix)) for prefix in (*old, damaged))

        assert site.pwned.purged("--older-than", "31") == 1
        assert site.pwned.purged("--older-than", "30") == 3
        assert set(site.slots.prefixes()) == set(kept)
        assert all(map(site.slots.is_whole, kept))
        assert site.slots.allocated == before - gone * 4096
        assert site.pwned.rows()["ranges"] == "5"
        assert site.pwned.purged("--older-than", "0") == 2
        assert site.pwned.purged("--all") == 3
        assert site.slots.prefixes() == []


def test_purge_while_auth_runs() -> None:
    """What auth has in memory goes as well, and the store works on."""
    with KeptSite() as site, site.auth("imap") as auth:
        (prefix,) = site.keep(CLEAN)
        with site.nothing_asked():
            assert auth.plain(CLEAN.name, CLEAN.password).ok
        assert site.pwned.purged("--all") == 1
        assert site.slots.allocated <= 4096

        def asks_again() -> bool:
            assert auth.plain(CLEAN.name, CLEAN.password).ok
            return len(site.ranges.prefixes()) == 2

        wait_until(asks_again, "a login that asks the source", secs=2.5)
        site.slots.wait_for([prefix])
        with site.nothing_asked():
            assert auth.plain(CLEAN.name, CLEAN.password).ok
        assert site.our_lines("Warning") == site.our_lines("Error") == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--all", "--older-than", "30"],
        ["--older-than", "-1"],
        ["--older-than", "36501"],
        ["--older-than", "soon"],
        ["--older-than", "30d"],
        ["--older-than"],
        ["--all", "30"],
        ["--every"],
    ],
    ids=" ".join,
)
def test_usage_of_purge(idle: Dovecot, arguments: list[str]) -> None:
    (idle.place.store / "ranges").write_bytes(file_header())
    result = Pwned(idle).run("purge", *arguments)
    assert (result.returncode, result.stdout) == (64, "")
    assert result.stderr


@pytest.mark.parametrize("arguments", [["all"], ["--every"]], ids=" ".join)
def test_usage_of_stats(idle: Dovecot, arguments: list[str]) -> None:
    assert Pwned(idle).run("stats", *arguments).returncode == 64


COMMANDS = [("stats",), ("check",), ("purge", "--all"), ("purge", "--older-than", "0")]


def owners(dovecot: Dovecot) -> Iterator[tuple[str, str, int]]:
    """Of all that is in the folders, and of these."""
    for top in (dovecot.place.store, dovecot.place.state):
        for path in (top, *top.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            yield path.name, f"{path.owner()}:{path.group()}", mode


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_root_leaves_nothing_that_auth_cannot_open(command: tuple[str, ...]) -> None:
    """In folders that are empty, and in full ones."""
    assert os.geteuid() == 0
    with KeptSite() as site:
        dovecot = site.dovecot
        # Nobody has logged in, so there is no auth yet.
        site.pwned.run(*command, text=CLEAN.password, umask=0o077)
        before = dict((name, rest) for name, *rest in owners(dovecot))
        assert before == {
            "store": ["dovecot:dovecot", 0o700],
            "pwned-state": ["dovecot:dovecot", 0o700],
        }
        site.keep(CLEAN)
        before = set(owners(dovecot))
        assert {owner for _, owner, _ in before} == {"dovecot:dovecot"}
        result = site.pwned.run(*command, text=CLEAN.password, umask=0o077)
        assert (result.returncode, result.stderr) == (0, "")
        assert set(owners(dovecot)) == before

        # A new auth opens all of it.
        site.reload()
        site.keep(CLEAN)
        assert site.our_lines("Warning") == site.our_lines("Error") == []
        assert site.pwned.rows()["ranges"] == "1"


def test_who_may_not_read(idle: Dovecot) -> None:
    """Is told so, and sees nothing."""
    store, state = idle.place.store, idle.place.state
    result = Pwned(idle).run("stats", form="json", user="nobody", group="nogroup")
    assert result.returncode == 1
    assert by_name(result)["ranges"] == by_name(result)["state"] == "not known"
    store_error, state_error = result.stderr.splitlines()
    assert store_error.startswith(f"Error: {store}: ")
    assert state_error.startswith(f"Error: {state}: ")
    purge = Pwned(idle).run("purge", "--all", user="nobody", group="nogroup")
    assert (purge.returncode, purge.stdout) == (1, "")
    for error in (store_error, state_error, purge.stderr):
        assert error.rstrip().endswith("Permission denied")


def test_who_may_read_but_not_write() -> None:
    """A member of pwned_store_group sees the ranges, and what they say."""
    member = {"user": "nobody", "group": "nogroup", "extra_groups": ["games"]}
    with KeptSite("pwned_store_group = games\n") as site:
        site.keep(BREACHED)
        result = site.pwned.run("stats", form="json", **member)
        assert result.returncode == 1
        assert by_name(result)["ranges"] == "1"
        assert by_name(result)["state"] == "not known"
        purge = site.pwned.run("purge", "--all", **member)
        assert (purge.returncode, purge.stdout) == (1, "")
        assert "it can only be read (Permission denied)" in purge.stderr
        with site.nothing_asked():
            check = site.pwned.check(BREACHED.password, **member)
        assert "from=store" in check.stdout
        assert site.pwned.rows()["ranges"] == "1"


def test_root_sees_what_auth_sees(idle: Dovecot) -> None:
    """It works with the rights of the folder's owner."""
    file = idle.place.store / "ranges"
    file.write_bytes(file_header())
    file.chmod(0o600)
    result = Pwned(idle).run("stats", form="json")
    assert result.returncode == 1
    assert result.stderr == f"Error: {file}: it cannot be opened: Permission denied\n"
    shutil.chown(file, "dovecot", "dovecot")
    assert Pwned(idle).rows()["ranges"] == "0"


def test_a_folder_of_root(idle: Dovecot) -> None:
    """Somebody has named the wrong one: nothing is made in it."""
    store = idle.place.store
    os.chown(store, 0, 0)
    assert Pwned(idle).rows()["ranges"] == "0"
    assert Pwned(idle).purged("--all") == 0
    assert list(store.iterdir()) == []
