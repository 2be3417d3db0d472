"""Fetching a calendar from an address that a person typed, without letting it reach into the network.

The name is resolved once, every address that it has is judged, and the connection goes to the address that was judged:
a name that answers differently the second time gains nothing. The same holds for each step of a redirection. Only
public addresses are asked; an installation may name networks of its own that are allowed (``calendar_networks``).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from resource_hub.adapters.calendar_expansion import MAX_BYTES
from resource_hub.domain.availability.errors import CalendarAway, CalendarRefused
from resource_hub.kernel.errors import Reason

SECONDS = 20.0
REDIRECTS = 5
_CHUNK = 1 << 16
# What an address may hold as it stands; anything else is written with per cent signs.
_SAFE = "/%?&=:;@+,!$'()*~#[]-._"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came, and by which marks it can be asked for next time. ``body`` None: it has not changed."""

    body: bytes | None
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def allowed_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text.strip()) for text in texts if text.strip())


def is_public(address: Address) -> bool:
    """Whether an address lies in the public internet, also where it carries another one inside it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.scope_id is not None:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def checked(url: str) -> SplitResult:
    """The parts of an address that may be asked, apart from where it points.

    Raises:
        CalendarRefused
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise CalendarRefused(Reason("calendar.url_broken", {}, "url")) from error
    if parts.scheme in ("webcal", "webcals"):
        parts = parts._replace(scheme="https")
    if parts.scheme not in ("http", "https"):
        raise CalendarRefused(Reason("calendar.url_scheme", {"scheme": parts.scheme or "–"}, "url"))
    if not parts.hostname or port == 0 or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url.strip()):
        raise CalendarRefused(Reason("calendar.url_broken", {}, "url"))
    if parts.username is not None or parts.password is not None:
        raise CalendarRefused(Reason("calendar.url_password", {}, "url"))
    try:
        host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname
    except UnicodeError as error:
        raise CalendarRefused(Reason("calendar.url_broken", {}, "url")) from error
    name = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=name if port is None else f"{name}:{port}")


def fetch(
    url: str,
    *,
    etag: str = "",
    last_modified: str = "",
    allowed: Sequence[Network] = (),
    seconds: float = SECONDS,
    limit: int = MAX_BYTES,
    resolve: Callable[[str, int], list[Address]] | None = None,
) -> Fetched:
    """Ask for a calendar.

    Raises:
        CalendarRefused: the address may not be asked, or what it sends cannot be taken; trying again changes nothing.
        CalendarAway: it does not answer now.
    """
    deadline = time.monotonic() + seconds
    parts = checked(url)
    for _step in range(REDIRECTS + 1):
        answer = _ask(parts, etag, last_modified, allowed, deadline, limit, resolve or resolved)
        if answer.status == 304 and (etag or last_modified):
            return Fetched(None, etag, last_modified)
        if answer.status in (301, 302, 303, 307, 308) and answer.headers.get("Location"):
            following = checked(urljoin(parts.geturl(), str(answer.headers["Location"])))
            if parts.scheme == "https" and following.scheme == "http":
                raise CalendarRefused(Reason("calendar.url_downgrade", {}, "url"))
            parts = following
            continue
        if answer.status in (401, 403, 404, 410):
            raise CalendarRefused(Reason("calendar.url_status", {"status": answer.status}, "url"))
        if answer.status != 200:
            raise CalendarAway(Reason("calendar.url_status", {"status": answer.status}, "url"))
        return Fetched(answer.body, _mark(answer, "ETag", 300), _mark(answer, "Last-Modified", 100))
    raise CalendarRefused(Reason("calendar.url_redirects", {"most": REDIRECTS}, "url"))


def _mark(answer: _Answer, name: str, longest: int) -> str:
    """A mark of the answer, if it can be sent back as it came."""
    value = str(answer.headers.get(name, "")).strip()
    return value if len(value) <= longest and value.isascii() and value.isprintable() else ""


