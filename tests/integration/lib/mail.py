# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail that customers send, and others to them."""

from lib.clients import Smtp
from lib.users import User

# What a login's name may hold, and no map may take for SQL or a pattern.
HOSTILE = (
    "o'brien",
    'quo"te',
    "' OR '1'='1",
    "'; DROP TABLE pwned_hold; --",
    "' UNION SELECT '550 5.7.1 all",
    "back\\slash",
    "back\\' OR 1=1 --",
    "per%cent",
    "%s%u%d%1",
    "under_score",
    "$(touch /tmp/x)`y`${z}",
    "j\u00fcrgen@example.com",
    "\u65e5\u672c@example.com",
    "tab\there",
    "line\nbreak",
    "x" * 1000,
)


def mail(port: int, user: User | None = None, to: str = "x@elsewhere.test") -> bytes:
    """The first reply that is no success, or the last."""
    with Smtp(port) as client:
        if user is not None:
            assert client.login(user.name, user.password).accepted
        for line in (b"MAIL FROM:<a@b.test>", b"RCPT TO:<%s>" % to.encode(), b"DATA"):
            replies = client.command(line)
            if replies[-1][:1] not in b"23":
                # Exim breaks a long one into lines, each with the code.
                rest = (reply[4:].removeprefix(b"5.7.1 ") for reply in replies[1:])
                first = replies[0][:3] + b" " + replies[0][4:]
                return b" ".join([line[:4], first, *rest])
        return client.command(b"Subject: x\r\n\r\n.")[-1]
