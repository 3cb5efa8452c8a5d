# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folders of the store and of the state, as an installation makes them, and
what a start does about a group or a folder that is not there."""

import subprocess
from pathlib import Path

import pytest
from lib.account_site import AccountSite
from lib.dovecot_config import auth_folder
from lib.processes import scratch_folder, wait_until
from lib.site import Site
from lib.users import BREACHED, CLEAN

STORE = Path("/var/cache/dovecot-pwned")
STATE = Path("/var/lib/dovecot-pwned")
HOLD = Path("/var/lib/dovecot-pwned-hold")
FOLDERS = (STORE, STATE, HOLD)
BUILD = Path("/build/out")


def owner_and_mode(path: Path) -> str:
    mode = path.stat().st_mode & 0o7777
    return f"{path.owner()}:{path.group()} {mode:o}"


@pytest.fixture
def place() -> Path:
    return scratch_folder("folders")


def make(target: str, *arguments: str, **options: object) -> None:
    """The part of an installation that is about the folders."""
    command = ["make", "-C", BUILD / "src/store", target, *arguments]
    subprocess.run(command, check=True, capture_output=True, **options)


def installed(top: Path) -> dict[Path, str]:
    paths = [top / path.relative_to("/") for path in FOLDERS]
    return {path: owner_and_mode(path) for path in paths if path.exists()}


def test_installed() -> None:
    assert installed(Path("/")) == dict.fromkeys(FOLDERS, "dovecot:dovecot 700")


def test_installed_by_a_packager(place: Path) -> None:
    """Into DESTDIR owners are left alone, whoever does it."""
    place.chmod(0o777)
    for user in ("root", "builder"):
        top = place / user
        make("install-data", f"DESTDIR={top}", user=user, group=user)
        assert list(installed(top).values()) == [f"{user}:{user} 700"] * 3


def test_installed_again(place: Path) -> None:
    """What is there stays as it is: it may be shared, or somebody's own."""
    for path in FOLDERS:
        there = place / path.relative_to("/")
        there.mkdir(parents=True)
        (there / "something").touch()
        there.chmod(0o2750)
    before = [path.stat() for path in installed(place)]
    make("install-data", f"DESTDIR={place}")
    make("uninstall", f"DESTDIR={place}")
    assert [path.stat() for path in installed(place)] == before


def test_uninstalled(place: Path) -> None:
    """Empty folders go."""
    make("install-data", f"DESTDIR={place}")
    assert len(installed(place)) == 3
    make("uninstall", f"DESTDIR={place}")
    assert installed(place) == {}


def test_a_group_that_does_not_exist() -> None:
    """Nobody is let in, and no login fails for it."""
    with Site("pwned_store_group = nobodies\n") as site:
        assert site.login("imap", CLEAN).accepted
        (warning,) = site.our_lines("Warning")
        assert "pwned_store: group nobodies: there is none of this name" in warning
        assert owner_and_mode(site.dovecot.place.store) == "dovecot:dovecot 700"


def test_without_a_state_folder(place: Path) -> None:
    """One warning for what auth keeps there and one for accounts, and none is made:
    somebody may have meant another place."""
    with Site(f"pwned_state_dir = {place}/state\n") as site:
        for _ in range(2):
            assert site.login("imap", CLEAN).accepted
        warnings = site.our_lines("Warning")
        assert 1 <= len(warnings) <= 2
        for warning in warnings:
            assert f"{place}/state: it does not exist; " in warning
            assert f'"install -d -o dovecot -m 700 {place}/state"' in warning
    assert list(place.iterdir()) == []


def test_a_group_of_readers_that_does_not_exist() -> None:
    """Nobody is let in; who is held stands in the file all the same."""
    settings = "pwned_hold_group = nobodies\npwned_policy = *=hold\n"
    with AccountSite(settings) as site:
        assert site.enter(BREACHED).ok
        assert site.held().keys() == {BREACHED.name}
        warnings = site.our_lines("Warning")
        assert any("pwned_hold: group nobodies: there is none" in w for w in warnings)
        assert owner_and_mode(site.holds.parent) == "dovecot:dovecot 700"


def test_without_a_folder_of_holds(place: Path) -> None:
    """A login is answered, and says that its hold is late; one warning, and no
    folder is made. When it is there, the hold is."""
    settings = f"pwned_hold = {place}/hold\npwned_policy = *=hold\n"
    with AccountSite(settings) as site:
        for _ in range(2):
            assert site.enter(BREACHED).ok
        assert site.enter(CLEAN).ok
        late = "Mail held: breached password (the MTA could not read it in time)"
        assert site.dovecot.log.text().count(late) == 2
        warnings = [w for w in site.our_lines("Warning") if f"{place}/hold" in w]
        assert 1 <= len(warnings) <= 2
        assert f'"install -d -o dovecot -m 700 {place}/hold"' in warnings[0]
        assert list(place.iterdir()) == []
        place.chmod(0o755)
        auth_folder(place / "hold")
        file = place / "hold/hold.db"
        wait_until(file.exists, "hold.db")
        with site.database(file) as database:

            def names() -> list[str]:
                rows = database.execute("SELECT username FROM pwned_hold")
                return [row[0] for row in rows]

            wait_until(lambda: names() == [BREACHED.name], "the hold")
