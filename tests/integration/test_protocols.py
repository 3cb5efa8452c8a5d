# SPDX-License-Identifier: LGPL-2.1-or-later
"""What may differ by protocol (Dovecot 2.4), on real logins: each protocol's
`protocol x { }` acts on that protocol alone, and what is one for a server stays
one."""

import pytest
from lib.crowd import Crowd, logins
from lib.dovecot_config import PROTOCOLS
from lib.site import SERVICES, Site, dead_source
from lib.users import BREACHED, CLEAN

pytestmark = pytest.mark.series("2.4")

DENY_EVERYWHERE = "pwned_policy = *=deny\n"
LATENCY_MSECS = 600
MIN_USERS = 100
URLS = {service: f"https://www.example.com/{service}" for service in SERVICES}


def own_urls() -> dict[str, str]:
    """Settings of its own for each protocol."""
    return {service: f"pwned_url = {url}\n" for service, url in URLS.items()}


@pytest.mark.parametrize("strict", SERVICES)
def test_policy(strict: str) -> None:
    lines = {strict: DENY_EVERYWHERE}
    with Site("pwned_policy = *=off\n", protocol_settings=lines) as site:
        site.port("smtp")
        for service in SERVICES:
            action = "deny" if service == strict else "allow"
            with site.one_event(service=service, action=action):
                assert site.login(service, BREACHED).accepted is (action == "allow")


def test_texts() -> None:
    """Each protocol's URL, and Postfix' own words."""
    lines = own_urls()
    lines["smtp"] += "pwned_message = Change it at {url}\n"
    with Site(DENY_EVERYWHERE, protocol_settings=lines) as site:
        for service, url in URLS.items():
            reply = site.login(service, BREACHED).final.decode()
            assert reply.count("https://") == 1
            assert url in reply
            assert ("Change it at " in reply) is (service == "smtp")


def test_warning() -> None:
    settings = "pwned_warning = Nobody reads this\n"
    lines = {"imap": "pwned_warning = See {url}\npwned_url = https://x.example/\n"}
    with Site(settings, protocol_settings=lines, imap_plugin=True) as site:
        alert, _ = site.login("imap", BREACHED).replies
        assert alert == b"* OK [ALERT] See https://x.example/"


def test_our_block_counts_more() -> None:
    """So Dovecot has it: what is to differ by protocol stands outside the block."""
    lines = {"imap": DENY_EVERYWHERE}
    with Site(block_settings="pwned_policy = *=off\n", protocol_settings=lines) as site:
        assert site.login("imap", BREACHED).accepted


def test_wait() -> None:
    """One waits for the answer, one does not; which then is there for both."""
    lines = {"imap": "pwned_wait = 0\n"}
    with Site(
        DENY_EVERYWHERE, latency_msecs=LATENCY_MSECS, protocol_settings=lines
    ) as site:
        labels = {"verdict": "unknown", "reason": "no_wait", "service": "imap"}
        with site.one_event(**labels):
            login = site.login("imap", BREACHED)
        assert login.accepted
        assert login.secs < LATENCY_MSECS / 1000
        with site.one_event(verdict="breached", service="pop3"):
            assert not site.login("pop3", BREACHED).accepted
        assert not site.login("imap", BREACHED).accepted
        assert len(site.ranges.prefixes()) == 1


def test_on_unknown() -> None:
    lines = {"pop3": "pwned_on_unknown = tempfail\n"}
    with Site(source=dead_source(), protocol_settings=lines) as site:
        with site.one_event(service="imap", verdict="unknown", action="allow"):
            assert site.login("imap", CLEAN).accepted
        with site.one_event(service="pop3", verdict="unknown", action="tempfail"):
            login = site.login("pop3", CLEAN)
        assert login.final.startswith(b"-ERR [SYS/TEMP] ")


def test_dry_run() -> None:
    lines = {"submission": "pwned_dry_run = yes\n"}
    with Site(protocol_settings=lines) as site:
        labels = {"action": "deny", "verdict": "breached"}
        site.port("smtp")
        with site.one_event(service="submission", dry_run="yes", **labels):
            assert site.login("submission", BREACHED).accepted
        with site.one_event(service="smtp", dry_run="no", **labels):
            assert not site.login("smtp", BREACHED).accepted


def test_one_cache() -> None:
    """One request, whichever protocol has settings of its own."""
    with Site(DENY_EVERYWHERE, protocol_settings=own_urls()) as site:
        for service in PROTOCOLS:
            assert not site.login(service, BREACHED).accepted
        assert len(site.ranges.prefixes()) == 1


def test_one_brake() -> None:
    """It counts the users of all protocols, of which none has enough by itself."""
    crowd = Crowd(breached=MIN_USERS + 20)
    with Site(
        DENY_EVERYWHERE, protocol_settings=own_urls(), users=crowd.users
    ) as site:
        refused = 0
        for service in ("imap", "smtp"):
            with site.auth(service) as auth:
                users = crowd.breached(len(crowd.users) // 2)
                replies = auth.plain_many(logins(*users), concurrency=1)
                refused += sum(not reply.ok for reply in replies)
        assert refused == MIN_USERS - 1
        assert len(site.our_lines("Error")) == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        # of nothing that is said at the start
        ({"imap": "pwned_wait = 0\n", "pop3": "pwned_url = http://x/\n"}, []),
        # not ours, and no reason for a second module to speak
        ({"imap": "auth_verbose = yes\n", "smtp": "auth_verbose = yes\n"}, []),
        (
            {"imap": "pwned_dry_run = yes\n", "pop3": "pwned_policy = pop3=off\n"},
            [
                "protocol imap: dry run, nobody is refused",
                "protocol pop3: breached passwords are not checked at pop3",
            ],
        ),
    ],
    ids=["silent", "not ours", "two"],
)
def test_start_lines_come_once(lines: dict[str, str], said: list[str]) -> None:
    with Site("pwned_policy = smtp=deny\n", protocol_settings=lines) as site:
        site.dovecot.auth_pid()
        for service in ("imap", "pop3", "smtp"):
            site.login(service, CLEAN)
        texts = [line.partition(" pwned: ")[2] for line in site.our_lines()]
    assert texts[0] == "breached passwords are refused at smtp"
    assert sorted(texts[1:]) == said
