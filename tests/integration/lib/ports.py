# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ports to listen on, below those that the kernel gives to clients."""

import itertools
import socket

_candidates = itertools.count(20001)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has, and that is given out once."""
    for port in _candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("the candidates have no end")
