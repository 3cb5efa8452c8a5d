# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a warning with a date to a refusal, and back; who is left out of it, and
what an operator can say."""

import re
import time
from datetime import UTC, datetime

from lib.account_site import DAY, AccountSite
from lib.crowd import Crowd, logins
from lib.processes import wait_until
from lib.users import BREACHED, BREACHED2, CLEAN, CLEAN2, User

ANNA = User("anna@example.com", BREACHED.password)
BERT = User("bert@example.com", BREACHED2.password)
CARL = User("carl@example.net", BREACHED2.password)
DORA = User("dora@example.net", CLEAN2.password)
USERS = (ANNA, BERT, CARL, DORA)
NEW_PASSWORD = CLEAN.password
GRACE = "pwned_policy = smtp=deny:min=1:grace=14d submission=deny:grace=14d *=warn\n"
# Auth looks once a second for what operators say.
READ_SECS = 3


def day(secs: float) -> str:
    return datetime.fromtimestamp(secs, UTC).date().isoformat()


def site_of(settings: str = GRACE, **words: object) -> AccountSite:
    words = {"users": USERS, "export_events": True, **words}
    return AccountSite(settings, **words)


def fields(site: AccountSite, name: str) -> list[dict[str, str]]:
    return [event["fields"] for event in site.exported_events(name)]


def test_the_ladder() -> None:
    """Real clients: warned with a date, refused when it has come, and again when
    it is tried again; a new password, and sending goes on."""
    with site_of(imap_plugin=True) as site:
        stop = day(time.time() + 14 * DAY)
        login = site.login("imap", ANNA)
        assert login.accepted
        assert f"Sending stops on {stop}".encode() in b"".join(login.replies)
        assert site.login("smtp", ANNA).accepted
        assert site.login("submission", ANNA).accepted
        site.wait_for_state(ANNA, "flagged")
        assert day((site.record(ANNA) or {})["stop"]) == stop

        site.age(ANNA, 13 * DAY)
        login = site.login("imap", ANNA)
        tomorrow = day(time.time() + DAY)
        assert f"Sending stops on {tomorrow}".encode() in b"".join(login.replies)
        assert site.login("smtp", ANNA).accepted

        site.age(ANNA, DAY)
        for _ in range(3):
            login = site.login("smtp", ANNA)
            assert not login.accepted
            assert b"Sending is blocked" in login.final
        assert not site.login("submission", ANNA).accepted
        login = site.login("imap", ANNA)
        assert login.accepted
        assert b"data breach" in b"".join(login.replies)
        assert b"Sending stops on" not in b"".join(login.replies)
        wait_until(
            lambda: len(fields(site, "pwned_denied")) == 4, "events of the denials"
        )

        changed = site.set_password(ANNA, NEW_PASSWORD)
        assert site.login("smtp", changed).accepted
        assert len(site.login("imap", changed).replies) == 1
        site.wait_for_state(ANNA, "cleared")


def test_a_flag_that_comes_back_goes_on_with_the_old_grace() -> None:
    with site_of() as site:
        assert site.enter(ANNA).ok
        site.wait_for_state(ANNA, "flagged")
        site.age(ANNA, 10 * DAY)
        site.enter(site.set_password(ANNA, NEW_PASSWORD))
        site.wait_for_state(ANNA, "cleared")
        site.age(ANNA, 5 * DAY)
        site.set_password(ANNA, ANNA.password)
        assert not site.enter(ANNA).ok

        # An operator's clearing is the same; to forget is not.
        assert site.pwned.run("clear", ANNA.name).returncode == 0
        assert not site.enter(ANNA).ok
        assert site.pwned.run("forget", ANNA.name).returncode == 0
        assert site.enter(ANNA).ok


def test_a_dry_run_starts_no_grace() -> None:
    """But it is on record, because `report` needs it."""
    with site_of(GRACE + "pwned_dry_run = yes\n") as site:
        assert site.enter(ANNA).ok
        site.wait_for_state(ANNA, "flagged")
        assert (site.record(ANNA) or {})["decided"] == 0
        site.age(ANNA, 30 * DAY)
        site.enter(ANNA)
        site.apply(GRACE)
        assert site.enter(ANNA).ok
        wait_until(lambda: (site.record(ANNA) or {})["decided"], "the grace's start")
        assert day((site.record(ANNA) or {})["stop"]) == day(time.time() + 14 * DAY)
        site.age(ANNA, 14 * DAY)
        assert not site.enter(ANNA).ok
        site.apply(GRACE + "pwned_dry_run = yes\n")
        assert site.enter(ANNA).ok


def test_without_grace() -> None:
    """The default: refused at once."""
    with site_of("") as site:
        assert not site.enter(ANNA).ok
        assert site.enter(ANNA, "imap").ok


def test_exempt_by_the_settings() -> None:
    """Users, domains and networks: not looked up, not on record, and counted."""
    settings = "pwned_exempt = anna@example.com @Example.NET 192.0.2.0/24 2001:db8::/32\n"
    with site_of(settings) as site:
        with site.nothing_asked():
            assert site.enter(ANNA).ok
            assert site.enter(CARL).ok
            for address in ("192.0.2.200", "2001:db8::7"):
                assert site.enter(BERT, "smtp", f"rip={address}").ok
        site.dovecot.wait_for_checks(4, verdict="unchecked", reason="exempt")
        assert not site.enter(BERT, "smtp", "rip=198.51.100.1").ok
        site.wait_for_state(BERT, "flagged")
        assert site.state(ANNA) == site.state(CARL) == "none"


def test_exempt_until_a_day() -> None:
    with site_of("") as site:
        tomorrow = day(time.time() + DAY)
        result = site.pwned.run("exempt", ANNA.name, "--until", tomorrow)
        assert (result.returncode, result.stderr) == (0, "")
        assert site.enter(ANNA).ok
        assert site.enter(ANNA, "imap").ok
        site.dovecot.wait_for_checks(2, verdict="unchecked", reason="exempt")
        assert site.state(ANNA) == "none"
        site.age(ANNA, 3 * DAY)
        assert not site.enter(ANNA).ok
        yesterday = day(time.time() - 2 * DAY)
        assert site.pwned.run("exempt", ANNA.name, "--until", yesterday).returncode != 0


def test_suspended() -> None:
    """Whatever the password, until it is cleared; reading goes on."""
    with site_of() as site:
        result = site.pwned.run("suspend", DORA.name)
        assert (result.returncode, result.stderr) == (0, "")
        for _ in range(2):
            login = site.login("smtp", DORA)
            assert not login.accepted
            assert b"Sending is suspended" in login.final
            assert not site.login("submission", DORA).accepted
            assert site.login("imap", DORA).accepted
            # who is flagged besides, and who changes the password
            dora = site.set_password(DORA, BREACHED.password)
            assert not site.login("smtp", dora).accepted
            site.wait_for_state(DORA, "flagged")
            site.set_password(DORA, DORA.password)
            site.enter(DORA, "imap")
        assert site.pwned.run("clear", DORA.name).returncode == 0
        assert site.login("smtp", DORA).accepted


def test_a_dry_run_refuses_no_suspended_one() -> None:
    with site_of("pwned_dry_run = yes\n") as site:
        result = site.pwned.run("suspend", DORA.name)
        assert result.returncode == 0
        assert "dry run" in result.stdout + result.stderr
        assert site.enter(DORA).ok


def test_resume_releases_the_brake() -> None:
    """Auth reads it within a second; it says so, and refuses again."""
    crowd = Crowd(breached=60, clean=90)
    with site_of("", users=crowd.users) as site, site.auth() as auth:

        def enter(*users: User) -> list[bool]:
            return [r.ok for r in auth.plain_many(logins(*users), concurrency=1)]

        enter(*crowd.clean(90))
        enter(*crowd.breached(40))
        held_back = crowd.breached(1)
        assert enter(*held_back) == [True]
        assert len(site.our_lines("Error")) == 1
        result = site.pwned.run("resume")
        assert (result.returncode, result.stderr) == (0, "")
        time.sleep(READ_SECS)
        assert enter(*held_back) == [False]
        assert any("brake" in line and "resume" in line for line in site.our_lines())


def test_resume_while_no_auth_runs() -> None:
    """The brake outlives auth, and so does what releases it; but not for ever."""
    crowd = Crowd(breached=120, clean=90)
    with site_of("", users=crowd.users, auth_ends_when_idle=True) as site:

        def enter(*users: User) -> list[bool]:
            with site.auth() as auth:
                return [r.ok for r in auth.plain_many(logins(*users), concurrency=1)]

        enter(*crowd.clean(90), *crowd.breached(40))
        (held_back,) = crowd.breached(1)
        assert enter(held_back) == [True]
        wait_until(lambda: not site.dovecot.auth_pids(), "the end of auth", 15)
        assert site.pwned.run("resume").returncode == 0
        enter(held_back)
        time.sleep(READ_SECS)
        assert enter(held_back) == [False]


def test_the_policy_that_refuses_is_reported() -> None:
    """How many accounts would be stopped, by a policy that is not in force."""
    with site_of("pwned_policy = *=warn\n") as site:
        for user in (ANNA, BERT, CARL):
            site.enter(user)
            site.wait_for_state(user, "flagged")
        result = site.pwned.run("report", "--policy", "smtp=deny", form="json")
        assert (result.returncode, result.stderr) == (0, "")
        assert re.search(r'"3"|: ?3\b', result.stdout)
