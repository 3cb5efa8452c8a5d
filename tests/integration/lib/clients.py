# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail clients that show what they said and heard, byte by byte."""

import hmac
import socket
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Self

from lib.sasl import ScramSha256

TIMEOUT_SECS = 30


@dataclass
class Login:
    """How one attempt to log in went."""

    accepted: bool
    # The server's lines from the credentials on, without their CRLF.
    replies: list[bytes]
    # From the credentials to the last reply.
    secs: float
    # The whole session so far: ("C" or "S", line).
    transcript: list[tuple[str, bytes]] = field(repr=False)

    @property
    def final(self) -> bytes:
        """The line that says how it went."""
        return self.replies[-1]


class Client:
    """A connection with a line protocol; greeted when it has been made."""

    def __init__(self, port: int, host: str = "127.0.0.1", source: str = "127.0.0.1"):
        """source: the client's own address. Dovecot slows an address down that
        brought wrong passwords."""
        self.transcript: list[tuple[str, bytes]] = []
        self._socket = socket.create_connection(
            (host, port), TIMEOUT_SECS, source_address=(source, 0)
        )
        self._file = self._socket.makefile("rb")
        self._greet()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def send(self, line: bytes) -> None:
        self.transcript.append(("C", line))
        self._socket.sendall(line + b"\r\n")

    def read(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"connection closed after {self.transcript[-1]!r}")
        self.transcript.append(("S", line[:-2]))
        return line[:-2]

    def read_until(self, is_last: Callable[[bytes], bool]) -> list[bytes]:
        lines = [self.read()]
        while not is_last(lines[-1]):
            lines.append(self.read())
        return lines

    def _greet(self) -> None:
        raise NotImplementedError

    def _authenticate(
        self,
        credentials: bytes,
        is_last: Callable[[bytes], bool],
        is_accepted: Callable[[bytes], bool],
    ) -> Login:
        """Sends the line that holds the password, and reads what follows."""
        started = time.monotonic()
        self.send(credentials)
        replies = self.read_until(is_last)
        return Login(
            is_accepted(replies[-1]),
            replies,
            time.monotonic() - started,
            self.transcript,
        )


def sasl_plain(user: str, password: str) -> bytes:
    return b64encode(f"\0{user}\0{password}".encode())


def cram_md5(challenge: bytes, user: str, password: str) -> bytes:
    digest = hmac.digest(password.encode(), b64decode(challenge), "md5").hex()
    return b64encode(f"{user} {digest}".encode())


class Imap(Client):
    _tag = 0

    def _greet(self) -> None:
        self.read()

    def _next_tag(self) -> bytes:
        self._tag += 1
        return b"a%d" % self._tag

    def command(self, line: bytes) -> list[bytes]:
        tag = self._next_tag()
        self.send(tag + b" " + line)
        return self.read_until(lambda reply: reply.startswith(tag + b" "))

    def login(self, user: str, password: str) -> Login:
        tag = self._next_tag()
        return self._finish(
            tag, b'%s LOGIN "%s" "%s"', user.encode(), password.encode()
        )

    def authenticate_plain(self, user: str, password: str) -> Login:
        tag = self._next_tag()
        return self._finish(
            tag, b"%s AUTHENTICATE PLAIN %s", sasl_plain(user, password)
        )

    def authenticate_cram_md5(self, user: str, password: str) -> Login:
        tag = self._next_tag()
        self.send(tag + b" AUTHENTICATE CRAM-MD5")
        challenge = self.read().removeprefix(b"+ ")
        return self._authenticate(
            cram_md5(challenge, user, password),
            lambda reply: reply.startswith(tag + b" "),
            lambda reply: reply.startswith(tag + b" OK"),
        )

    def authenticate(self, mechanism: str, response: bytes) -> Login:
        """A mechanism that is done with its initial response."""
        tag = self._next_tag()
        line = b"%s AUTHENTICATE %s %s"
        return self._finish(tag, line, mechanism.encode(), response)

    def authenticate_scram(self, scram: ScramSha256) -> Login:
        tag = self._next_tag()
        self.send(b"%s AUTHENTICATE SCRAM-SHA-256 %s" % (tag, scram.first()))
        final = scram.final(self.read().removeprefix(b"+ "))
        self.send(final)
        # The server's signature; Dovecot then wants an empty line.
        self.read()
        return self._authenticate(
            b"",
            lambda reply: reply.startswith(tag + b" "),
            lambda reply: reply.startswith(tag + b" OK"),
        )

    def _finish(self, tag: bytes, line: bytes, *words: bytes) -> Login:
        return self._authenticate(
            line % (tag, *words),
            lambda reply: reply.startswith(tag + b" "),
            lambda reply: reply.startswith(tag + b" OK"),
        )


class Pop3(Client):
    def _greet(self) -> None:
        self.read()

    def login(self, user: str, password: str) -> Login:
        self.send(b"USER " + user.encode())
        self.read()
        return self._authenticate(
            b"PASS " + password.encode(),
            lambda reply: True,
            lambda reply: reply.startswith(b"+OK"),
        )


class Smtp(Client):
    """For Dovecot's submission server and for Postfix."""

    def _greet(self) -> None:
        self.read_until(self._is_last)
        self.command(b"EHLO client.test")

    @staticmethod
    def _is_last(reply: bytes) -> bool:
        return reply[3:4] != b"-"

    def command(self, line: bytes) -> list[bytes]:
        self.send(line)
        return self.read_until(self._is_last)

    def login(self, user: str, password: str) -> Login:
        """AUTH PLAIN, with its initial response."""
        return self._finish(b"AUTH PLAIN " + sasl_plain(user, password))

    def authenticate_login(self, user: str, password: str) -> Login:
        self.command(b"AUTH LOGIN")
        self.command(b64encode(user.encode()))
        return self._finish(b64encode(password.encode()))

    def authenticate_cram_md5(self, user: str, password: str) -> Login:
        challenge = self.command(b"AUTH CRAM-MD5")[-1].removeprefix(b"334 ")
        return self._finish(cram_md5(challenge, user, password))

    def _finish(self, line: bytes) -> Login:
        return self._authenticate(
            line, self._is_last, lambda reply: reply.startswith(b"235 ")
        )


class Sieve(Client):
    """ManageSieve."""

    STATUS: ClassVar = (b"OK", b"NO", b"BYE")

    def _greet(self) -> None:
        self.read_until(self._is_last)

    def _is_last(self, reply: bytes) -> bool:
        return reply.startswith(self.STATUS)

    def login(self, user: str, password: str) -> Login:
        return self._authenticate(
            b'AUTHENTICATE "PLAIN" "%s"' % sasl_plain(user, password),
            self._is_last,
            lambda reply: reply.startswith(b"OK"),
        )


CLIENTS: dict[str, type[Imap | Pop3 | Smtp | Sieve]] = {
    "imap": Imap,
    "pop3": Pop3,
    "submission": Smtp,
    "smtp": Smtp,
    "sieve": Sieve,
}


def login(
    protocol: str, port: int, user: str, password: str, source: str = "127.0.0.1"
) -> Login:
    """One login of a connection of its own, the ordinary way of the protocol."""
    with CLIENTS[protocol](port, source=source) as client:
        return client.login(user, password)
