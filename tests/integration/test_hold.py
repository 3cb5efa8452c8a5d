# SPDX-License-Identifier: LGPL-2.1-or-later
"""hold: the login goes on, and when it is answered stands where MTAs read that
the account's mail is refused. What they make of it is test_hold_postfix.py's and
test_hold_exim.py's."""

import os
import signal
import sqlite3
import stat
import subprocess
import time
from contextlib import closing

from lib.account_site import DAY, AccountSite
from lib.processes import wait_until
from lib.users import BREACHED, BREACHED2, CLEAN, User

ANNA = User("anna@example.com", BREACHED.password)
BERT = User("bert@example.com", BREACHED2.password)
HOLD = "pwned_policy = smtp=hold *=warn\npwned_url = https://www.example.com/p\n"
TEXT = (
    "Sending is blocked: this password appears in a known data breach. Choose a new "
    "one, then log in with it: https://www.example.com/p"
)
# Whoever has it may read what is held.
GROUP = "mailhold"
READER = "mta"


def site_of(settings: str = HOLD, **words: object) -> AccountSite:
    return AccountSite(settings, **{"users": (ANNA, BERT), "export_events": True, **words})


def test_held_when_the_login_is_answered() -> None:
    users = tuple(User(f"user{n}@example.com", BREACHED.password) for n in range(1000))
    settings = HOLD + "pwned_brake_share = 0\n"
    with site_of(settings, users=users) as site, site.auth() as auth:
        # its range is in the store from here on
        assert auth.plain(users[0].name, users[0].password).ok
        with closing(sqlite3.connect(f"file:{site.holds}?mode=ro", uri=True)) as mta:
            for user in users:
                assert auth.plain(user.name, user.password).ok
                row = mta.execute(
                    "SELECT text FROM pwned_hold WHERE username = ?", (user.name,)
                ).fetchone()
                assert row == (TEXT,)
        site.dovecot.wait_for_checks(1001, verdict="breached", action="hold")


def test_a_clean_login_releases() -> None:
    """When it is answered, sending works again; at whatever service it is."""
    for service in ("smtp", "imap"):
        with site_of() as site:
            site.enter(ANNA)
            assert site.held() == {ANNA.name: TEXT}
            site.enter(BERT)
            changed = site.set_password(ANNA, CLEAN.password)
            assert site.enter(changed, service).ok
            assert site.held() == {BERT.name: TEXT}


def test_at_any_service() -> None:
    """Reading goes on, and sending stops, though the MTA may never meet us."""
    with site_of("pwned_policy = imap=hold *=off\n", imap_plugin=True) as site:
        login = site.login("imap", ANNA)
        assert login.accepted
        assert site.held().keys() == {ANNA.name}
        assert site.enter(BERT).ok
        assert site.held().keys() == {ANNA.name}


def test_after_its_grace() -> None:
    with site_of("pwned_policy = smtp=hold:grace=14d *=warn\n") as site:
        assert site.enter(ANNA).ok
        site.wait_for_state(ANNA, "flagged")
        assert site.held() == {}
        site.age(ANNA, 14 * DAY)
        assert site.enter(ANNA).ok
        assert site.held().keys() == {ANNA.name}


def test_a_dry_run_holds_nobody() -> None:
    with site_of(HOLD + "pwned_dry_run = yes\n") as site:
        assert site.enter(ANNA).ok
        site.wait_for_state(ANNA, "flagged")
        time.sleep(1)
        assert site.held() == {}


def test_what_operators_say() -> None:
    with site_of() as site:
        site.enter(ANNA)
        for words in (("clear", ANNA.name), ("forget", ANNA.name)):
            site.enter(ANNA)
            assert site.held().keys() == {ANNA.name}
            assert site.pwned.run(*words).returncode == 0
            assert site.held() == {}
        assert site.pwned.run("suspend", BERT.name).returncode == 0
        assert "suspended" in site.held()[BERT.name]
        # AUTH goes on: the MTA refuses
        clean = site.set_password(BERT, CLEAN.password)
        assert site.enter(clean).ok
        assert "suspended" in site.held()[BERT.name]
        assert site.pwned.run("clear", BERT.name).returncode == 0
        assert site.held() == {}


def test_not_in_time() -> None:
    """Somebody holds the file: the login is answered after pwned_wait all the same,
    and that is counted; the row comes when it can."""
    with site_of(HOLD + "pwned_wait = 500 ms\n") as site:
        site.enter(BERT)
        with closing(sqlite3.connect(site.holds, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            reply = site.enter(ANNA)
            assert reply.ok
            assert 0.4 < reply.secs < 3
            assert ANNA.name not in site.held()
            other.execute("ROLLBACK")
        wait_until(lambda: ANNA.name in site.held(), "the row")
        late = [e["fields"] for e in site.exported_events() if e["fields"]["hold"] == "late"]
        assert len(late) == 1


def test_an_event_for_each_that_is_held() -> None:
    with site_of() as site:
        for _ in range(3):
            site.enter(ANNA)
        wait_until(lambda: site.exported_events("pwned_held"), "the event")
        time.sleep(1)
        (event,) = site.exported_events("pwned_held")
        assert event["fields"]["user"] == ANNA.name


def read_as_mta(site: AccountSite) -> subprocess.CompletedProcess[str]:
    """By a user who is in the group and nothing else."""
    return subprocess.run(
        ["setpriv", "--reuid", READER, "--regid", GROUP, "--clear-groups"]
        + ["sqlite3", site.holds, "SELECT username FROM pwned_hold"],
        capture_output=True,
        text=True,
        check=False,
    )


def make_group() -> None:
    subprocess.run(["groupadd", "--force", "--system", GROUP], check=True)
    subprocess.run(["useradd", "--system", "--no-create-home", READER], check=False)


def test_read_by_the_group_and_nobody_else() -> None:
    """While auth writes, after it stopped, and after it was killed."""
    make_group()
    with site_of(HOLD + f"pwned_hold_group = {GROUP}\n") as site:
        site.auth().close()
        wait_until(site.holds.exists, "hold.db at auth's start")
        # the scratch folder above is for root's eyes alone
        os.chmod(site.dovecot.folder, 0o755)
        assert read_as_mta(site).stdout == ""
        site.enter(ANNA)
        assert read_as_mta(site).stdout == f"{ANNA.name}\n"

        folder = site.holds.parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o2750
        assert stat.S_IMODE(site.flags.parent.stat().st_mode) == 0o700
        for file in folder.glob("hold.db*"):
            # one of them is auth's own
            private = file.name == "hold.db-boot"
            mode = stat.S_IMODE(file.stat().st_mode)
            assert mode == (0o600 if private else 0o640), file
            assert (file.owner(), file.group()) == ("dovecot", GROUP)
        for file in site.flags.parent.glob("flags.db*"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        outsider = ["setpriv", "--reuid", "nobody", "--regid", "nogroup"]
        outsider += ["--clear-groups", "cat", str(site.holds)]
        assert subprocess.run(outsider, capture_output=True, check=False).returncode

        site.dovecot.end_auth(signal.SIGKILL)
        assert read_as_mta(site).stdout == f"{ANNA.name}\n"
        site.enter(BERT)
        assert BERT.name in read_as_mta(site).stdout
        site.dovecot.stop()
        result = read_as_mta(site)
        assert result.stdout.split() == [ANNA.name, BERT.name], result.stderr
