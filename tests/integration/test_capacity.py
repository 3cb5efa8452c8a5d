# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many logins at once whose prefixes are not known yet, with a source that takes
100 ms for each."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from lib.authsocket import AuthSocket, Reply
from lib.certificates import CertificateAuthority
from lib.crowd import Crowd, logins
from lib.dovecot import Dovecot
from lib.range_source import Nginx, RangeServer
from lib.users import User

LATENCY_MSECS = 100
LOGINS = 200
WAIT_SECS = 1


@pytest.fixture
def slow_server(stack: ExitStack) -> RangeServer:
    return stack.enter_context(RangeServer(latency_msecs=LATENCY_MSECS))


def start_with(
    start_dovecot: Callable[..., Dovecot],
    nginx: Nginx,
    authority: CertificateAuthority,
    *users: User,
) -> Dovecot:
    return start_dovecot(
        settings=f"pwned_source = {nginx.url}\n"
        f"pwned_source_ca_file = {authority.file}\n"
        "pwned_brake_share = 0\n",
        users=users,
    )


def login(dovecot: Dovecot, *users: User) -> list[Reply]:
    """All at once, as smtp."""
    with AuthSocket(dovecot.auth_client_socket) as auth:
        return auth.plain_many(logins(*users))


def test_over_http2_all_are_decided(
    stack: ExitStack,
    start_dovecot: Callable[..., Dovecot],
    slow_server: RangeServer,
    authority: CertificateAuthority,
) -> None:
    nginx = stack.enter_context(Nginx(slow_server, authority.issue("range.test")))
    users = Crowd(breached=LOGINS).users
    dovecot = start_with(start_dovecot, nginx, authority, *users)
    replies = login(dovecot, *users)
    assert not any(reply.ok for reply in replies)
    assert max(reply.secs for reply in replies) < WAIT_SECS
    dovecot.wait_for_checks(LOGINS, verdict="breached", action="deny")
    assert dovecot.checks() == LOGINS
    assert len(slow_server.prefixes()) == LOGINS
    assert len({event["connection"] for event in nginx.events(LOGINS)}) == 1


def test_over_http1_the_rest_is_judged_late(
    stack: ExitStack,
    start_dovecot: Callable[..., Dovecot],
    slow_server: RangeServer,
    authority: CertificateAuthority,
) -> None:
    """16 connections answer some 160 times within the second of pwned_wait."""
    nginx = stack.enter_context(
        Nginx(slow_server, authority.issue("range.test"), http2=False)
    )
    users = Crowd(breached=LOGINS).users
    dovecot = start_with(start_dovecot, nginx, authority, *users)
    replies = login(dovecot, *users)
    refused = sum(not reply.ok for reply in replies)
    assert LOGINS // 4 < refused < LOGINS
    assert max(reply.secs for reply in replies) < WAIT_SECS + 0.5
    dovecot.wait_for_checks(refused, verdict="breached", action="deny")
    late = LOGINS - refused
    dovecot.wait_for_checks(late, verdict="unknown", reason="timeout")
    dovecot.wait_for_checks(late, "pwned_late", verdict="breached", origin="source")
    assert len(slow_server.prefixes()) == LOGINS
    assert not any(reply.ok for reply in login(dovecot, *users))
    assert len(slow_server.prefixes()) == LOGINS


def test_one_prefix_is_one_request(
    stack: ExitStack,
    start_dovecot: Callable[..., Dovecot],
    slow_server: RangeServer,
    authority: CertificateAuthority,
) -> None:
    nginx = stack.enter_context(Nginx(slow_server, authority.issue("range.test")))
    (user,) = Crowd(breached=1).users
    dovecot = start_with(start_dovecot, nginx, authority, user)
    replies = login(dovecot, *[user] * LOGINS)
    assert not any(reply.ok for reply in replies)
    dovecot.wait_for_checks(LOGINS, verdict="breached", origin="source")
    assert len(slow_server.prefixes()) == 1
