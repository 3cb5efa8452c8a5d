# SPDX-License-Identifier: LGPL-2.1-or-later
"""The range cache of a cluster: nginx with the configuration that we ship as an
example, in which names, files, ports and addresses are replaced; and an API
behind it that comes and goes."""

import gzip
import http.client
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lib.certificates import CertificateAuthority
from lib.ports import free_port
from lib.processes import Daemon, LogFile, can_connect
from lib.range_source import FaultyServer, Nginx, RangeServer

EXAMPLE = Path(__file__).parents[3] / "doc/example-config/nginx-range-cache.conf"
HOST = "range.test"
OTHER_HOST = "other.test"

# As a distribution's: what a server does not say otherwise is logged.
AROUND = """\
daemon off;
user www-data;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{
	worker_connections 512;
}}
http {{
	access_log {folder}/access.log;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	include {folder}/example.conf;
}}
"""


class Api:
    """A range server behind TLS and compression, good at first."""

    def __init__(self, authority: CertificateAuthority):
        self._authority = authority
        self._servers = ExitStack()
        self.port = free_port()
        self.url = f"https://{HOST}:{self.port}/range/"
        self.become_good()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._servers.close()

    def become_good(self, certificate_of: str = HOST, latency_msecs: float = 0) -> None:
        """What was asked before is forgotten."""
        self.stop()
        self.ranges = self._servers.enter_context(RangeServer(latency_msecs))
        self._serve(self.ranges, certificate_of)

    def become_faulty(self, fault: str) -> None:
        self.stop()
        if fault == "black-hole":
            self._servers.enter_context(FaultyServer(fault, port=self.port))
        elif fault == "wrong-name":
            self.become_good(certificate_of=OTHER_HOST)
        elif fault != "refused":
            self._serve(self._servers.enter_context(FaultyServer(fault)), HOST)

    def _serve(self, server: RangeServer | FaultyServer, certificate_of: str) -> None:
        certificate = self._authority.issue(certificate_of)
        nginx = Nginx(server, certificate, port=self.port)
        self.nginx = self._servers.enter_context(nginx)

    def statuses(self) -> list[int]:
        """Of the answers so far, oldest first."""
        return [event["status"] for event in self.ranges.events()]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> bytes:
        if self.headers.get("Content-Encoding") == "gzip":
            return gzip.decompress(self.raw)
        return self.raw

    @property
    def found(self) -> str | None:
        """What the cache had: MISS, HIT, STALE and so on."""
        return self.headers.get("X-Cache")


class RangeCache(Daemon):
    """changes: pieces of the example, each with what is to stand there."""

    def __init__(
        self,
        api: Api,
        authority: CertificateAuthority,
        changes: Mapping[str, str] | None = None,
    ):
        super().__init__("nginx-range-cache")
        self.port = free_port()
        self.url = f"https://{HOST}:{self.port}/range/"
        self.access_log = LogFile(self.folder / "access.log")
        self.error_log = LogFile(self.folder / "error.log")
        self.logs += [self.access_log, self.error_log]
        self.kept = self.folder / "kept"
        self._tls = ssl.create_default_context(cafile=str(authority.file))
        # From Python 3.13 on: our authority is a simple one.
        self._tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        certificate = authority.issue(HOST)
        text = EXAMPLE.read_text()
        here = {
            "server api.pwnedpasswords.com:443": f"server {HOST}:{api.port}",
            "api.pwnedpasswords.com": HOST,
            "listen 443": f"listen {self.port}",
            "listen [::]:443": f"listen [::]:{self.port}",
            "/etc/ssl/certs/cache.example.com.pem": certificate.file,
            "/etc/ssl/private/cache.example.com.key": certificate.key,
            "cache.example.com": HOST,
            "/etc/ssl/certs/ca-certificates.crt": authority.file,
            "/var/cache/nginx-pwned": self.kept,
            "/var/log/nginx/error.log": self.error_log.path,
        }
        for piece, other in {**(changes or {}), **here}.items():
            assert piece in text, f"the example has no {piece!r}"
            text = text.replace(piece, str(other))
        (self.folder / "example.conf").write_text(text)
        config = self.folder / "nginx.conf"
        config.write_text(AROUND.format(folder=self.folder))
        self.launch(["nginx", "-c", config], ready=lambda: can_connect(self.port))

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Over a connection of its own. If_None_Match=... is If-None-Match."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPSConnection(
            HOST, self.port, timeout=10, context=self._tls
        )
        try:
            connection.request(method, path, headers=fields)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def range(self, prefix: str, **headers: str) -> Answer:
        """As dovecot-pwned asks, unless told otherwise."""
        fields = {"Accept_Encoding": "gzip", "Add_Padding": "true"} | headers
        return self.ask(f"/range/{prefix}", **fields)
