# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is older than pwned_store_max_age decides at once, and is asked for behind
the login by the tag that it came with."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from lib.crowd import Crowd
from lib.processes import wait_until
from lib.range_source import RangeServer
from lib.slots import SlotFile
from lib.store_site import StoreSite, prefixes_of
from lib.users import User

SETTINGS = "pwned_store_max_age = 7 days\npwned_store_stale = 30 days\n"
STALE_DAYS = 10
TOO_OLD_DAYS = 40
LATENCY_SECS = 0.2


@pytest.fixture
def crowd() -> Crowd:
    return Crowd(breached=9, clean=6)


@pytest.fixture
def start(stack: ExitStack, crowd: Crowd) -> Callable[..., StoreSite]:
    def start(settings: str = "", **words: object) -> StoreSite:
        return stack.enter_context(StoreSite(crowd.users, SETTINGS + settings, **words))

    return start


@pytest.fixture
def users(crowd: Crowd) -> list[User]:
    """Of whom something is known."""
    return [*crowd.breached(5), *crowd.clean(5)]


def grow_old(site: StoreSite, days: int = STALE_DAYS) -> None:
    """All ranges do; the auth process that remembers them goes."""
    site.dovecot.end_auth()
    site.slots.age(days)


@pytest.fixture
def serve(stack: ExitStack) -> Callable[..., None]:
    def serve(site: StoreSite, **words: object) -> None:
        """Another range server, in the place of the one that is there. Where a
        login still waits for the account's record, an answer that is faster
        counts; this one is not."""
        site.ranges.stop()
        site.ranges = stack.enter_context(
            RangeServer(LATENCY_SECS * 1000, port=site.ranges.port, **words)
        )

    return serve


@contextmanager
def each_decided_from(
    origin: str, site: StoreSite, users: list[User]
) -> Iterator[None]:
    """What is done within is a login of each."""
    before = site.dovecot.checks(origin=origin)
    yield
    site.dovecot.wait_for_checks(before + len(users), origin=origin)


@contextmanager
def each_asked_for(
    site: StoreSite, users: list[User], conditional: bool, status: int
) -> Iterator[None]:
    """Of what is done within, exactly once."""
    before = len(site.ranges.events())
    yield
    wait_until(lambda: len(site.ranges.events()) >= before + len(users), "the requests")
    events = site.ranges.events()[before:]
    assert sorted(e["prefix"] for e in events) == sorted(prefixes_of(users))
    assert {(e["conditional"], e["status"]) for e in events} == {(conditional, status)}


def today() -> int:
    return int(time.time()) // 86400


def wait_for_today(slots: SlotFile, users: list[User]) -> None:
    """All these ranges have today's day."""
    prefixes = prefixes_of(users)
    wait_until(lambda: {slots.day(p) for p in prefixes} == {today()}, "today's day")
    assert all(map(slots.is_whole, prefixes))


def tags(slots: SlotFile, users: list[User]) -> list[set[bytes]]:
    return [{block.label.etag for block in slots.blocks(p)} for p in prefixes_of(users)]


def test_one_conditional_request_each(
    start: Callable[..., StoreSite], users: list[User]
) -> None:
    site = start(latency_msecs=LATENCY_SECS * 1000)
    site.keep(*users)
    grow_old(site)
    with (
        each_asked_for(site, users, conditional=True, status=304),
        each_decided_from("stale", site, users),
    ):
        assert site.log_in_rightly(*users) < LATENCY_SECS
    wait_for_today(site.slots, users)
    mark = len(site.ranges.events())
    with each_decided_from("cache", site, users):
        site.log_in_rightly(*users)
    site.dovecot.end_auth()
    with each_decided_from("store", site, users):
        site.log_in_rightly(*users)
    assert len(site.ranges.events()) == mark
    # What a late answer only confirms is not told of.
    assert "Breached password of user" not in site.dovecot.log.text()


def test_new_content_counts_for_the_next_login(
    start: Callable[..., StoreSite],
    serve: Callable[..., None],
    crowd: Crowd,
    users: list[User],
) -> None:
    site = start()
    (unlucky,) = crowd.clean(1)
    site.keep(*users, unlucky)
    grow_old(site)
    serve(site, also=[unlucky.password])
    with (
        each_asked_for(site, [unlucky], conditional=True, status=200),
        each_decided_from("stale", site, [unlucky]),
    ):
        assert site.log_in(unlucky)[0].ok
    site.dovecot.wait_for_checks(1, "pwned_late", verdict="breached")
    assert not site.log_in(unlucky)[0].ok
    wait_for_today(site.slots, [unlucky])
    with each_asked_for(site, users, conditional=True, status=304):
        site.log_in_rightly(*users)


def test_a_server_that_lost_its_tags(
    start: Callable[..., StoreSite], serve: Callable[..., None], users: list[User]
) -> None:
    """The real service did, for days. What has the same content keeps the old
    tag, so that the whole range is sent no longer than until tags come back."""
    site = start()
    site.keep(*users)
    before = tags(site.slots, users)
    assert all(len(of_range) == 1 and b"" not in of_range for of_range in before)
    serve(site, tagged=False)
    grow_old(site)
    with each_asked_for(site, users, conditional=True, status=200):
        site.log_in_rightly(*users)
    wait_for_today(site.slots, users)
    assert tags(site.slots, users) == before
    serve(site)
    grow_old(site)
    with each_asked_for(site, users, conditional=True, status=304):
        site.log_in_rightly(*users)
    wait_for_today(site.slots, users)


def test_a_server_that_never_had_tags(
    start: Callable[..., StoreSite], serve: Callable[..., None], users: list[User]
) -> None:
    site = start()
    serve(site, tagged=False)
    site.keep(*users)
    grow_old(site)
    with (
        each_asked_for(site, users, conditional=False, status=200),
        each_decided_from("stale", site, users),
    ):
        site.log_in_rightly(*users)
    wait_for_today(site.slots, users)


def test_a_tag_is_for_the_source_that_gave_it(
    stack: ExitStack, start: Callable[..., StoreSite], users: list[User]
) -> None:
    site = start()
    site.keep(*users)
    site.ranges = stack.enter_context(RangeServer())
    site.apply(SETTINGS)
    grow_old(site)
    with each_asked_for(site, users, conditional=False, status=200):
        site.log_in_rightly(*users)
    wait_for_today(site.slots, users)


def test_what_is_too_old_does_not_count(
    start: Callable[..., StoreSite], users: list[User]
) -> None:
    site = start()
    site.keep(*users)
    grow_old(site, TOO_OLD_DAYS)
    with (
        each_asked_for(site, users, conditional=False, status=200),
        each_decided_from("source", site, users),
    ):
        site.log_in_rightly(*users)
    wait_for_today(site.slots, users)


def test_old_ranges_decide_while_the_source_is_dead(
    start: Callable[..., StoreSite], crowd: Crowd, users: list[User]
) -> None:
    """Before its breaker opens, and after."""
    site = start()
    site.keep(*users)
    day = {site.slots.day(prefix) for prefix in prefixes_of(users)}
    site.ranges.stop()
    grow_old(site)
    for _ in range(2):
        with each_decided_from("stale", site, users):
            site.log_in_rightly(*users)
        site.wait_for_warning("is left alone for ")
    grow_old(site, 0)
    assert {site.slots.day(prefix) + STALE_DAYS for prefix in prefixes_of(users)} == day
