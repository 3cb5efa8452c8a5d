# SPDX-License-Identifier: LGPL-2.1-or-later
"""SASL mechanisms that do not show the server a password."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass

NONCE = "tests0only"


@dataclass(frozen=True)
class ScramSha256:
    """The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel
    binding and without a look at the server's signature."""

    user: str
    password: str

    def first(self) -> bytes:
        return b64encode(b"n,," + self._first_bare())

    def final(self, challenge: bytes) -> bytes:
        server_first = b64decode(challenge)
        fields = dict(part.split(b"=", 1) for part in server_first.split(b","))
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password.encode(), b64decode(fields[b"s"]), int(fields[b"i"])
        )
        bare = b"c=%s,r=%s" % (b64encode(b"n,,"), fields[b"r"])
        key = hmac.digest(salted, b"Client Key", "sha256")
        message = b",".join((self._first_bare(), server_first, bare))
        signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        return b64encode(b"%s,p=%s" % (bare, b64encode(proof)))

    def _first_bare(self) -> bytes:
        return f"n={self.user},r={NONCE}".encode()


def oauthbearer(user: str, token: str) -> bytes:
    """RFC 7628."""
    return b64encode(f"n,a={user},\1auth=Bearer {token}\1\1".encode())


def xoauth2(user: str, token: str) -> bytes:
    """What came before it, and is still in wide use."""
    return b64encode(f"user={user}\1auth=Bearer {token}\1\1".encode())
