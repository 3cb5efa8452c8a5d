# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is on record of an account: raised by a breached password, cleared by a
clean one, and kept for a while."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from lib.account_site import DAY, HOUR, AccountSite
from lib.crowd import logins
from lib.processes import wait_until
from lib.site import Site
from lib.users import BREACHED, BREACHED2, CLEAN, CLEAN2, MASTER, User

ANNA = User("anna@example.com", BREACHED.password)
NEW_PASSWORD = CLEAN.password
USERS = (ANNA, BREACHED2, CLEAN2)


@pytest.fixture
def site() -> Iterator[AccountSite]:
    with AccountSite(users=USERS, export_events=True) as site:
        yield site


def events(site: Site, name: str) -> list[dict[str, str]]:
    """One at least: it comes when the record is there."""
    wait_until(lambda: len(site.exported_events(name)) > 0, name)
    return [event["fields"] for event in site.exported_events(name)]


def test_a_breached_login_flags(site: AccountSite) -> None:
    """By whatever service; without anything that was derived from the password but
    a band, and without the client's address."""
    before = int(time.time())
    site.enter(ANNA, "imap", "rip=192.0.2.77")
    site.wait_for_state(ANNA, "flagged")
    record = site.record(ANNA)
    assert record is not None
    assert before <= record["since"] <= time.time()
    assert record["since"] == record["breached"] == record["decided"]
    assert record["service"] == "imap"
    assert record["domain"] == "example.com"
    assert 1 <= record["band"] <= 4
    assert "192.0.2.77" not in str(record)
    (event,) = events(site, "pwned_flagged")
    assert (event["user"], event["service"]) == (ANNA.name, "imap")
    (line,) = [line for line in site.our_lines("Info") if "lagged" in line]
    assert ANNA.name in line


def test_a_clean_login_of_another_says_nothing(site: AccountSite) -> None:
    site.enter(CLEAN2)
    site.enter(ANNA)
    site.wait_for_state(ANNA, "flagged")
    assert site.record(CLEAN2) is None
    assert site.record(BREACHED2) is None


def test_a_clean_password_clears_at_once(site: AccountSite) -> None:
    assert not site.enter(ANNA).ok
    site.wait_for_state(ANNA, "flagged")
    since = (site.record(ANNA) or {})["since"]
    changed = site.set_password(ANNA, NEW_PASSWORD)
    assert site.enter(changed).ok
    site.wait_for_state(ANNA, "cleared")
    assert (site.record(ANNA) or {})["since"] == since
    (event,) = events(site, "pwned_cleared")
    assert event["user"] == ANNA.name
    assert any("leared" in line and ANNA.name in line for line in site.our_lines("Info"))


def test_several_passwords(site: AccountSite) -> None:
    """A phone with a clean one must not clear again and again what the thief's
    login raises."""
    site.enter(ANNA)
    site.wait_for_state(ANNA, "flagged")
    site.age(ANNA, 3 * DAY)
    since = (site.record(ANNA) or {})["since"]

    phone = site.set_password(ANNA, NEW_PASSWORD)
    site.enter(phone)
    site.wait_for_state(ANNA, "cleared")
    site.set_password(ANNA, ANNA.password)
    site.enter(ANNA)
    site.wait_for_state(ANNA, "flagged")
    assert (site.record(ANNA) or {})["since"] == since

    site.set_password(ANNA, NEW_PASSWORD)
    for _ in range(3):
        site.enter(phone)
    time.sleep(2)
    assert site.state(ANNA) == "flagged"
    site.age(ANNA, 23 * HOUR)
    site.enter(phone)
    time.sleep(2)
    assert site.state(ANNA) == "flagged"
    site.age(ANNA, 2 * HOUR)
    site.enter(phone)
    site.wait_for_state(ANNA, "cleared")


def test_an_unchanged_record_is_written_once_a_day(site: AccountSite) -> None:
    site.enter(ANNA)
    site.wait_for_state(ANNA, "flagged")
    with site.database() as database:

        def version() -> int:
            return database.execute("PRAGMA data_version").fetchone()[0]

        written = version()
        for _ in range(20):
            site.enter(ANNA, "imap")
        time.sleep(3)
        assert version() == written
    site.age(ANNA, 23 * HOUR)
    site.enter(ANNA)
    time.sleep(2)
    assert (site.record(ANNA) or {})["breached"] < time.time() - 22 * HOUR
    site.age(ANNA, 2 * HOUR)
    site.enter(ANNA, "imap")
    site.wait_for_record(ANNA, service="imap")
    assert (site.record(ANNA) or {})["breached"] > time.time() - HOUR


