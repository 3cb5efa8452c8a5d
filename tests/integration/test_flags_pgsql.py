# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records of accounts that two Dovecots share in PostgreSQL."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from lib.account_site import DAY, AccountSite
from lib.dovecot_config import Verifier
from lib.postgres import PASSWORD, Postgres
from lib.processes import wait_until
from lib.users import BREACHED, CLEAN, User

ANNA = User("anna@example.com", BREACHED.password)
BERT = User("bert@example.com", CLEAN.password)
MANY = tuple(User(f"m{n}@example.com", BREACHED.password) for n in range(8))
HOSTILE = (
    "o'brien\"; DROP TABLE pwned_flag; --@example.com",
    "%s%n%u?\\\\'$(id)`id`@example.com",
    "bjørn-日本@exämple.com",
    "l" * 1000 + "@example.com",
    "line\nbreak\ttab\x01@example.com",
    "a@b@c@@example.com",
    "nobody's domain",
)
USERS = (ANNA, BERT, *MANY)
WAIT_SECS = 0.5
SLACK_SECS = 0.5
DOWN_SECS = 60
BACK_SECS = 15
# What everybody must be able to do while the database is not there.
HEALTHY_SECS = 0.4
FAULT = "records of accounts in PostgreSQL"
COMMON = f"""\
pwned_wait = {WAIT_SECS * 1000:.0f} ms
pwned_brake_share = 0
"""
ANYTHING = "auth_username_chars =\nauth_username_format =\nauth_failure_delay = 0\n"
DENY = COMMON + "pwned_policy = smtp=deny *=warn\n"
HOLD = COMMON + "pwned_policy = smtp=hold *=warn\n"


@pytest.fixture
def postgres(stack: ExitStack) -> Postgres:
    return stack.enter_context(Postgres())


def site_of(postgres: Postgres, settings: str = DENY, **words: object) -> AccountSite:
    where = f"pwned_flags = pgsql:{postgres.connection}\n"
    usual = {"users": USERS, "extra": "auth_failure_delay = 0\n"}
    return AccountSite(settings + where, **usual | words)


@pytest.fixture
def sites(stack: ExitStack, postgres: Postgres) -> tuple[AccountSite, AccountSite]:
    one, other = (stack.enter_context(site_of(postgres)) for _ in range(2))
    return one, other


@pytest.fixture
def site(postgres: Postgres) -> Iterator[AccountSite]:
    with site_of(postgres) as site:
        yield site


def set_clean_password(site: AccountSite, user: User) -> User:
    changed = site.set_password(user, CLEAN.password)
    time.sleep(1.1)  # Dovecot looks for that once a second
    return changed


def wait_for_state(postgres: Postgres, user: User, state: str, secs: float = 2) -> None:
    wait_until(lambda: postgres.state(user.name) == state, f"{user.name} {state}", secs)


def test_one_makes_the_other_clears(
    postgres: Postgres, sites: tuple[AccountSite, AccountSite]
) -> None:
    """Within a second, both ways."""
    one, other = sites
    assert not one.enter(ANNA).ok
    wait_for_state(postgres, ANNA, "flagged", secs=1)
    changed = set_clean_password(other, ANNA)
    assert other.enter(changed).ok
    wait_for_state(postgres, ANNA, "cleared", secs=1)
    other.dovecot.log.wait_for("leared")
    assert "leared" not in one.dovecot.log.text()
    assert not one.enter(ANNA).ok
    wait_for_state(postgres, ANNA, "flagged", secs=1)
    ((contested,),) = postgres.sql("SELECT contested FROM pwned_flag")
    assert contested == "t"


def test_what_doveadm_says_counts_everywhere(
    postgres: Postgres, sites: tuple[AccountSite, AccountSite]
) -> None:
    one, other = sites
    assert one.pwned.run("suspend", BERT.name).returncode == 0
    for site in sites:
        reply = site.enter(BERT)
        assert not reply.ok
        assert "suspended" in reply.fields["reason"]
    listed = other.pwned.run("list", form="json")
    assert BERT.name in listed.stdout
    assert other.pwned.run("clear", BERT.name).returncode == 0
    for site in sites:
        assert site.enter(BERT).ok