def resolved(host: str, port: int) -> list[Address]:
    """Every address of a name. Odd spellings of numbers (``2130706433``, ``0x7f.1``) come out as what they mean."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(row[4][0])) for row in found))


def _target(
    parts: SplitResult, allowed: Sequence[Network], resolve: Callable[[str, int], list[Address]]
) -> tuple[Address, int]:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError, ValueError) as error:
        raise CalendarAway(Reason("calendar.url_unknown_host", {"host": host}, "url")) from error
    for address in addresses:
        if not is_public(address) and not any(
            address in network for network in allowed if network.version == address.version
        ):
            raise CalendarRefused(
                Reason("calendar.url_inside", {"host": host, "address": str(address)}, "url")
            )
    if not addresses:
        raise CalendarAway(Reason("calendar.url_unknown_host", {"host": host}, "url"))
    return addresses[0], port


def _ask(
    parts: SplitResult,
    etag: str,
    last_modified: str,
    allowed: Sequence[Network],
    deadline: float,
    limit: int,
    resolve: Callable[[str, int], list[Address]],
) -> _Answer:
    address, port = _target(parts, allowed, resolve)
    headers = {
        "Host": parts.netloc,
        "User-Agent": "resource-hub calendar reader",
        "Accept": "text/calendar, */*;q=0.1",
        "Accept-Encoding": "gzip, identity",
        "Connection": "close",
    }
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)
    try:
        with _connected(parts, address, port, deadline) as connection:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return _Answer(response.status, response.headers, _body(response, limit, deadline))
    except CalendarRefused:
        raise
    except ssl.SSLCertVerificationError as error:
        raise CalendarRefused(Reason("calendar.url_certificate", {"host": parts.hostname}, "url")) from error
    except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
        slow = time.monotonic() >= deadline
        code = "calendar.url_slow" if slow else "calendar.url_no_answer"
        raise CalendarAway(Reason(code, {"host": parts.hostname}, "url")) from error


@contextmanager
def _connected(
    parts: SplitResult, address: Address, port: int, deadline: float
) -> Iterator[http.client.HTTPConnection]:
    """A connection to exactly this address that is cut at the deadline, however slowly the other side drips."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    channel: socket.socket = socket.create_connection((str(address), port), timeout=left)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        channel = context.wrap_socket(channel, server_hostname=parts.hostname, do_handshake_on_connect=False)
    watch = threading.Timer(max(0.05, deadline - time.monotonic()), _cut, [channel])
    watch.daemon = True
    watch.start()
    try:
        if isinstance(channel, ssl.SSLSocket):
            channel.do_handshake()
        connection = http.client.HTTPConnection(parts.hostname or "", port)
        connection.sock = channel
        yield connection
    finally:
        watch.cancel()
        channel.close()


def _cut(channel: socket.socket) -> None:
    try:
        socket.socket.shutdown(channel, socket.SHUT_RDWR)
    except OSError:
        pass


def _body(response: http.client.HTTPResponse, limit: int, deadline: float) -> bytes:
    """The body, unpacked, up to the limit: neither an endless stream nor a small parcel of much gets through."""
    if response.status != 200:
        return b""
    encoding = str(response.headers.get("Content-Encoding", "identity")).strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise CalendarRefused(Reason("calendar.url_encoding", {"encoding": encoding[:40]}, "url"))
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding.endswith("gzip") else None
    too_large = CalendarRefused(Reason("calendar.too_large", {"megabytes": limit // 1024 // 1024}, "url"))
    found = bytearray()
    while chunk := response.read1(_CHUNK):
        if time.monotonic() >= deadline:
            raise TimeoutError
        if unpack is None:
            found += chunk
        else:
            try:
                found += unpack.decompress(chunk, limit + 1 - len(found))
            except zlib.error as error:
                raise CalendarRefused(
                    Reason("calendar.url_encoding", {"encoding": encoding}, "url")
                ) from error
        if len(found) > limit:
            raise too_large
    expected = response.headers.get("Content-Length")
    if time.monotonic() >= deadline or (unpack is None and expected and len(found) < int(expected)):
        raise ConnectionError
    return bytes(found)
