# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small HTTP proxy, which may want a password: tunnels for https, requests that
it hands on for http."""

import argparse
import asyncio
import re
from base64 import b64encode
from urllib.parse import urlsplit

import http1

READ_BYTES = 1 << 16
CONTENT_LENGTH = re.compile(rb"Content-Length: (\d+)")


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(READ_BYTES):
        writer.write(data)
        await writer.drain()
    writer.close()


class Proxy:
    def __init__(self, options: argparse.Namespace):
        self._log = http1.EventLog(options.log)
        self._expected = None
        if options.auth:
            self._expected = f"Basic {b64encode(options.auth.encode()).decode()}"

    async def connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        request = await http1.read_request(reader)
        if not request:
            return
        given = request.headers.get("proxy-authorization")
        self._log.write("request", method=request.method, authorized=bool(given))
        if given != self._expected:
            fields = {
                "Proxy-Authenticate": 'Basic realm="proxy"',
                "Connection": "close",
            }
            writer.write(http1.response(407, b"", fields))
        elif request.method == "CONNECT":
            await self._tunnel(request, reader, writer)
        else:
            await self._hand_on(request, writer)

    @staticmethod
    async def _tunnel(
        request: http1.Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        upstream = await asyncio.open_connection(*http1.address(request.target))
        writer.write(http1.response_head(200, {}))
        await asyncio.gather(copy(reader, upstream[1]), copy(upstream[0], writer))

    @staticmethod
    async def _hand_on(request: http1.Request, writer: asyncio.StreamWriter) -> None:
        """One request a connection is enough."""
        url = urlsplit(request.target)
        answer, upstream = await asyncio.open_connection(url.hostname, url.port)
        upstream.write(f"GET {url.path} HTTP/1.1\r\n\r\n".encode())
        head = await answer.readuntil(b"\r\n\r\n")
        length = int(CONTENT_LENGTH.search(head)[1])
        writer.write(head + await answer.readexactly(length))
        upstream.close()


def main() -> None:
    parser = http1.arguments(__doc__)
    parser.add_argument("--auth", metavar="USER:PASSWORD")
    options = parser.parse_args()
    asyncio.run(http1.serve(options, Proxy(options).connection))


if __name__ == "__main__":
    main()
