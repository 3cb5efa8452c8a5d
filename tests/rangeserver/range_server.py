# SPDX-License-Identifier: LGPL-2.1-or-later
"""A local server of the range API: GET /range/XXXXX answers every prefix."""

import argparse
import asyncio
import hashlib

import http1
import ranges


def known_tags(request: http1.Request) -> list[str]:
    """Those of If-None-Match, where weak ones are as good as strong ones."""
    tags = request.headers.get("if-none-match", "").split(",")
    return [tag.strip().removeprefix("W/") for tag in tags]


class RangeServer:
    def __init__(self, options: argparse.Namespace):
        self._log = http1.EventLog(options.log)
        self._latency_secs = options.latency / 1000
        self._lines = options.lines
        self._tagged = not options.no_etag
        self._also = options.also

    async def connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while request := await http1.read_request(reader):
            status, body, headers = self._answer(request)
            self._log.request(request, status)
            await asyncio.sleep(self._latency_secs)
            writer.write(http1.response(status, body, headers))
            await writer.drain()

    def _answer(self, request: http1.Request) -> tuple[int, bytes, dict[str, str]]:
        if request.method != "GET":
            return 405, b"", {"Allow": "GET"}
        if not request.target.startswith("/range/"):
            return 404, b"", {}
        prefix = request.prefix.upper()
        if not ranges.PREFIX.fullmatch(prefix):
            return 400, b"The hash prefix was not in a valid format", {}
        body = ranges.body_with(prefix, self._also, self._lines)
        headers = {}
        if self._tagged:
            # As the public API: the tag is that of the range without padding.
            tag = f'"{hashlib.md5(body).hexdigest()}"'
            headers["ETag"] = tag
            if tag in known_tags(request):
                return 304, b"", headers
        if request.headers.get("add-padding", "").lower() == "true":
            body += ranges.padding(prefix)
        return 200, body, headers


def main() -> None:
    parser = http1.arguments(__doc__)
    parser.add_argument("--latency", type=float, default=0, metavar="MS")
    parser.add_argument(
        "--lines", type=int, metavar="N", help="in each range, not 1,900 to 2,000"
    )
    parser.add_argument("--no-etag", action="store_true", help="send no ETag")
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="PASSWORD",
        help="breached since the list was made",
    )
    options = parser.parse_args()
    asyncio.run(http1.serve(options, RangeServer(options).connection))


if __name__ == "__main__":
    main()
