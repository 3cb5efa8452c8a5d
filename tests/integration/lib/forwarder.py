# SPDX-License-Identifier: LGPL-2.1-or-later
"""A firewall that loses its memory: forwards TCP connections, until it is told to
forget those that it has. They stay open, and nothing comes through any more."""

import socket
import threading
from typing import Self


class Forwarder:
    def __init__(self, target_port: int):
        self._target = ("127.0.0.1", target_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._sockets: list[socket.socket] = []
        self._forgotten = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for end in self._sockets:
            end.close()

    def forget(self) -> None:
        self._forgotten.set()
        self._forgotten = threading.Event()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(
                    target=self._pump,
                    args=(source, sink, self._forgotten),
                    daemon=True,
                ).start()

    @staticmethod
    def _pump(
        source: socket.socket, sink: socket.socket, forgotten: threading.Event
    ) -> None:
        try:
            while data := source.recv(65536):
                if forgotten.is_set():
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other end went first
