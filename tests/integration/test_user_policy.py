# SPDX-License-Identifier: LGPL-2.1-or-later
"""A policy of the user's own, which the passdb that verifies returns: it replaces
the one of the settings for this login, and no client ever sees it."""

import re

import pytest
from lib.account_site import AccountSite
from lib.authsocket import AuthSocket, Reply
from lib.clients import cram_md5
from lib.site import dead_source
from lib.users import BREACHED, BREACHED2, CLEAN, MASTER, WRONG_PASSWORD, User

STRICT = User("strict@example.com", BREACHED.password)
LAX = User("lax@example.com", BREACHED2.password)
HELD = User("held@example.com", BREACHED.password)
CHECKED = User("clean@example.com", CLEAN.password)
OTHER = User("other@example.com", BREACHED.password)
BROKEN = User("broken@example.com", BREACHED.password)
USERS = (STRICT, LAX, HELD, CHECKED, OTHER, BROKEN)
POLICIES = {
    STRICT.name: "*=deny",
    LAX.name: "*=off",
    HELD.name: "smtp=hold",
    CHECKED.name: "*=deny",
    BROKEN.name: "smtp=refuse",
}
GLOBAL = "pwned_policy = smtp=deny *=warn\n"


def site_of(settings: str = GLOBAL, **words: object) -> AccountSite:
    words = {"users": USERS, "user_policies": POLICIES, **words}
    return AccountSite(settings, **words)


def silent(reply: Reply) -> Reply:
    """Nothing in it says that there is such a field, nor what is in it."""
    for word in reply.words:
        assert "pwned" not in word, reply.words
        assert not re.search(r"=(deny|off|hold|refuse)", word), reply.words
    return reply


def test_it_replaces_that_of_the_settings() -> None:
    with site_of() as site:
        assert not silent(site.enter(STRICT, "imap")).ok
        assert not silent(site.enter(STRICT)).ok
        assert silent(site.enter(LAX)).ok
        site.dovecot.wait_for_checks(1, verdict="unchecked", reason="service_off")
        assert silent(site.enter(HELD)).ok
        assert site.held().keys() == {HELD.name}
        assert silent(site.enter(CHECKED)).ok
        # no field: that of the settings
        assert not silent(site.enter(OTHER)).ok
        assert silent(site.enter(OTHER, "imap")).ok


def test_nobody_sees_it_where_the_login_fails() -> None:
    with site_of() as site, site.auth() as auth:
        for number, user in enumerate(USERS, 1):
            # from elsewhere each, or Dovecot takes longer each time
            reply = auth.plain(user.name, WRONG_PASSWORD, f"rip=127.0.6.{number}")
            assert not silent(reply).ok
    settings = GLOBAL + "pwned_on_unknown = tempfail\n"
    with site_of(settings, source=dead_source()) as site:
        for user in (STRICT, HELD, CHECKED):
            assert not silent(site.enter(user)).ok


def test_nobody_sees_it_where_dovecot_remembers_the_answer() -> None:
    with site_of(auth_cache=True) as site:
        for _ in range(3):
            assert not silent(site.enter(STRICT, "imap")).ok
            assert silent(site.enter(LAX)).ok
            assert silent(site.enter(CHECKED)).ok
            assert not silent(site.enter(OTHER)).ok


@pytest.mark.parametrize("result", ("continue-ok", "return-ok"))
def test_a_master_ignores_it(result: str) -> None:
    with site_of(master=result, master_user=MASTER) as site:
        with site.auth("imap") as auth:
            for user in (STRICT, LAX, CHECKED):
                reply = auth.plain(f"{user.name}*{MASTER.name}", MASTER.password)
                assert silent(reply).ok


def test_nobody_sees_it_with_a_mechanism_that_shows_no_password() -> None:
    with site_of(mechanisms=("plain", "login", "cram-md5")) as site, site.auth() as auth:
        for user in (STRICT, LAX, HELD):
            assert silent(enter_by_cram_md5(auth, user)).ok


def enter_by_cram_md5(auth: AuthSocket, user: User) -> Reply:
    return auth.challenged(
        "CRAM-MD5", lambda challenge: cram_md5(challenge, user.name, user.password)
    )


def test_one_that_is_none_is_told_and_left_out() -> None:
    with site_of() as site:
        assert not silent(site.enter(BROKEN)).ok
        assert silent(site.enter(BROKEN, "imap")).ok
        (error,) = site.our_lines("Error")
        assert BROKEN.name in error
        assert "'refuse' is not an action" in error


def test_the_client_never_sees_it() -> None:
    """As login processes and Postfix hand on what auth says."""
    with site_of(imap_plugin=True) as site:
        for user, service in ((STRICT, "imap"), (LAX, "imap"), (HELD, "smtp")):
            login = site.login(service, user)
            said = b"\n".join(line for _, line in login.transcript)
            assert b"pwned_policy" not in said
        for command in ("test", LAX.name, LAX.password), ("lookup", LAX.name):
            result = site.dovecot.doveadm("auth", *command)
            assert result.returncode == 0, result.stderr
            assert "passdb" in result.stdout
            assert "pwned_policy" not in result.stdout
