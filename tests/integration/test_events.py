# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the operator sees of checks: events, the metrics made of them, and the
line in the log for each denial."""

import re
from collections.abc import Callable, Iterator

import pytest
from lib import series
from lib.authsocket import AuthSocket
from lib.dovecot_config import EVENT, LATE_EVENT
from lib.processes import wait_until
from lib.site import Site
from lib.users import BREACHED, BREACHED2, CLEAN, MASTER, WRONG_PASSWORD

# Ours. What else an event has comes from Dovecot's own event of the login.
FIELDS = {"verdict", "reason", "action", "origin", "dry_run", "brake", "service"}
# Words that no name of a field may hold: beside a user's name they help to guess.
FORBIDDEN = re.compile("count|band|seen|hash|sha|digest|prefix|suffix|password")
# As an operator's fail2ban filter has it: <HOST> stands for an address.
DENIAL = re.compile(
    series.installed().denial_line(r"(?P<user>[^,]*)", r"(?P<host>[0-9a-f.:]+)") + "$"
)
WRONG = re.compile(r"auth failed|[Pp]assword mismatch|authentication failure")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A denial, a warning, a clean one, one for each reason not to check, and
    wrong passwords, each at a service of its own where that can be."""
    with Site(
        "pwned_policy = imap=warn pop3=off smtp=deny submission=deny\n",
        mechanisms=("plain", "cram-md5"),
        master="continue-ok",
        export_events=True,
        extra="auth_verbose = yes\n",
    ) as site:
        yield site


def plain(auth: AuthSocket) -> None:
    auth.plain(BREACHED.name, BREACHED.password, "rip=192.0.2.1")


def plain_clean(auth: AuthSocket) -> None:
    auth.plain(CLEAN.name, CLEAN.password)


def master(auth: AuthSocket) -> None:
    auth.plain(f"{BREACHED.name}*{MASTER.name}", MASTER.password)


UNCHECKED = {"verdict": "unchecked", "action": "allow", "origin": "none"}
EVENTS = {
    "denial": ("smtp", plain, {"verdict": "breached", "action": "deny"}),
    "warning": ("imap", plain, {"verdict": "breached", "action": "warn"}),
    "clean": ("smtp", plain_clean, {"verdict": "clean", "action": "allow"}),
    "service off": ("pop3", plain, UNCHECKED | {"reason": "service_off"}),
    "master user": ("smtp", master, UNCHECKED | {"reason": "master_user"}),
}


@pytest.mark.parametrize(("service", "act", "labels"), EVENTS.values(), ids=EVENTS)
def test_one_event_a_login(
    site: Site, service: str, act: Callable[[AuthSocket], None], labels: dict[str, str]
) -> None:
    before = len(site.exported_events())
    with site.auth(service) as auth, site.one_event(service=service, **labels):
        act(auth)
    wait_until(lambda: len(site.exported_events()) > before, "the event")
    (event,) = site.exported_events()[before:]
    fields = event["fields"]
    assert fields.keys() >= FIELDS
    expected = {"reason": "none", "dry_run": "no", "brake": "no", "service": service}
    expected |= labels
    assert {name: fields[name] for name in expected} == expected
    assert fields["origin"] in ("none", "cache", "source")
    assert 0 <= fields["duration"] < 2_000_000
    assert fields["user"] == (CLEAN.name if act is plain_clean else BREACHED.name)
    assert not [name for name in fields if FORBIDDEN.search(name)]
    assert "pwned" in event["categories"]


def test_origins(site: Site) -> None:
    """From the source at first, then from memory."""
    with site.auth("imap") as auth:
        for origin in ("source", "cache", "cache"):
            with site.one_event(verdict="breached", service="imap", origin=origin):
                auth.plain(BREACHED2.name, BREACHED2.password)


def test_a_wrong_password_is_no_event(site: Site) -> None:
    before = site.dovecot.checks()
    with site.auth("smtp") as auth:
        assert not auth.plain(BREACHED.name, WRONG_PASSWORD).ok
    assert site.dovecot.checks() == before


