# SPDX-License-Identifier: LGPL-2.1-or-later
"""A source of ranges that is good at first, and then has one of many faults."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lib.certificates import CertificateAuthority
from lib.ports import free_port
from lib.range_source import FaultyServer, NameServer, Nginx, RangeServer

NOWHERE = "http://nowhere.test/range/"
OTHER_HOST = "http://localhost:1/range/"


@dataclass(frozen=True)
class Fault:
    """What is wrong, the reason that an event names, and what the warning says
    beyond it."""

    name: str
    reason: str
    detail: str = ""
    start: Callable[["FallibleSource"], None] | None = None
    tls: bool = False
    # The fault is a name server's: the port at fault has a name of its own.
    nowhere: bool = False
    # So many different prefixes fail until the source is left alone, and what
    # the log says to that.
    failures: int = 3
    why_left_alone: str = "look-ups of 3 different ranges in a row failed"

    def __str__(self) -> str:
        return self.name


class FallibleSource:
    """One port, where servers come and go."""

    def __init__(self, authority: CertificateAuthority, fault: Fault):
        self.authority = authority
        self.fault = fault
        self.port = free_port()
        self.servers = ExitStack()
        self.faulty: FaultyServer | None = None
        self.become_good()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.servers.close()

    @property
    def origin(self) -> str:
        """What a warning calls it."""
        if self.fault.nowhere:
            return NOWHERE.removesuffix("/range/")
        return self.good_origin

    @property
    def good_origin(self) -> str:
        """The same of the one that is good at first, and again later."""
        if self.fault.tls:
            return f"https://range.test:{self.port}"
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> str:
        """A source without a name has a good one before it, so that it can be
        good at first; that one refuses connections later."""
        sources = f"{self.origin}/range/"
        if self.fault.nowhere:
            sources = f"http://127.0.0.1:{self.port}/range/ {NOWHERE}"
        return (
            f"pwned_source = {sources}\n"
            f"pwned_source_ca_file = {self.authority.file}\n"
        )

    def become_good(self) -> None:
        self.servers.close()
        self.faulty = None
        if self.fault.tls:
            good = self.authority.issue("range.test")
            self.servers.enter_context(FaultyServer("none", good, port=self.port))
        else:
            self.servers.enter_context(RangeServer(port=self.port))

    def become_good_over_http2(self) -> None:
        """For one with TLS."""
        self.servers.close()
        good = self.servers.enter_context(RangeServer())
        certificate = self.authority.issue("range.test")
        self.servers.enter_context(Nginx(good, certificate, port=self.port))

    def become_faulty(self, fault: Fault | None = None) -> None:
        """In its own way, or in another that works with the same URL."""
        self.servers.close()
        self.fault = fault or self.fault
        if self.fault.start:
            self.fault.start(self)

    def requests(self) -> int:
        """What reached the faulty server; not all faults let requests through."""
        return len(self.faulty.events()) if self.faulty else 0


def _server(name: str, *options: str) -> Callable[[FallibleSource], None]:
    def start(source: FallibleSource) -> None:
        source.faulty = FaultyServer(name, None, *options, port=source.port)
        source.servers.enter_context(source.faulty)

    return start


def _certificate(host: str, expired: bool = False) -> Callable[[FallibleSource], None]:
    def start(source: FallibleSource) -> None:
        certificate = source.authority.issue(host, expired)
        source.faulty = FaultyServer("none", certificate, port=source.port)
        source.servers.enter_context(source.faulty)

    return start


def _behind_nginx(name: str) -> Callable[[FallibleSource], None]:
    """The same fault, handed on over HTTP/2."""

    def start(source: FallibleSource) -> None:
        source.faulty = source.servers.enter_context(FaultyServer(name))
        certificate = source.authority.issue("range.test")
        source.servers.enter_context(
            Nginx(source.faulty, certificate, port=source.port)
        )

    return start


def _name_server(nxdomain: bool) -> Callable[[FallibleSource], None]:
    def start(source: FallibleSource) -> None:
        source.servers.enter_context(NameServer(nxdomain))

    return start


FAULTS = (
    Fault("refused", "connect", "Failed to connect"),
    Fault("black-hole", "timeout", start=_server("black-hole")),
    Fault("slow-headers", "timeout", start=_server("slow-headers")),
    Fault("slow-body", "timeout", start=_server("slow-body")),
    Fault("cut-body", "cut_body", start=_server("cut-body")),
    Fault("cut-chunked", "cut_body", start=_server("cut-chunked")),
    Fault("cut-http2", "cut_body", start=_behind_nginx("cut-body"), tls=True),
    Fault("close-delimited", "no_length", start=_server("close-delimited")),
    Fault("404", "http_status", "HTTP status 404", _server("404")),
    Fault(
        "429",
        "http_status",
        "HTTP status 429",
        _server("429"),
        failures=1,
        why_left_alone="it asked for that",
    ),
    Fault("500", "http_status", "HTTP status 500", _server("500")),
    Fault("503", "http_status", "HTTP status 503", _server("503")),
    Fault("html", "bad_line", start=_server("html")),
    Fault("empty", "empty_body", start=_server("empty")),
    Fault("huge", "too_large", start=_server("huge")),
    Fault("garbage", "bad_line", start=_server("garbage")),
    Fault("reset", "connect", start=_server("reset")),
    Fault("redirect-loop", "http_status", "HTTP status 302", _server("redirect-loop")),
    Fault(
        "redirect-other-host",
        "http_status",
        "HTTP status 302",
        _server("redirect-other-host", f"--redirect-to={OTHER_HOST}"),
    ),  # fmt: skip
    Fault("wrong-name", "tls", "range.test", _certificate("other.test"), tls=True),
    Fault("expired", "tls", "expired", _certificate("range.test", True), tls=True),
    Fault("plain-http", "tls", start=_server("no-tls"), tls=True),
    Fault("unresolvable", "resolve", start=_name_server(True), nowhere=True),
    Fault("black-hole-dns", "timeout", start=_name_server(False), nowhere=True),
)


def fault(name: str) -> Fault:
    return next(fault for fault in FAULTS if fault.name == name)


def tcp_connects() -> int:
    """How many connections programs of this network namespace have begun."""
    names, values = (
        line.split()
        for line in Path("/proc/net/snmp").read_text().splitlines()
        if line.startswith("Tcp:")
    )
    return int(values[names.index("ActiveOpens")])
