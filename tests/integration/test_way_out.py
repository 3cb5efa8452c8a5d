# SPDX-License-Identifier: LGPL-2.1-or-later
"""README's way out, under load, and what a reload costs."""

import itertools
import time

from lib.crowd import Crowd
from lib.dovecot_config import PROTOCOLS
from lib.load import Load, Outcome
from lib.processes import wait_until
from lib.site import SERVICES, Site
from lib.users import BREACHED, CLEAN, CLEAN2, WRONG_PASSWORD

DENY_EVERYWHERE = "pwned_policy = *=deny\n"
RELOADS = 10
# Between two reloads, long enough for logins on both sides of each.
PAUSE_SECS = 0.6
CLIENTS = 2


def assert_all_get_in(site: Site) -> None:
    for service in PROTOCOLS:
        assert site.login(service, BREACHED).accepted, service
    # An smtpd that is running keeps its connection to the old auth process,
    # which Dovecot ends six seconds after a reload.
    wait_until(lambda: site.login("smtp", BREACHED).accepted, "a login by Postfix")


def test_way_out() -> None:
    """First the dry run, then our block goes and `continue-ok` stays: nobody is
    refused any more, and a wrong password still is."""
    with Site(DENY_EVERYWHERE) as site:
        users = itertools.cycle((CLEAN, CLEAN2))
        with Load(site.port("imap"), users, CLIENTS) as load:
            for service in SERVICES:
                assert not site.login(service, BREACHED).accepted
            site.apply(DENY_EVERYWHERE + "pwned_dry_run = yes\n")
            assert_all_get_in(site)
            site.reload(checker_removed=True)
            assert_all_get_in(site)
            wrong = site.login("imap", BREACHED, WRONG_PASSWORD, "127.0.6.1")
            assert not wrong.accepted
        assert load.outcomes[Outcome.ACCEPTED] > 100
        assert load.outcomes[Outcome.REFUSED] == 0
        assert load.failures <= load.outcomes.total() / 20, load.outcomes


def reload_under_load(checker: str) -> Load:
    # More logins can be made, and one reload is a smaller part of them.
    with Site(checker=checker, one_imap_process=True) as site:
        users = itertools.cycle((CLEAN, CLEAN2))
        with Load(site.port("imap"), users, CLIENTS) as load:
            for _ in range(RELOADS):
                time.sleep(PAUSE_SECS)
                site.reload()
    return load


def test_reloads_with_a_warm_cache() -> None:
    """Dovecot's own hand-over loses a few connections; we add next to none."""
    theirs, ours = map(reload_under_load, ("static", "pwned"))
    assert ours.outcomes[Outcome.REFUSED] == 0
    assert ours.outcomes.total() > 100 * RELOADS
    allowed = theirs.failures + ours.outcomes.total() / 100
    assert ours.failures <= allowed, (theirs.outcomes, ours.outcomes)


def test_reloads_with_checks_in_flight() -> None:
    """What a customer meets then is an outage, and never a wrong password."""
    crowd = Crowd(clean=150)
    with Site(DENY_EVERYWHERE, latency_msecs=800, users=crowd.users) as site:
        with Load(site.port("imap"), crowd.users, clients=20) as load:
            for _ in range(3):
                asked = len(site.ranges.prefixes())
                wait_until(lambda: len(site.ranges.prefixes()) > asked, "a check")
                site.reload()
            load.wait()
        assert load.outcomes.total() == len(crowd.users)
        assert load.outcomes[Outcome.REFUSED] == 0
        assert load.outcomes[Outcome.ACCEPTED] > len(crowd.users) / 2, load.outcomes
