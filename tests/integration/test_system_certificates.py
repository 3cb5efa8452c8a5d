# SPDX-License-Identifier: LGPL-2.1-or-later
"""Without a file of the operator's the system's certificates verify a source."""

from collections.abc import Callable, Iterator

import pytest
from lib.authsocket import AuthSocket
from lib.certificates import CertificateAuthority, distrust, trust
from lib.dovecot import Dovecot
from lib.range_source import Nginx
from lib.users import BREACHED


@pytest.fixture
def trusted(authority: CertificateAuthority) -> Iterator[None]:
    trust(authority.file)
    yield
    distrust()


def refused(dovecot: Dovecot) -> bool:
    with AuthSocket(dovecot.auth_client_socket) as auth:
        return not auth.plain(BREACHED.name, BREACHED.password).ok


def test_a_trusted_authority(
    start_dovecot: Callable[..., Dovecot], nginx: Nginx, trusted: None
) -> None:
    assert refused(start_dovecot(settings=f"pwned_source = {nginx.url}\n"))


def test_an_unknown_authority(
    start_dovecot: Callable[..., Dovecot], nginx: Nginx
) -> None:
    dovecot = start_dovecot(settings=f"pwned_source = {nginx.url}\n")
    assert not refused(dovecot)
    dovecot.log.wait_for("failed: tls: ")