def test_a_cleared_record_keeps_its_dates_for_a_while(site: AccountSite) -> None:
    site.enter(ANNA)
    site.wait_for_state(ANNA, "flagged")
    since = (site.record(ANNA) or {})["since"]
    site.set_password(ANNA, NEW_PASSWORD)
    site.enter(User(ANNA.name, NEW_PASSWORD))
    site.wait_for_state(ANNA, "cleared")

    site.age(ANNA, 91 * DAY)
    site.set_password(ANNA, ANNA.password)
    site.enter(ANNA)
    site.wait_for_state(ANNA, "flagged")
    assert (site.record(ANNA) or {})["since"] >= since


def test_what_was_not_seen_for_long_expires(site: AccountSite) -> None:
    """At an auth's start at the latest."""
    site.enter(ANNA)
    site.enter(BREACHED2)
    site.wait_for_state(ANNA, "flagged")
    site.wait_for_state(BREACHED2, "flagged")
    site.age(ANNA, 91 * DAY)
    site.reload()
    site.enter(CLEAN2)
    site.wait_for_state(ANNA, "cleared")
    assert site.state(BREACHED2) == "flagged"
    (event,) = events(site, "pwned_cleared")
    assert event["user"] == ANNA.name
    site.age(ANNA, 91 * DAY)
    site.reload()
    site.enter(CLEAN2)
    site.wait_for_state(ANNA, "none")


def test_master_users_change_nothing() -> None:
    """The password is the master's: his clean one clears nobody, and a breached one
    flags nobody."""
    for master in (MASTER, User("master", BREACHED.password)):
        with AccountSite(users=USERS, master="continue-ok", master_user=master) as site:
            site.enter(BREACHED2)
            site.wait_for_state(BREACHED2, "flagged")
            for user in (ANNA, BREACHED2):
                with site.connect("imap") as client:
                    name = f"{user.name}*{master.name}"
                    assert client.login(name, master.password).accepted
            time.sleep(2)
            assert site.state(ANNA) == "none"
            assert site.state(BREACHED2) == "flagged"


def test_two_services_at_once(site: AccountSite) -> None:
    """One record, raised once."""
    with site.auth("smtp") as smtp, site.auth("imap") as imap:
        with ThreadPoolExecutor(2) as threads:
            login = [(ANNA.name, ANNA.password)] * 50
            replies = threads.map(lambda auth: auth.plain_many(login), (smtp, imap))
            refused, read = replies
    assert not any(reply.ok for reply in refused)
    assert all(reply.ok for reply in read)
    site.wait_for_state(ANNA, "flagged")
    time.sleep(2)
    assert len(events(site, "pwned_flagged")) == 1


def test_ten_thousand_users_within_a_minute() -> None:
    users = tuple(
        User(f"user{n}@example.com", (BREACHED, BREACHED2)[n % 2].password)
        for n in range(10_000)
    )
    settings = "pwned_brake_share = 0\n"
    with AccountSite(settings, users=users, metrics=False) as site:
        started = time.monotonic()
        with site.auth() as auth:
            replies = auth.plain_many(logins(*users), concurrency=100)
        assert not any(reply.ok for reply in replies)
        deadline = started + 60
        while number(site) < len(users):
            assert time.monotonic() < deadline, number(site)
            time.sleep(0.2)
        assert site.our_lines("Warning") == []
        assert site.our_lines("Error") == []


def number(site: AccountSite) -> int:
    with site.database() as database:
        return database.execute("SELECT count(*) FROM flag WHERE state = 1").fetchone()[0]


def test_a_crash_loses_a_second_at_most() -> None:
    """And the next login makes it again."""
    with AccountSite(users=USERS) as site:
        site.enter(ANNA)
        time.sleep(1.5)
        site.dovecot.end_auth(signal.SIGKILL)
        assert site.state(ANNA) == "flagged"
        site.enter(BREACHED2)
        site.dovecot.end_auth(signal.SIGKILL)
        site.enter(BREACHED2)
        site.wait_for_state(BREACHED2, "flagged")
        assert site.state(ANNA) == "flagged"


def test_what_is_on_record_outlives_auth() -> None:
    """An idle auth ends; what it was told in its last moment is written."""
    with AccountSite(users=USERS, auth_ends_when_idle=True) as site:
        site.enter(ANNA)
        site.wait_for_state(ANNA, "flagged")
        deadline = time.monotonic() + 15
        while site.dovecot.auth_pids():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        changed = site.set_password(ANNA, NEW_PASSWORD)
        assert site.enter(changed).ok
        site.wait_for_state(ANNA, "cleared")