def test_hold_by_the_view(postgres: Postgres) -> None:
    """The MTA's role reads who is held now, and nothing else."""
    with site_of(postgres, HOLD) as site:
        assert site.enter(ANNA).ok
        held = postgres.sql_as_mta(
            "SELECT '550 5.7.1 ' || text FROM pwned_hold "
            "WHERE lower(username) = lower('Anna@Example.com')"
        )
        assert held.stdout.startswith("550 5.7.1 Sending is blocked"), held
        changed = set_clean_password(site, ANNA)
        assert site.enter(changed).ok
        assert postgres.sql_as_mta("SELECT * FROM pwned_hold").stdout == ""
    refused = postgres.sql_as_mta("SELECT * FROM pwned_flag")
    assert refused.returncode != 0
    assert "permission denied" in refused.stderr


def test_many_at_once(postgres: Postgres) -> None:
    """Written as fast as it goes, however many more come meanwhile."""
    users = tuple(User(f"n{n}@example.com", BREACHED.password) for n in range(400))
    done = threading.Event()

    def go_on(site: AccountSite) -> None:
        with site.auth() as auth:
            while not done.is_set():
                auth.plain(users[-1].name, users[-1].password)

    with site_of(postgres, users=users) as site, ThreadPoolExecutor() as pool:
        site.enter(users[0])
        other = pool.submit(go_on, site)
        with site.auth() as auth:
            auth.plain_many([(user.name, user.password) for user in users])
        try:
            wait_until(
                lambda: postgres.sql("SELECT count(*) FROM pwned_flag") == [["400"]],
                "all flags",
                secs=6,
            )
        finally:
            done.set()
        other.result()


def age(postgres: Postgres, user: User, secs: int) -> None:
    times = ("since", "breached", "cleared", "decided")
    older = ", ".join(f"{t} = greatest({t} - {secs}, 0)" for t in times)
    postgres.sql(f"UPDATE pwned_flag SET {older} WHERE username = '{user.name}'")


def test_what_was_not_seen_for_long_expires(postgres: Postgres, site: AccountSite) -> None:
    """Some seconds after an auth's start; first cleared, then erased."""
    other = MANY[0]
    for user in (ANNA, other):
        assert not site.enter(user).ok
        wait_for_state(postgres, user, "flagged")
    for state in ("cleared", "none"):
        age(postgres, ANNA, 91 * DAY)
        site.dovecot.end_auth()
        assert site.enter(BERT).ok
        wait_for_state(postgres, ANNA, state, secs=20)
        assert postgres.state(other.name) == "flagged"


def log_in_all_along(site: AccountSite, users: tuple[User, ...], secs: float) -> float:
    """Each as policy wants it, database or not. Returns the slowest."""
    slowest = 0.0
    end = time.monotonic() + secs
    while time.monotonic() < end:
        for user in users:
            reply = site.enter(user)
            assert reply.ok is (user.password == CLEAN.password), reply.words
            slowest = max(slowest, reply.secs)
        time.sleep(0.2)
    return slowest


def test_a_minute_without_the_database(postgres: Postgres, site: AccountSite) -> None:
    """No login fails or is slow; what was missed is made up for."""
    assert not site.enter(ANNA).ok
    wait_for_state(postgres, ANNA, "flagged")
    postgres.stop()
    assert log_in_all_along(site, (BERT, *MANY), DOWN_SECS) < HEALTHY_SECS
    # once a minute, ours and the driver's
    assert 1 <= site.dovecot.log.text().count(f"{FAULT} ({postgres.connection})") <= 2
    assert site.dovecot.log.text().count("Connect failed") <= 2
    changed = set_clean_password(site, ANNA)
    assert site.enter(changed).ok
    postgres.start()
    for user in MANY:
        wait_for_state(postgres, user, "flagged", BACK_SECS)
    wait_for_state(postgres, ANNA, "cleared", BACK_SECS)
    site.dovecot.log.wait_for(f"{FAULT} can be read and written again")


