# SPDX-License-Identifier: LGPL-2.1-or-later
"""An HTTP/2 connection that died without a word is left behind."""

from collections.abc import Callable
from contextlib import ExitStack

import ranges
from lib.authsocket import AuthSocket
from lib.certificates import CertificateAuthority
from lib.dovecot import Dovecot
from lib.forwarder import Forwarder
from lib.range_source import Nginx
from lib.users import User

USERS = tuple(
    User(f"user{i}", password) for i, password in enumerate(ranges.breached_passwords())
)[:12]


def test_a_dead_connection_is_left_behind(
    start_dovecot: Callable[..., Dovecot],
    stack: ExitStack,
    nginx: Nginx,
    authority: CertificateAuthority,
) -> None:
    forwarder = stack.enter_context(Forwarder(nginx.port))
    dovecot = start_dovecot(
        users=USERS,
        settings=f"pwned_source = https://range.test:{forwarder.port}/range/\n"
        f"pwned_source_ca_file = {authority.file}\n"
        "pwned_wait = 300 ms\npwned_fetch_timeout = 600 ms\n",
    )
    with AuthSocket(dovecot.auth_client_socket) as auth:

        def refused(user: User) -> bool:
            return not auth.plain(user.name, user.password).ok

        assert all(refused(user) for user in USERS[:3])
        assert forwarder.connections == 1
        forwarder.forget()
        # Those that were sent over the dead connection get no answer. One has
        # to time out before anybody can know.
        unanswered = [user for user in USERS[3:9] if not refused(user)]
        assert 1 <= len(unanswered) <= 4
        assert all(refused(user) for user in USERS[9:])
    assert forwarder.connections == 2
    assert "timeout: no answer in time" in dovecot.log.text()
