# SPDX-License-Identifier: LGPL-2.1-or-later
"""pwned_policy at work: what a breached password means at each service."""

from collections.abc import Iterator

import pytest
import ranges
from lib.site import Site
from lib.users import BREACHED, BREACHED2, CLEAN, User

# How often the range server says they were seen.
COUNT = ranges.count(BREACHED.password)
COUNT2 = ranges.count(BREACHED2.password)
POLICY = f"""\
pwned_policy = imap=off pop3=warn submission=deny sieve=deny:min={COUNT} \
lmtp=deny:min={COUNT + 1} smtp=deny:min={COUNT} smtp=warn:min={COUNT2 + 1} *=deny
"""


@pytest.fixture(scope="module")
def default_site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(POLICY) as site:
        yield site


def decided(site: Site, service: str, user: User, **labels: str) -> bool:
    """Logs the user in at auth; there is one event with the labels. Returns
    whether he got in."""
    with site.auth(service) as auth, site.one_event(service=service, **labels):
        return auth.plain(user.name, user.password).ok


@pytest.mark.parametrize(
    ("service", "action"),
    [
        ("smtp", "deny"),
        ("submission", "deny"),
        ("imap", "warn"),
        ("pop3", "warn"),
        ("sieve", "warn"),
        ("anything", "warn"),
    ],
)
def test_default(default_site: Site, service: str, action: str) -> None:
    """Without pwned_policy: he reads his mail, and cannot send."""
    accepted = decided(
        default_site, service, BREACHED, verdict="breached", action=action
    )
    assert accepted is (action != "deny")


@pytest.mark.parametrize(
    ("service", "user", "action"),
    [
        ("pop3", BREACHED, "warn"),
        ("submission", BREACHED, "deny"),
        # exactly the minimum, and one more than that
        ("sieve", BREACHED, "deny"),
        ("sieve", BREACHED2, "allow"),
        ("lmtp", BREACHED, "allow"),
        # the first rule whose minimum is reached, or none
        ("smtp", BREACHED, "deny"),
        ("smtp", BREACHED2, "allow"),
        # every other service
        ("anything", BREACHED2, "deny"),
    ],
)
def test_rules(site: Site, service: str, user: User, action: str) -> None:
    accepted = decided(site, service, user, verdict="breached", action=action)
    assert accepted is (action != "deny")


def test_two_minimums() -> None:
    """Of two rules for a service the higher minimum denies, the lower warns."""
    policy = f"pwned_policy = smtp=deny:min={COUNT} smtp=warn:min={COUNT2}\n"
    with Site(policy) as site:
        assert not decided(site, "smtp", BREACHED, verdict="breached", action="deny")
        assert decided(site, "smtp", BREACHED2, verdict="breached", action="warn")
        # No rule and no `*`: nothing to do, so nothing to ask.
        with site.nothing_asked():
            assert decided(
                site, "imap", CLEAN, verdict="unchecked", reason="service_off"
            )


@pytest.mark.parametrize("user", [BREACHED, CLEAN], ids=lambda user: user.name)
def test_off(site: Site, user: User) -> None:
    """A service that is off is not looked up at all."""
    with site.nothing_asked():
        assert decided(
            site,
            "imap",
            user,
            verdict="unchecked",
            action="allow",
            reason="service_off",
            origin="none",
            dry_run="no",
        )