def test_a_new_server_is_noticed_by_nobody(postgres: Postgres, site: AccountSite) -> None:
    """Connections that were closed meanwhile are made anew within the login."""
    assert site.pwned.run("suspend", BERT.name).returncode == 0
    assert not site.enter(BERT).ok
    postgres.stop()
    postgres.start()
    assert not site.enter(BERT).ok


def test_a_database_that_hangs(postgres: Postgres, site: AccountSite) -> None:
    """Logins wait for pwned_wait at most, and soon not at all."""
    assert site.enter(BERT).ok
    frozen = postgres.freeze()
    try:
        slowest = log_in_all_along(site, (BERT, MANY[0]), 2)
        assert slowest < WAIT_SECS + SLACK_SECS
        assert log_in_all_along(site, (BERT, MANY[1]), 12) < HEALTHY_SECS
    finally:
        postgres.thaw(frozen)
    wait_for_state(postgres, MANY[0], "flagged", BACK_SECS)
    wait_for_state(postgres, MANY[1], "flagged", BACK_SECS)


def test_hostile_names(postgres: Postgres) -> None:
    anybody = {"verifier": Verifier.ANYBODY, "extra": ANYTHING, "users": (ANNA,)}
    with site_of(postgres, **anybody) as site:
        for name in HOSTILE:
            assert not site.enter(User(name, ANNA.password)).ok
            wait_for_state(postgres, User(name, ANNA.password), "flagged")
        listed = json.loads(site.pwned.run("list", form="json").stdout)
        assert sorted(row["user"] for row in listed) == sorted(HOSTILE)
        for name in HOSTILE:
            assert site.pwned.run("suspend", name).returncode == 0
        ((held,),) = postgres.sql("SELECT count(*) FROM pwned_hold")
        assert int(held) == len(HOSTILE)
        assert FAULT not in site.dovecot.log.text()


def test_a_name_that_postgresql_cannot_have(postgres: Postgres) -> None:
    """He logs in as if nothing were on record, and that is told once."""
    anybody = {"verifier": Verifier.ANYBODY, "extra": ANYTHING, "users": (ANNA,)}
    with site_of(postgres, **anybody) as site:
        for _ in range(3):
            assert not site.enter(User("l" * 1300, ANNA.password)).ok
        assert not site.enter(ANNA).ok
        wait_for_state(postgres, ANNA, "flagged")
        assert site.dovecot.log.text().count("name PostgreSQL cannot hold") == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"password": "wrong"}, "authentication failed"),
        ({"dbname": "nothing"}, "nothing"),
        ({"nonsense": "1"}, "nonsense"),
    ],
)
def test_a_mistake_is_told_and_stops_no_login(
    postgres: Postgres, words: dict[str, str], text: str
) -> None:
    postgres.write_connection(postgres.connection, **words)
    with site_of(postgres) as site:
        assert site.enter(BERT).ok
        assert not site.enter(ANNA).ok
        log = site.dovecot.log.wait_for(FAULT)
        assert text in log
        for secret in (PASSWORD, "nowhere"):
            assert secret not in log


def test_a_line_of_the_file_is_told(postgres: Postgres) -> None:
    postgres.connection.write_text("host=127.0.0.1\npassword='geheim\n")
    with site_of(postgres) as site:
        assert site.enter(BERT).ok
        assert not site.enter(ANNA).ok
        (line,) = [line for line in site.our_lines("Error") if "pwned_flags" in line]
        assert f"{postgres.connection} line 2: password" in line
        assert "geheim" not in site.dovecot.log.text()
