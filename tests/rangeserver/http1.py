# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of an HTTP/1.1 server on asyncio as the test servers need, with a log
of one JSON object a line."""

import argparse
import asyncio
import json
import os
import signal
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    version: str
    headers: dict[str, str]

    @property
    def prefix(self) -> str:
        """What is asked for: the last part of the path, as it was sent."""
        return self.target.partition("?")[0].rpartition("/")[2]


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection, None when the client has closed it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, target, version = first.split(" ")
    fields = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    return Request(method, target, version, headers)


def response_head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += (f"{name}: {value}" for name, value in headers.items())
    return "\r\n".join([*lines, "", ""]).encode()


def response(
    status: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    fields = {"Content-Type": "text/plain", "Content-Length": str(len(body))}
    return response_head(status, fields | (headers or {})) + body


class EventLog:
    """Tests read it while the server runs, so each line is written at once."""

    def __init__(self, path: Path | None):
        self._file: TextIO | None = path.open("a", buffering=1) if path else None

    def write(self, event: str, **fields: object) -> None:
        if self._file:
            record = {"event": event, "time": time.time(), **fields}
            self._file.write(json.dumps(record) + "\n")

    def request(self, request: Request, status: int | None) -> None:
        self.write(
            "request",
            prefix=request.prefix,
            status=status,
            user_agent=request.headers.get("user-agent"),
            padding=request.headers.get("add-padding"),
            conditional="if-none-match" in request.headers,
            accept_encoding=request.headers.get("accept-encoding"),
            version=request.version,
            forwarded_protocol=request.headers.get("x-forwarded-protocol"),
        )


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--listen", type=address, required=True, metavar="ADDR:PORT")
    parser.add_argument("--log", type=Path, metavar="FILE")
    parser.add_argument(
        "--pid-file", type=Path, metavar="FILE", help="appears when it is listening"
    )
    return parser


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def serve(
    options: argparse.Namespace, handler: Handler, tls: ssl.SSLContext | None = None
) -> None:
    """Serves connections until SIGTERM or SIGINT."""

    async def connection(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            await handler(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    host, port = options.listen
    server = await asyncio.start_server(
        connection, host, port, backlog=1024, ssl=tls, reuse_address=True
    )
    await until_stopped(options)
    server.close()


async def until_stopped(options: argparse.Namespace) -> None:
    """Says that the server is ready, and waits for the signal that ends it."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    if options.pid_file:
        options.pid_file.write_text(f"{os.getpid()}\n")
    await stopped.wait()
