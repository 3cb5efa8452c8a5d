# SPDX-License-Identifier: LGPL-2.1-or-later
"""The state file: what operators see of auth from outside, and what an auth
process leaves for the next one. That a breaker outlives its auth is
test_breaker.py's."""

import re
import stat

import pytest
from lib.authsocket import AuthSocket
from lib.crowd import Crowd, logins
from lib.processes import wait_until
from lib.secrecy import Secret
from lib.site import Site
from lib.state_file import StateFile
from lib.users import BREACHED, CLEAN, User

# What has changed is there by then.
WRITTEN_SECS = 10
# Dovecot takes a while to see that a process is idle.
END_SECS = 15
# The brake: a share of 20 % of 100 users at least.
CLEAN_USERS = 80
TOO_MANY = 21


def state_of(site: Site) -> StateFile:
    return StateFile(site.dovecot.place.state)


def login(site: Site, *users: User) -> list[bool]:
    """One after the other, as smtp; whether each was let in."""
    with site.auth() as auth:
        return [reply.ok for reply in auth.plain_many(logins(*users), concurrency=1)]


def wait_for_end_of_auth(site: Site) -> None:
    wait_until(lambda: not site.dovecot.auth_pids(), "the end of auth", END_SECS)
    assert state_of(site).values()["ended"] == "yes"


def test_a_change_is_there_soon() -> None:
    """While auth goes on, for its user's eyes only, and without a name."""
    with Site() as site, site.auth() as auth:
        state = state_of(site)
        wait_until(state.path.exists, "the state file")
        assert state.counted("fetched") == 0
        for user in (CLEAN, BREACHED, BREACHED):
            auth.plain(user.name, user.password)
        wait_until(lambda: state.counted("fetched") == 2, "a change", WRITTEN_SECS)
        values = state.values()
        assert state.counted("from_cache") == 1
        assert state.counted("misses") == 2
        assert int(values["pid"]) == site.dovecot.auth_pid()
        assert int(values["started"]) <= int(values["written"])
        assert values["ended"] == "no"
        assert values["store"] == "disk"
        assert list(state.breakers()) == [site.ranges.url.removesuffix("/range/")]

        folder = state.path.parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(state.path.stat().st_mode) == 0o600
        assert state.path.owner() == folder.owner() == "dovecot"
        others = {path.name for path in folder.iterdir()} - {state.path.name}
        assert others <= {"flags.db", "flags.db-wal", "flags.db-shm"}
        text = state.path.read_bytes()
        for user in (CLEAN, BREACHED):
            assert user.name.encode() not in text.split()
            assert not Secret(user.password).found_in(text)


def test_counters_go_on() -> None:
    crowd = Crowd(clean=5)
    with Site(users=crowd.users, auth_ends_when_idle=True) as site:
        state = state_of(site)
        login(site, *crowd.clean(3))
        wait_for_end_of_auth(site)
        first = state.values()
        assert state.counted("fetched") == 3
        login(site, *crowd.clean(2))
        wait_for_end_of_auth(site)
        second = state.values()
        assert state.counted("fetched") == 5
        assert second["counted_since"] == first["counted_since"]
        assert second["pid"] != first["pid"]
        assert int(second["started"]) > int(first["started"])


def test_it_is_that_of_the_newer_auth() -> None:
    """The older one goes on for a client that it has, and has a last word that
    nobody hears."""
    crowd = Crowd(clean=4)
    with Site(users=crowd.users) as site:
        state = state_of(site)
        with AuthSocket(site.dovecot.auth_client_socket) as held:
            old = held.server_pid
            (user,) = crowd.clean(1)
            held.plain(user.name, user.password)
            site.reload()
            login(site, *crowd.clean(2))
            (new,) = set(site.dovecot.auth_pids()) - {old}
            wait_until(lambda: int(state.values()["pid"]) == new, "the new auth's")
            (user,) = crowd.clean(1)
            assert held.plain(user.name, user.password).ok
        wait_until(lambda: site.dovecot.auth_pids() == [new], "the old auth's end")
        wait_until(lambda: state.counted("fetched") >= 2, "a change", WRITTEN_SECS)
        values = state.values()
        assert int(values["pid"]) == new
        assert values["ended"] == "no"


def test_the_brake_does_not_forget() -> None:
    """Else it would let go a minute after the last login, and deny the next ones
    as the first of few."""
    crowd = Crowd(breached=TOO_MANY + 20, clean=CLEAN_USERS)
    with Site(users=crowd.users, auth_ends_when_idle=True) as site:
        login(site, *crowd.clean(CLEAN_USERS))
        assert not any(login(site, *crowd.breached(TOO_MANY)))
        assert all(login(site, *crowd.breached(10)))
        site.dovecot.wait_for_checks(10, verdict="breached", action="warn")
        wait_for_end_of_auth(site)
        assert state_of(site).values()["brake_engaged"] == "yes"
        assert all(login(site, *crowd.breached(10)))
        site.dovecot.wait_for_checks(20, verdict="breached", action="warn")


def test_the_brake_knows_who_comes_again() -> None:
    """Else a thief could reach it with the few passwords that he has, by trying
    them once in each life of auth."""
    crowd = Crowd(breached=21, clean=60)
    with Site(users=crowd.users, auth_ends_when_idle=True) as site:
        clean, breached = crowd.clean(60), crowd.breached(20)
        for _ in range(3):
            assert all(login(site, *clean))
            assert not any(login(site, *breached))
            wait_for_end_of_auth(site)
        text = state_of(site).path.read_text()
        assert len(re.findall(r"[0-9a-f]{16}(?::\d+){4}", text)) == 80
        assert not any(user.name in text for user in clean + breached)
        assert login(site, *crowd.breached(1)) == [False]
        assert site.our_lines("Error") == []


@pytest.mark.parametrize(
    "text",
    [b"", bytes(4096), b"dovecot-pwned state 9\n"],
    ids=["cut", "zeros", "newer"],
)
def test_one_that_cannot_be_read(text: bytes) -> None:
    """It is named, replaced, and holds nobody up."""
    with Site(auth_ends_when_idle=True) as site:
        state = state_of(site)
        login(site, CLEAN)
        wait_for_end_of_auth(site)
        state.path.write_bytes(text)
        assert login(site, CLEAN, BREACHED) == [True, False]
        site.dovecot.log.wait_for("auth.state")
        wait_for_end_of_auth(site)
        assert state.counted("fetched") == 1
