# SPDX-License-Identifier: LGPL-2.1-or-later
"""A range server that misbehaves in one named way."""

import argparse
import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import repeat

import http1
import ranges

HUGE_BYTES = 10_000_000
DRIBBLE_SECS = 0.2

Fault = Callable[[http1.Request, asyncio.StreamWriter], Awaitable[None]]


async def dribble(writer: asyncio.StreamWriter, data: bytes, piece: int) -> None:
    """Always a little more, for longer than anybody waits."""
    for at in range(0, len(data), piece):
        writer.write(data[at : at + piece])
        await writer.drain()
        await asyncio.sleep(DRIBBLE_SECS)


async def slow_headers(request: http1.Request, writer: asyncio.StreamWriter) -> None:
    await dribble(writer, http1.response(200, ranges.body(request.prefix)), 1)


async def slow_body(request: http1.Request, writer: asyncio.StreamWriter) -> None:
    body = ranges.body(request.prefix)
    writer.write(http1.response(200, body)[: -len(body)])
    await dribble(writer, body, 40)


async def cut_body(request: http1.Request, writer: asyncio.StreamWriter) -> None:
    body = ranges.body(request.prefix)
    writer.write(http1.response(200, body)[: -len(body) // 2])


async def cut_chunked(request: http1.Request, writer: asyncio.StreamWriter) -> None:
    """A whole range in one chunk, and the end of the chunks never comes."""
    body = ranges.body(request.prefix)
    fields = {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}
    writer.write(http1.response_head(200, fields))
    writer.write(b"%x\r\n%s\r\n" % (len(body), body))


async def close_delimited(request: http1.Request, writer: asyncio.StreamWriter) -> None:
    """No length at all: whether the range is whole, nobody can tell."""
    writer.write(http1.response_head(200, {"Content-Type": "text/plain"}))
    writer.write(ranges.body(request.prefix))


async def garbage(request: http1.Request, writer: asyncio.StreamWriter) -> None:
    lines = ranges.body(request.prefix).split(b"\r\n")
    lines[len(lines) // 2] = b"\x00\xff not a line of a range"
    writer.write(http1.response(200, b"\r\n".join(lines)))


async def huge(request: http1.Request, writer: asyncio.StreamWriter) -> None:
    """As many different valid lines as make up 10 MB, in pieces."""
    fields = {"Content-Type": "text/plain", "Content-Length": str(HUGE_BYTES)}
    writer.write(http1.response_head(200, fields))
    first, left = int(request.prefix, 16), HUGE_BYTES
    while left > 0:
        first = (first + 1) % 0x100000
        piece = (ranges.body(f"{first:05X}") + b"\r\n")[:left]
        writer.write(piece)
        await writer.drain()
        left -= len(piece)


async def reset(request: http1.Request, writer: asyncio.StreamWriter) -> None:
    """Closing with a linger time of nothing makes TCP send RST."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def redirect_loop(request: http1.Request, writer: asyncio.StreamWriter) -> None:
    headers = {"Location": request.target, "Connection": "close"}
    writer.write(http1.response(302, b"", headers))


def redirect_to(base: str) -> Fault:
    async def redirect(request: http1.Request, writer: asyncio.StreamWriter) -> None:
        headers = {"Location": base + request.prefix, "Connection": "close"}
        writer.write(http1.response(302, b"", headers))

    return redirect


def status(code: int, **headers: str) -> Fault:
    """A refusal whose body would be a fine range, if the status were not read."""

    async def answer(request: http1.Request, writer: asyncio.StreamWriter) -> None:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        fields["Connection"] = "close"
        writer.write(http1.response(code, ranges.body(request.prefix), fields))

    return answer


def content(body: bytes, kind: str) -> Fault:
    async def answer(request: http1.Request, writer: asyncio.StreamWriter) -> None:
        fields = {"Content-Type": kind, "Connection": "close"}
        writer.write(http1.response(200, body, fields))

    return answer


def one_prefix(prefix: str) -> Fault:
    """One prefix fails for hours while all others work."""
    good, bad = status(200), status(500)

    async def answer(request: http1.Request, writer: asyncio.StreamWriter) -> None:
        fault = bad if request.prefix.upper() == prefix.upper() else good
        await fault(request, writer)

    return answer


async def not_modified(request: http1.Request, writer: asyncio.StreamWriter) -> None:
    """To everybody, whether or not a condition was sent."""
    writer.write(http1.response_head(304, {"Connection": "close"}))


HTML = b"<!DOCTYPE html><html><title>Welcome</title><p>Log in to this network.</html>"

FAULTS: dict[str, Fault] = {
    "slow-headers": slow_headers,
    "slow-body": slow_body,
    "cut-body": cut_body,
    "cut-chunked": cut_chunked,
    "close-delimited": close_delimited,
    "404": status(404),
    "429": status(429, Retry_After="3"),
    "500": status(500),
    "503": status(503),
    "html": content(HTML, "text/html"),
    "empty": content(b"", "text/plain"),
    "huge": huge,
    "garbage": garbage,
    "not-modified": not_modified,
    "redirect-loop": redirect_loop,
    "reset": reset,
}


async def black_hole(options: argparse.Namespace) -> None:
    """A listening socket with a full backlog: the kernel drops each SYN."""
    host, port = options.listen
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=0):
        fillers = []
        with suppress(TimeoutError):
            for timeout_secs in repeat(0.2):
                filler = socket.socket(family)
                fillers.append(filler)
                filler.settimeout(timeout_secs)
                filler.connect((host, port))
        await http1.until_stopped(options)


async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a web server says to bytes that are no HTTP, such as those of TLS."""
    await reader.read(1)
    writer.write(http1.response(400))


def fault_handler(log: http1.EventLog, fault: Fault) -> http1.Handler:
    async def connection(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        log.write("connect")
        if request := await http1.read_request(reader):
            log.request(request, None)
            await fault(request, writer)

    return connection


def fault_of(options: argparse.Namespace) -> Fault:
    match options.fault:
        case "redirect-other-host":
            return redirect_to(options.redirect_to)
        case "retry-after":
            return status(503, Retry_After=options.retry_after)
        case "one-prefix":
            return one_prefix(options.prefix)
        case name:
            return FAULTS.get(name, status(200))


OTHER_FAULTS = [
    "black-hole",
    "redirect-other-host",
    "retry-after",
    "one-prefix",
    "no-tls",
    "none",
]


def server_context(files: str) -> ssl.SSLContext:
    certificate, _, key = files.partition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def main() -> None:
    parser = http1.arguments(__doc__)
    parser.add_argument(
        "--fault",
        required=True,
        choices=[*FAULTS, *OTHER_FAULTS],
        help="none: answers well, for use with a certificate that is at fault",
    )
    parser.add_argument("--tls", type=server_context, metavar="CERT:KEY")
    parser.add_argument("--old-tls", action="store_true", help="none above TLS 1.1")
    parser.add_argument("--redirect-to", metavar="URL", help="the prefix is appended")
    parser.add_argument(
        "--retry-after", metavar="VALUE", default="2", help="seconds, or a date"
    )
    parser.add_argument("--prefix", metavar="XXXXX", help="that of one-prefix")
    options = parser.parse_args()
    if options.old_tls:
        options.tls.minimum_version = ssl.TLSVersion.TLSv1
        options.tls.maximum_version = ssl.TLSVersion.TLSv1_1
        options.tls.set_ciphers("ALL:@SECLEVEL=0")
    if options.fault == "black-hole":
        asyncio.run(black_hole(options))
        return
    handler = fault_handler(http1.EventLog(options.log), fault_of(options))
    if options.fault == "no-tls":
        handler = no_tls
    asyncio.run(http1.serve(options, handler, options.tls))


if __name__ == "__main__":
    main()
