# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bearer tokens as an identity provider issues them: JSON Web Tokens (RFC 7519)
signed with a key that Dovecot knows."""

import hmac
import json
import time
from base64 import urlsafe_b64encode

KEY = b"a key of the tests and of nobody else"


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def issue(user: str) -> str:
    """A token that says who its bearer is, for the next hour."""
    now = int(time.time())
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"sub": user, "iat": now, "exp": now + 3600}
    signed = ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.digest(KEY, signed.encode(), "sha256")
    return f"{signed}.{_encode(signature)}"
