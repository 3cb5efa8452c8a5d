# SPDX-License-Identifier: LGPL-2.1-or-later
"""The metrics that doc/METRICS describes, by the configuration that we ship, as
Dovecot's own listener shows them; and what the events hold that they are made
of."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import ranges
from lib import series
from lib.crowd import Crowd
from lib.dovecot_config import BREAKER_EVENT, FETCH_EVENT, OUR_EVENTS, STORE_EVENT
from lib.ports import free_port
from lib.processes import wait_until
from lib.range_source import RangeServer
from lib.secrecy import Secret
from lib.site import Site
from lib.slots import SlotFile
from lib.users import BREACHED, BREACHED2, CLEAN, CLEAN2, User

DOC = Path(__file__).parents[2] / "doc"
SHIPPED = DOC / f"example-config/metrics-{series.installed().name}.conf.ext"
# A line as what collects metrics wants it; one that is not makes it refuse all.
LABEL = r'[a-z_]+="[^"\\]*"'
LINE = re.compile(rf"[a-z_]+(\{{{LABEL}(,{LABEL})*\}})? [0-9.]+")

LATENCY_SECS = 0.2
WAIT_SECS = 0.6
SLOW_SECS = 1
SETTINGS = f"""\
pwned_wait = {WAIT_SECS * 1000:.0f} ms
pwned_fetch_timeout = 3 s
pwned_policy = smtp=deny imap=warn pop3=off
"""
FAILURES = 3
RECOVERY_SECS = 10
# libcurl has all names below localhost on the loopback network.
HOST = "ranges.of-a-provider-with-a-name-that-is-long.localhost"

Labels = tuple[str, ...]


class Story:
    """All that there is an event for, once at least, in one Dovecot."""

    def __init__(self, site: Site, server: RangeServer, crowd: Crowd):
        self.site = site
        self.server = server
        self.crowd = crowd
        self.source = series.installed().label(f"http://{HOST}:{server.port}")
        self.checks: Counter[Labels] = Counter()
        self.tell()

    def login(self, user: User, *outcome: str, service: str = "smtp") -> None:
        """Its event has to have these labels: verdict, origin, reason, action."""
        with self.site.auth(service) as auth:
            auth.plain(user.name, user.password)
        self.checks[(*outcome, service)] += 1

    def tell(self) -> None:
        site = self.site
        self.login(CLEAN, "clean", "source", "none", "allow")
        self.login(BREACHED, "breached", "source", "none", "deny")
        self.login(CLEAN, "clean", "cache", "none", "allow")
        self.login(BREACHED, "breached", "cache", "none", "warn", service="imap")
        unchecked = ("unchecked", "none", "service_off", "allow")
        self.login(BREACHED, *unchecked, service="pop3")
        # auth's memory goes, the store stays.
        site.dovecot.end_auth()
        self.login(BREACHED, "breached", "store", "none", "deny")
        slots = SlotFile(site.dovecot.place.store)
        prefix, _ = ranges.split_digest(CLEAN.password)
        for block in slots.blocks(prefix):
            slots.flip(prefix, block.index)
        self.login(CLEAN, "clean", "source", "none", "allow")
        self.be_slow()
        self.fail()
        self.recover()

    def be_slow(self) -> None:
        self.server.stop()
        with RangeServer(SLOW_SECS * 1000, self.server.port):
            self.login(BREACHED2, "unknown", "none", "timeout", "allow")
            late = f"Breached password of user {BREACHED2.name}"
            self.site.dovecot.log.wait_for(late)

    def fail(self) -> None:
        for user in self.crowd.clean(FAILURES):
            self.login(user, "unknown", "none", "connect", "allow")
        self.site.dovecot.log.wait_for("is left alone for ")
        self.login(CLEAN2, "unknown", "none", "breaker_open", "allow")

    def recover(self) -> None:
        """Logins go on at once until one of them probes."""
        with RangeServer(SLOW_SECS * 1000, self.server.port) as server:

            def is_probed() -> bool:
                (user,) = self.crowd.clean(1)
                self.login(user, "unknown", "none", "breaker_open", "allow")
                return bool(server.events())

            wait_until(is_probed, "a probe", RECOVERY_SECS)
            self.site.dovecot.log.wait_for("is asked again: it answers")

    def numbers(self, metric: str, *labels: str) -> dict[Labels, float]:
        """By these labels, which is how the metric is grouped."""
        return {
            tuple(found.values()): value
            for name, found, value in self.site.dovecot.metrics()
            if name == f"dovecot_{metric}" and tuple(found) == labels
        }


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    crowd = Crowd(clean=FAILURES + 300)
    port = free_port()
    with (
        RangeServer(LATENCY_SECS * 1000, port) as server,
        Site(
            SETTINGS,
            source=f"pwned_source = http://{HOST}:{port}/range/\n",
            users=(*crowd.users, CLEAN, CLEAN2, BREACHED, BREACHED2),
            export_events=True,
            metrics=False,
            extra=f"auth_failure_delay = 0\n!include {SHIPPED}\n",
        ) as site,
    ):
        story = Story(site, server, crowd)
        # Events are counted a moment later, that of the probe's login last.
        wait_until(lambda: story.numbers("pwned_late_checks_count") == {(): 2}, "all")
        yield story


def test_each_line_can_be_read(story: Story) -> None:
    lines = story.site.dovecot.scrape().splitlines()
    lines = [line for line in lines if line.startswith("dovecot_pwned")]
    assert len(lines) > 50
    assert not [line for line in lines if not LINE.fullmatch(line)]


def test_checks(story: Story) -> None:
    labels = ("verdict", "origin", "reason", "action", "service")
    assert story.numbers("pwned_checks_total", *labels) == story.checks
    late = story.numbers("pwned_late_checks_total", "verdict", "renewed")
    assert late == {("breached", "no"): 1, ("clean", "no"): 1}


def test_check_latency(story: Story) -> None:
    """What was at hand was no matter of milliseconds, what came from the source
    took as long as that."""
    origins = Counter[str]()
    for (verdict, origin, *_), number in story.checks.items():
        origins[origin] += number if verdict != "unchecked" else 0
    counts = story.numbers("pwned_check_latency_count", "origin")
    assert counts == {(origin,): number for origin, number in origins.items()}
    sums = story.numbers("pwned_check_latency_sum", "origin")
    at_hand = sums[("cache",)] + sums[("store",)]
    assert 0 < at_hand < 3 * LATENCY_SECS / 2
    assert 3 * LATENCY_SECS <= sums[("source",)] < 3 * WAIT_SECS
    assert sums[("none",)] >= WAIT_SECS
    below = story.numbers("pwned_check_latency_bucket", "origin", "le")
    assert below[("source", "0.131072")] == 0
    assert below[("source", "1.048576")] == below[("source", "+Inf")] == 3


def test_fetches(story: Story) -> None:
    fetches = story.numbers("pwned_fetches_total", "source", "error", "status")
    connect = (story.source, "connect", "0")
    good = (story.source, "none", "200")
    assert fetches.keys() == {good, connect}
    # Three answers in time, and the late ones.
    assert fetches[good] == 3 + 2
    assert fetches[connect] == FAILURES
    secs = story.numbers(
        "pwned_fetches_duration_seconds_total", "source", "error", "status"
    )
    least_secs = 3 * LATENCY_SECS + 2 * SLOW_SECS
    assert least_secs <= secs[good] < least_secs + SLOW_SECS
    assert 0 < secs[connect] < FAILURES * LATENCY_SECS
    below = story.numbers("pwned_fetch_latency_bucket", "source", "le")
    at_most = {le: number for (_, le), number in below.items()}
    assert at_most["0.131072"] == fetches[connect]
    assert at_most["0.524288"] == at_most["+Inf"] - 2


def test_breaker(story: Story) -> None:
    changes = story.numbers("pwned_breaker_total", "source", "state")
    states = ("open", "probing", "closed")
    assert changes == {(story.source, state): 1 for state in states}


def test_store_faults(story: Story) -> None:
    assert story.numbers("pwned_store_faults_total", "error") == {("damaged",): 1}


def test_hit_ratio(story: Story) -> None:
    """As doc/METRICS has it."""
    labels = ("verdict", "origin", "reason", "action", "service")
    checks = story.numbers("pwned_checks_total", *labels)
    asked = {key: n for key, n in checks.items() if key[0] != "unchecked"}
    hits = sum(n for key, n in asked.items() if key[1] in ("cache", "store", "stale"))
    assert hits == 3
    assert sum(asked.values()) == story.checks.total() - 1


def test_the_document_has_no_other_names(story: Story) -> None:
    text = (DOC / "METRICS").read_text()
    named = set(re.findall(r"dovecot_pwned_\w+", text))
    shown = {name for name, _, _ in story.site.dovecot.metrics()}
    assert len(named) >= 6
    assert named <= shown
    shipped = re.findall(r"^metric (\w+)", SHIPPED.read_text(), re.MULTILINE)
    assert re.findall(r"^(pwned_\w+)  ", text, re.MULTILINE) == shipped
    assert set(re.findall(r"^(pwned_\w+)$", text, re.MULTILINE)) == set(OUR_EVENTS)


def test_what_events_hold(story: Story) -> None:
    """Neither a prefix nor a number of bytes or lines, which tell it."""
    fields = {
        FETCH_EVENT: {"duration", "source", "error", "status"},
        BREAKER_EVENT: {"duration", "source", "state"},
        STORE_EVENT: {"duration", "error"},
    }
    for event, names in fields.items():
        found = story.site.exported_events(event)
        assert found
        for exported in found:
            assert exported["fields"].keys() == names
            assert "pwned" in exported["categories"]
    log = story.site.dovecot.log.text().encode()
    scraped = story.site.dovecot.scrape().encode()
    for user in (CLEAN, CLEAN2, BREACHED, BREACHED2):
        secret = Secret(user.password)
        assert not secret.prefix.isdigit()
        assert not secret.found_in(log)
        assert not secret.found_in(scraped)
    for user in (CLEAN2, BREACHED2):
        assert user.name.encode() not in scraped