def test_open_metrics(site: Site) -> None:
    """Dovecot's own listener, as Prometheus scrapes it."""
    labels = {"verdict": "breached", "action": "deny", "service": "smtp"}
    with site.auth("smtp") as auth, site.one_event(**labels):
        plain(auth)
    found = {
        name: value
        for name, found, value in site.dovecot.metrics()
        if found == labels and name.startswith("dovecot_pwned_checks_")
    }
    assert found["dovecot_pwned_checks_total"] >= 1
    assert found["dovecot_pwned_checks_duration_seconds_total"] > 0


def test_fail2ban(site: Site) -> None:
    """A denial is one line that names user and address, which a filter for wrong
    passwords does not take for one, and the other way round."""
    with site.auth("smtp") as auth:
        # Behind the lines of earlier tests, which may come late.
        auth.plain(CLEAN.name, WRONG_PASSWORD, "rip=192.0.2.8")
        site.dovecot.log.wait_for(",192.0.2.8")
        mark = site.dovecot.log.end()
        auth.plain(BREACHED.name, BREACHED.password, "rip=2001:db8::7")
        auth.plain(BREACHED.name, WRONG_PASSWORD, "rip=192.0.2.9")
    refused = site.login("submission", BREACHED, source="127.0.4.1")
    wrong = site.login("submission", CLEAN, WRONG_PASSWORD, source="127.0.4.2")
    assert not refused.accepted
    assert not wrong.accepted
    log = site.dovecot.log.wait_for("auth failed", since=mark)
    lines = [line for line in log.splitlines() if "stats: Info: {" not in line]
    denials = [found for line in lines if (found := DENIAL.search(line))]
    assert [found["host"] for found in denials] == ["2001:db8::7", "127.0.4.1"]
    assert {found["user"] for found in denials} == {BREACHED.name}
    mistaken = [line for line in lines if WRONG.search(line)]
    assert any("192.0.2.9" in line for line in mistaken)
    assert any("127.0.4.2" in line for line in mistaken)
    assert not any("127.0.4.1" in line or "2001:db8::7" in line for line in mistaken)
    assert not any(DENIAL.search(line) for line in mistaken)


def test_the_customer_is_told_in_words_of_ours_alone(site: Site) -> None:
    """FAIL lines carry our text and what keeps Dovecot from slowing him down."""
    with site.auth("smtp") as auth:
        reply = auth.plain(BREACHED.name, BREACHED.password)
    assert reply.fields.keys() == {"user", "code", "reason", "nodelay"}
    assert reply.fields["code"] == "user_disabled"


def test_late() -> None:
    """Nobody waits; the answer then counts for the next login."""
    with Site("pwned_wait = 0\n", export_events=True) as site:
        with site.auth("smtp") as auth:
            labels = {"verdict": "unknown", "action": "allow", "reason": "no_wait"}
            with site.one_event(service="smtp", origin="none", **labels):
                assert auth.plain(BREACHED.name, BREACHED.password).ok
            late = {"verdict": "breached", "action": "deny", "service": "smtp"}
            site.dovecot.wait_for_checks(1, metric="pwned_late", **late)
            site.dovecot.log.wait_for(
                f"pwned: Breached password of user {BREACHED.name} at smtp: the answer "
                "came after the login"
            )
            with site.one_event(verdict="breached", action="deny", origin="cache"):
                assert not auth.plain(BREACHED.name, BREACHED.password).ok
        assert site.dovecot.checks("pwned_late") == 1
        (event,) = site.exported_events(LATE_EVENT)
        assert event["fields"].keys() >= FIELDS
        assert event["fields"]["user"] == BREACHED.name
        assert event["fields"]["origin"] == "source"
        assert not [name for name in event["fields"] if FORBIDDEN.search(name)]
        assert len(site.exported_events(EVENT)) == 2
