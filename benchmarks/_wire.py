"""A client of HTTP/1.1 as thin as can be: clients share the machine with what is measured, and http.client takes a
twentieth of it."""

from __future__ import annotations

import socket
from collections.abc import Mapping


class Wire:
    """One connection that is kept, and made anew when the server has dropped it. What stays the same is put into words
    once."""

    def __init__(self, port: int, method: str, path: str, headers: Mapping[str, str] | None = None) -> None:
        self._port = port
        self._socket = self._connected()
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept-Encoding: identity"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._head = "\r\n".join(lines).encode()

    def ask(self, body: bytes = b"") -> tuple[int, bytes]:
        """The status and the body of the answer, which must say its length."""
        question = self._head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        try:
            self._socket.sendall(question)
            got = self._more()
        except ConnectionError:  # dropped while nothing was asked
            self.close()
            self._socket = self._connected()
            self._socket.sendall(question)
            got = self._more()
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, said = got.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        while len(said) < length:
            said += self._more()
        return int(head.split(b" ", 2)[1]), said

    def _connected(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _more(self) -> bytes:
        part = self._socket.recv(65_536)
        if not part:
            raise ConnectionError("the server closed the connection")
        return part

    def close(self) -> None:
        self._socket.close()
