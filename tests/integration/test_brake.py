# SPDX-License-Identifier: LGPL-2.1-or-later
"""The brake: where more users are newly refused than thieves could be behind,
the mistake is ours or the source's."""

from collections.abc import Sequence

from lib.crowd import Crowd, logins
from lib.site import Site
from lib.users import User

ENGAGED = "the brake holds: more than 20 % of the users"
MIN_USERS = 100
# The share is 20 %: of 100 users 20 may be refused.
CLEAN_USERS = 80
DENIED_USERS = 20


def accepted(site: Site, users: Sequence[User], service: str = "smtp") -> list[bool]:
    """One after the other: who is verified and who was refused by then is what
    the brake goes by."""
    with site.auth(service) as auth:
        return [reply.ok for reply in auth.plain_many(logins(*users), concurrency=1)]


def braked_events(site: Site) -> int:
    return sum(event["fields"]["brake"] == "yes" for event in site.exported_events())


def test_brake() -> None:
    crowd = Crowd(breached=DENIED_USERS + 30, clean=CLEAN_USERS + 200)
    with Site(users=crowd.users, export_events=True) as site:
        # Exactly the share: all are refused.
        denied = crowd.breached(DENIED_USERS)
        assert all(accepted(site, crowd.clean(CLEAN_USERS)))
        assert not any(accepted(site, denied))
        assert site.our_lines("Error") == []

        # One more is refused as well, and with him the share is exceeded.
        one_more = crowd.breached(1)
        assert not any(accepted(site, one_more))
        held_back = crowd.breached(20)
        assert all(accepted(site, held_back))
        assert all(accepted(site, held_back))
        (error,) = site.our_lines("Error")
        assert ENGAGED in error
        site.dovecot.wait_for_checks(40, verdict="breached", action="warn")
        assert braked_events(site) == 40

        # Who was denied stays denied.
        assert not any(accepted(site, denied + one_more))

        # The share falls, and everybody is refused again.
        assert all(accepted(site, crowd.clean(200)))
        assert not any(accepted(site, held_back))
        assert len(site.our_lines("Error")) == 1


def test_most_senders_are_too_many() -> None:
    """Where many read and few send, a source that lies would refuse all who send
    before they are a share of all users that is worth a look."""
    crowd = Crowd(breached=100, clean=450)
    with Site(users=crowd.users) as site:
        assert all(accepted(site, crowd.clean(430), "imap"))
        assert all(accepted(site, crowd.clean(20)))
        # The 80th makes them a hundred.
        assert accepted(site, crowd.breached(100)) == [False] * 79 + [True] * 21
        assert len(site.our_lines("Error")) == 1


def test_a_thief_among_few_senders() -> None:
    """He must not reach the brake by the passwords that he has."""
    crowd = Crowd(breached=60, clean=450)
    with Site(users=crowd.users) as site:
        assert all(accepted(site, crowd.clean(370), "imap"))
        assert all(accepted(site, crowd.clean(80)))
        assert not any(accepted(site, crowd.breached(60)))
        assert site.our_lines("Error") == []


def test_few_users_tell_nothing_about_a_share() -> None:
    crowd = Crowd(breached=MIN_USERS - 1)
    with Site(users=crowd.users) as site:
        assert not any(accepted(site, crowd.breached(MIN_USERS - 1)))
        assert site.our_lines("Error") == []


def test_one_user_is_one_user() -> None:
    """However often he logs in."""
    crowd = Crowd(breached=1)
    (user,) = crowd.breached(1)
    with Site(users=crowd.users) as site:
        assert not any(accepted(site, [user] * 200))
        assert site.our_lines("Error") == []


def test_no_brake() -> None:
    crowd = Crowd(breached=150)
    with Site("pwned_brake_share = 0\n", users=crowd.users) as site:
        assert not any(accepted(site, crowd.breached(150)))
        assert site.our_lines("Error") == []


def test_a_dry_run_shows_what_the_brake_would_do() -> None:
    crowd = Crowd(breached=150)
    settings = "pwned_dry_run = yes\n"
    with Site(settings, users=crowd.users, export_events=True) as site:
        assert all(accepted(site, crowd.breached(150)))
        site.dovecot.wait_for_checks(99, verdict="breached", action="deny")
        site.dovecot.wait_for_checks(51, verdict="breached", action="warn")
        assert braked_events(site) == 51
        (error,) = site.our_lines("Error")
        assert ENGAGED in error
