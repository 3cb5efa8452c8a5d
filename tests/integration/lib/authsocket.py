# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of Dovecot's authentication protocol: many logins at once over one
socket, as a login process or Postfix makes them."""

import os
import socket
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lib.clients import sasl_plain

READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Reply:
    """One request's end."""

    ok: bool
    # "OK" or "FAIL", then the fields that came after the request's number.
    words: tuple[str, ...]
    secs: float

    @property
    def fields(self) -> dict[str, str]:
        return dict(word.partition("=")[::2] for word in self.words[1:])


class AuthSocket:
    def __init__(self, path: Path, service: str = "smtp", timeout_secs: float = 30):
        self._service = service
        self._next_id = 0
        self._pending = b""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_secs)
        self._socket.connect(str(path))
        self._send(b"VERSION\t1\t1\nCPID\t%d\n" % os.getpid())
        greeting: list[bytes] = []
        while b"DONE" not in greeting:
            greeting += self._read_lines()
        pids = (line.removeprefix(b"SPID\t") for line in greeting if b"SPID" in line)
        self.server_pid = int(next(pids))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def plain(self, user: str, password: str, *parameters: str) -> Reply:
        return self.plain_many([(user, password)], parameters=parameters)[0]

    def plain_many(
        self,
        logins: Iterable[tuple[str, str]],
        concurrency: int = 1000,
        parameters: tuple[str, ...] = (),
    ) -> list[Reply]:
        """AUTH PLAIN for each user and password, so many at once at most, with
        further parameters ("secured", "rip=192.0.2.1"). Replies are in the order
        of the logins."""
        responses = (sasl_plain(*login) for login in logins)
        return self._authenticate("PLAIN", responses, concurrency, parameters)

    def token(self, mechanism: str, response: bytes) -> Reply:
        """OAUTHBEARER or XOAUTH2. An error comes as a challenge, which the client
        answers before it is refused (RFC 7628, 3.2.3)."""
        return self.challenged(mechanism, lambda _: b64encode(b"\1"), response)

    def external(self, user: str) -> Reply:
        """EXTERNAL for the user whom a client certificate names."""
        certificate = (f"cert_username={user}", "valid-client-cert")
        name = b64encode(user.encode())
        return self._authenticate("EXTERNAL", [name], 1, certificate)[0]

    def challenged(
        self,
        mechanism: str,
        answer: Callable[[bytes], bytes],
        initial: bytes | None = None,
    ) -> Reply:
        """A mechanism in which the server speaks first, unless there is an initial
        response: answer makes the client's response of its challenge, all in
        base64."""
        self._next_id += 1
        started = time.monotonic()
        words = f"{mechanism}\tservice={self._service}"
        if initial is not None:
            words += f"\tsecured\tresp={initial.decode()}"
        self._send(b"AUTH\t%d\t%s\n" % (self._next_id, words.encode()))
        while True:
            for line in self._read_lines():
                kind, number, *fields = line.split(b"\t")
                if kind == b"CONT" and int(number) == self._next_id:
                    response = answer(fields[0])
                    self._send(b"CONT\t%d\t%s\n" % (self._next_id, response))
                elif kind in (b"OK", b"FAIL") and int(number) == self._next_id:
                    rest = tuple(field.decode() for field in (kind, *fields))
                    return Reply(kind == b"OK", rest, time.monotonic() - started)

    def _authenticate(
        self,
        mechanism: str,
        responses: Iterable[bytes],
        concurrency: int,
        parameters: tuple[str, ...],
    ) -> list[Reply]:
        waiting = deque(responses)
        first = self._next_id + 1
        started: dict[int, float] = {}
        replies: dict[int, Reply] = {}
        words = "\t".join((mechanism, f"service={self._service}", *parameters)).encode()
        while waiting or started:
            requests = []
            while waiting and len(started) < concurrency:
                self._next_id += 1
                started[self._next_id] = time.monotonic()
                requests.append(
                    b"AUTH\t%d\t%s\tresp=%s\n"
                    % (self._next_id, words, waiting.popleft())
                )
            self._send(b"".join(requests))
            for line in self._read_lines():
                kind, number, *fields = line.decode().split("\t")
                if kind in ("OK", "FAIL") and int(number) in started:
                    secs = time.monotonic() - started.pop(int(number))
                    replies[int(number)] = Reply(kind == "OK", (kind, *fields), secs)
        return [replies[number] for number in range(first, self._next_id + 1)]

    def begin(self, logins: Iterable[tuple[str, str]]) -> None:
        """Sends AUTH PLAIN for each, and leaves the replies to collect()."""
        for user, password in logins:
            self._next_id += 1
            words = (self._next_id, self._service.encode(), sasl_plain(user, password))
            self._send(b"AUTH\t%d\tPLAIN\tservice=%s\tresp=%s\n" % words)

    def collect(self, number: int) -> list[bytes]:
        """The first words of so many replies: OK or FAIL."""
        words: list[bytes] = []
        while len(words) < number:
            words += (line.split(b"\t")[0] for line in self._read_lines())
        return words

    def _send(self, data: bytes) -> None:
        if data:
            self._socket.sendall(data)

    def _read_lines(self) -> list[bytes]:
        data = self._socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError("auth closed the connection")
        *lines, self._pending = (self._pending + data).split(b"\n")
        return lines
