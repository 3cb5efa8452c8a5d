# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a customer meets at each service: with a clean password, with a breached
one, and with a wrong one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from lib.clients import Login
from lib.dovecot_config import PROTOCOLS
from lib.site import SERVICES, Site
from lib.users import BREACHED, BREACHED2, CLEAN, WRONG_PASSWORD

DENY_EVERYWHERE = "pwned_policy = *=deny\n"
URL = "https://www.example.com/password"
WHY = b"this password appears in a known data breach"
ADVICE = WHY + b". Choose a new one: " + URL.encode()
# The line that says no, to the byte.
REFUSALS = {
    "imap": b"a1 NO [EXPIRED] Access is blocked: %s",
    "pop3": b"-ERR [AUTH] Access is blocked: %s",
    "submission": b"535 5.7.8 Sending is blocked: %s",
    "smtp": b"535 5.7.8 Error: authentication failed: Sending is blocked: %s",
    "sieve": b'NO "Access is blocked: %s"',
}
# Without our text, in each protocol's own words.
WRONG_PASSWORDS = {
    "imap": b"a1 NO [AUTHENTICATIONFAILED] Authentication failed.",
    "pop3": b"-ERR [AUTH] Authentication failed.",
    "submission": b"535 5.7.8 Authentication failed.",
    "smtp": b"535 5.7.8 Error: authentication failed:",
    "sieve": b'NO "Authentication failed."',
}
# Dovecot answers a wrong password after 2 s at most, counted in its own steps.
SLOW_SECS = 0.5


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(DENY_EVERYWHERE + f"pwned_url = {URL}\n") as site:
        yield site


def heard(login: Login) -> bytes:
    return b"\n".join(line for who, line in login.transcript if who == "S")


@pytest.mark.parametrize("service", SERVICES)
def test_clean(site: Site, service: str) -> None:
    site.port(service)
    with site.one_event(verdict="clean", action="allow", service=service):
        login = site.login(service, CLEAN)
    assert login.accepted
    assert b"pwned" not in heard(login).lower()


@pytest.mark.parametrize("service", SERVICES)
def test_breached(site: Site, service: str) -> None:
    site.port(service)
    with site.one_event(verdict="breached", action="deny", service=service):
        login = site.login(service, BREACHED)
    assert not login.accepted
    assert login.replies == [REFUSALS[service] % ADVICE]
    assert login.secs < SLOW_SECS
    assert b"pwned" not in heard(login).lower()


def test_wrong_password(site: Site) -> None:
    """Nothing is asked, nothing is counted, and nothing of ours is said, at
    whichever service. Each client has an address, because Dovecot slows one
    down that brings wrong passwords."""
    for service in SERVICES:
        site.port(service)
    checks = site.dovecot.checks()

    def attempt(number_and_service: tuple[int, str]) -> Login:
        number, service = number_and_service
        return site.login(service, BREACHED2, WRONG_PASSWORD, f"127.0.1.{number + 1}")

    with site.nothing_asked(), ThreadPoolExecutor() as pool:
        logins = list(pool.map(attempt, enumerate(SERVICES)))
    for service, login in zip(SERVICES, logins, strict=True):
        assert not login.accepted
        assert login.final.startswith(WRONG_PASSWORDS[service])
        assert WHY not in heard(login)
        assert login.secs > SLOW_SECS
    assert site.dovecot.checks() == checks


def test_a_denial_slows_nobody_down(site: Site) -> None:
    """As a wrong password would: the next from that address waits for seconds,
    with whatever password."""
    source = "127.0.2.1"
    refused = [site.login("imap", BREACHED, source=source) for _ in range(5)]
    assert not any(login.accepted for login in refused)
    assert max(login.secs for login in refused) < SLOW_SECS
    login = site.login("imap", CLEAN, source=source)
    assert login.accepted
    assert login.secs < SLOW_SECS


def test_one_prefix_leaves_the_machine(site: Site) -> None:
    """Whatever is logged in with one password, at whichever service."""
    site.login("imap", BREACHED)
    with site.nothing_asked():
        for service in PROTOCOLS:
            site.login(service, BREACHED)


NO_URL = WHY + b". Choose a new one: ask your mail provider"
ODD_URL = "https://www.example.com/a%2Fb?c={prefix}&d=%u#e"
ODD_MESSAGE = "No: #1, 100 %, %2F, %u, {prefix} and {user}."
# Settings, where they are tried, and the refusal's text there.
TEXTS = {
    "no URL": ("", "imap", b"Access is blocked: " + NO_URL),
    "no URL, sending": ("", "submission", b"Sending is blocked: " + NO_URL),
    "a URL": (
        f'pwned_url = "{ODD_URL}"\n',
        "submission",
        b"Sending is blocked: %s. Choose a new one: %s" % (WHY, ODD_URL.encode()),
    ),
    "a message": (
        f'pwned_message = "{ODD_MESSAGE} See {{url}}"\npwned_url = {URL}\n',
        "imap",
        f"{ODD_MESSAGE} See {URL}".encode(),
    ),
    "a message, Postfix": (
        f'pwned_message = "{ODD_MESSAGE}"\npwned_url = {URL}\n',
        "smtp",
        ODD_MESSAGE.encode(),
    ),
    "200 bytes": (f"pwned_message = {'x' * 200}\n", "pop3", b"x" * 200),
}


@pytest.mark.parametrize(
    ("settings", "service", "text"), TEXTS.values(), ids=TEXTS.keys()
)
def test_texts(settings: str, service: str, text: bytes) -> None:
    """The operator's words reach the wire as they stand in the file."""
    line = REFUSALS[service]
    start = line[: max(line.find(b"Access"), line.find(b"Sending"))]
    with Site(DENY_EVERYWHERE + settings) as site:
        assert site.login(service, BREACHED).replies == [start + text]
