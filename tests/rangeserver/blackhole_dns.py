# SPDX-License-Identifier: LGPL-2.1-or-later
"""A name server that takes every question and never answers, or, with
--nxdomain, knows no name."""

import argparse
import asyncio

import http1

NXDOMAIN = 3
RESPONSE = 0x8000
RECURSION = 0x0180  # desired and available


class NameServer(asyncio.DatagramProtocol):
    def __init__(self, options: argparse.Namespace):
        self._log = http1.EventLog(options.log)
        self._nxdomain = options.nxdomain

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, client: tuple[str, int]) -> None:
        self._log.write("question")
        if self._nxdomain:
            flags = (RESPONSE | RECURSION | NXDOMAIN).to_bytes(2, "big")
            self._transport.sendto(data[:2] + flags + data[4:], client)


async def serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: NameServer(options), local_addr=options.listen
    )
    await http1.until_stopped(options)
    transport.close()


def main() -> None:
    parser = http1.arguments(__doc__)
    parser.add_argument("--nxdomain", action="store_true")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
