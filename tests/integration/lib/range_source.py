# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where ranges come from in the tests: the local range server, nginx before it,
servers that misbehave, and a name server that does not answer."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import ranges
from lib.certificates import Certificate
from lib.ports import free_port
from lib.processes import Daemon, can_connect, wait_until

PROGRAMS = Path(ranges.__file__).parent


class LoggingServer(Daemon):
    """A server of ours that writes one JSON object a line."""

    def __init__(self, name: str):
        super().__init__(name)
        self.events_file = self.folder / f"{name}.log"

    def events(self, kind: str = "request") -> list[dict]:
        if not self.events_file.exists():
            return []
        # Whole lines only: the last one may just be written.
        text = self.events_file.read_text()
        lines = text[: text.rfind("\n") + 1].splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def prefixes(self) -> list[str]:
        """What was asked for, one entry a request."""
        return [event["prefix"] for event in self.events()]

    def _run(self, program: str, address: str, *options: str | Path) -> None:
        pid_file = self.folder / "pid"
        files = ("--log", self.events_file, "--pid-file", pid_file)
        command = (sys.executable, PROGRAMS / program, "--listen", address)
        self.launch([*command, *files, *options], ready=pid_file.exists)


class RangeServer(LoggingServer):
    """The whole range API over plain HTTP/1.1."""

    def __init__(
        self,
        latency_msecs: float = 0,
        port: int | None = None,
        lines: int | None = None,
        tagged: bool = True,
        also: Iterable[str] = (),
    ):
        """lines: of each range, instead of some 1,950. tagged: answers have
        entity tags. also: further passwords that it knows as breached."""
        super().__init__("range-server")
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/range/"
        options = [f"--latency={latency_msecs}"]
        options += [f"--lines={lines}"] if lines else []
        options += [] if tagged else ["--no-etag"]
        options += [f"--also={password}" for password in also]
        self._run("range_server.py", f"127.0.0.1:{self.port}", *options)


class FaultyServer(LoggingServer):
    """A server with one fault; see faulty_server.py for their names."""

    def __init__(
        self,
        fault: str,
        tls: Certificate | None = None,
        *options: str,
        port: int | None = None,
    ):
        super().__init__(f"faulty-{fault}")
        self.port = port or free_port()
        scheme = "https" if tls else "http"
        host = "range.test" if tls else "127.0.0.1"
        self.url = f"{scheme}://{host}:{self.port}/range/"
        arguments = [f"--fault={fault}", *options]
        if tls:
            arguments.append(f"--tls={tls.file}:{tls.key}")
        self._run("faulty_server.py", f"127.0.0.1:{self.port}", *arguments)


class NameServer(LoggingServer):
    """On the loopback network's port 53: answers nothing, or knows no name."""

    def __init__(self, nxdomain: bool = False):
        super().__init__("name-server")
        options = ["--nxdomain"] if nxdomain else []
        self._run("blackhole_dns.py", "127.0.0.1:53", *options)


class Proxy(LoggingServer):
    """An HTTP proxy; it lets pass who has the password, if there is one."""

    def __init__(self, auth: str = ""):
        super().__init__("proxy")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = [f"--auth={auth}"] if auth else []
        self._run("proxy_server.py", f"127.0.0.1:{self.port}", *options)


class Nginx(Daemon):
    """TLS, compression and, unless told otherwise, HTTP/2 before a range server."""

    def __init__(
        self,
        upstream: RangeServer | FaultyServer,
        certificate: Certificate,
        http2: bool = True,
        port: int | None = None,
    ):
        super().__init__("nginx")
        self.port = port or free_port()
        self.url = f"https://range.test:{self.port}/range/"
        values = {
            "folder": self.folder,
            "upstream": f"127.0.0.1:{upstream.port}",
            "listen": f"127.0.0.1:{self.port}",
            "http2": " http2" if http2 else "",
            "certificate": certificate.file,
            "key": certificate.key,
        }
        text = (PROGRAMS / "nginx.conf.in").read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        config = self.folder / "nginx.conf"
        config.write_text(text)
        self.launch(["nginx", "-c", config], ready=lambda: can_connect(self.port))

    def events(self, number: int = 0) -> list[dict]:
        """So many, at least: it logs a request when it has answered it."""
        wait_until(lambda: len(self._events()) >= number, "requests in nginx' log")
        return self._events()

    def _events(self) -> list[dict]:
        text = (self.folder / "nginx-access.log").read_text()
        lines = text[: text.rfind("\n") + 1].splitlines()
        return list(map(json.loads, lines))
