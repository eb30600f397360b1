"""Where a request begins and ends on the wire, and whether it may go in: RFC 9112 without its leniencies.

A plain GET is thereby understood. Everything else llhttp still parses, but it is handed only what was proved
here, one message at a time and spelled anew: on its own it accepts a missing or double Host, never cuts an
endless head, and reads on after a broken message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

BLANK = b"\r\n\r\n"
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([\x21\x22\x24-\x7e]+) HTTP/1\.([01])\r\n")
# The value is stripped afterwards: a pattern that does it needs quadratic time for a line of blanks.
_FIELD = re.compile(rb"(" + _TOKEN + rb"):([^\x00-\x08\x0a-\x1f\x7f]*)\r\n")
_FIELDS = re.compile(rb"(?:" + _TOKEN + rb":[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*")
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)(?!\Z)")
_HOST = re.compile(rb"(?:[A-Za-z0-9._\-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
_ABSOLUTE = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})((?:;[\t\x20-\x7e]*)?)\r\n")
_LONGEST_CHUNK_LINE = 256
_DIGITS = re.compile(rb"[0-9]+")
_WATCHED = frozenset((b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"))
_ALLOW = ((b"allow", b"GET, HEAD, OPTIONS"),)
# Methods of RTSP and HTTP/2 that llhttp knows, and takes in no request of HTTP/1.
_OTHER_PROTOCOLS = frozenset(
    b"PRI DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD FLUSH".split()
)
_UNREMARKABLE = ((b"connection", b"keep-alive"), (b"content-length", b"0"))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much, and for how many seconds, one peer may keep the server busy."""

    head: int = 64 * 1024
    fields: int = 100
    target: int = 16 * 1024
    body: int = 1024 * 1024
    stream: int = 1024 * 1024 * 1024
    linger: int = 64 * 1024
    connections: int = 8192
    head_seconds: float = 5.0
    request_seconds: float = 10.0
    idle_seconds: float = 5.0
    write_seconds: float = 30.0
    linger_seconds: float = 1.0


class Refused(Exception):
    """A request that is not taken: the 4xx status and one sentence. The connection ends with it."""

    def __init__(self, status: int, reason: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, headers


# A tuple, since a frozen dataclass of eight fields takes longer to make than its head to read.
class Head(NamedTuple):
    """A request line and fields that passed every rule.

    `raw` are the bytes received; the rest is what they mean: `target` in origin form, `fields` with lower-
    case names and no blanks around their values, `length` of the body, None for a chunked one. A `plain` head
    is a GET or HEAD that asks for nothing but an answer, so the same bytes are the same request every time.
    """

    raw: bytes
    method: bytes
    target: bytes
    minor: bytes
    fields: list[tuple[bytes, bytes]]
    length: int | None
    expects: bool
    plain: bool


def check_start(data: bytes | bytearray, seen: int, limits: Limits) -> None:
    """Refuse a head that is not complete yet and never can be right; `seen` bytes of it passed before."""
    line = data.find(b"\r\n")
    if line < 0 and len(data) > limits.target + 64:
        raise Refused(414, f"The request target is longer than {limits.target} bytes.")
    if len(data) > limits.head:
        raise Refused(431, f"The header section is longer than {limits.head} bytes.")
    # From the last byte already seen, or a peer that drips would have everything read again for each byte.
    if _BARE.search(data, max(seen - 1, 0)):
        raise Refused(400, "Lines end with CR LF; a lone CR or LF stands in this head.")
    if line >= max(seen - 2, 0):
        _request_line(bytes(data[: line + 2]), limits)


def read_head(raw: bytes, limits: Limits) -> Head:
    """The head in these bytes, from the request line to the empty line; Refused when any rule is broken."""
    line = raw.find(b"\r\n") + 2
    method, target, minor = _request_line(raw[:line], limits)
    section = raw[line:-2]
    if not _FIELDS.fullmatch(section):
        raise Refused(400, "A header field is malformed.")
    fields = [(name.lower(), value.strip(b" \t")) for name, value in _FIELD.findall(section)]
    if len(fields) > limits.fields:
        raise Refused(431, f"There are more than {limits.fields} header fields.")
    watched = [field for field in fields if field[0] in _WATCHED]
    _check_host([value for name, value in watched if name == b"host"], minor)
    length = _length(watched, minor, limits)
    expects = _expects([value for name, value in watched if name == b"expect"], minor)
    plain = minor == b"1" and length == 0 and method in (b"GET", b"HEAD")
    plain = plain and all(pair[0] == b"host" or pair in _UNREMARKABLE for pair in watched)
    if not target.startswith(b"/"):
        target, fields = _origin_form(method, target, fields)
    return Head(raw, method, target, minor, fields, length, expects, plain)


def _request_line(line: bytes, limits: Limits) -> tuple[bytes, bytes, bytes]:
    found = _REQUEST_LINE.fullmatch(line)
    if len(line if found is None else found[2]) > limits.target:
        raise Refused(414, f"The request target is longer than {limits.target} bytes.")
    if found is None:
        raise Refused(400, "The first line is not a request line of HTTP/1.1 or HTTP/1.0.")
    method, target, minor = found.groups()
    if method == b"CONNECT":
        raise Refused(405, "This is not a proxy; CONNECT is refused.", _ALLOW)
    if method in _OTHER_PROTOCOLS:
        raise Refused(405, "This method is not known.", _ALLOW)
    return method, target, minor


def _check_host(values: list[bytes], minor: bytes) -> None:
    if not values and minor == b"0":
        return
    if len(values) != 1:
        raise Refused(400, "A request has exactly one Host field.")
    if not _HOST.fullmatch(values[0]):
        raise Refused(400, "The Host field is not a host name or address with an optional port.")


def _origin_form(
    method: bytes, target: bytes, fields: list[tuple[bytes, bytes]]
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Target and fields as a client that is not told of a proxy would send them (RFC 9112, 3.2.2)."""
    if target == b"*" and method == b"OPTIONS":
        return target, fields
    found = _ABSOLUTE.fullmatch(target)
    if found is None or not _HOST.fullmatch(found[1]):
        raise Refused(400, "The request target is neither a path nor an http address.")
    path = found[2] if found[2].startswith(b"/") else b"/" + found[2]
    return path, [(b"host", found[1]), *(field for field in fields if field[0] != b"host")]


def _length(fields: list[tuple[bytes, bytes]], minor: bytes, limits: Limits) -> int | None:
    coding = [value.lower() for name, value in fields if name == b"transfer-encoding"]
    lengths = [value for name, value in fields if name == b"content-length"]
    if coding:
        if lengths:
            raise Refused(400, "Content-Length and Transfer-Encoding exclude each other.")
        if coding != [b"chunked"] or minor == b"0":
            raise Refused(400, "The only transfer coding understood is chunked, in HTTP/1.1.")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not _DIGITS.fullmatch(lengths[0]):
        raise Refused(400, "Content-Length is one whole number.")
    # A number of a thousand digits is not worth turning into one.
    if len(lengths[0]) > 15 or int(lengths[0]) > limits.body:
        raise Refused(413, f"Bodies are limited to {limits.body} bytes.")
    return int(lengths[0])


def _expects(values: list[bytes], minor: bytes) -> bool:
    if not values or minor == b"0":
        return False
    if values != [b"100-continue"]:
        raise Refused(417, "The only expectation that can be met is 100-continue.")
    return True


class Chunks:
    """The chunked body of one request, taken from the buffer as it arrives; only the data are kept."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._body = bytearray()
        self._left = -1
        self._trailers = False
        self._overhead = 0
        self._drained = 0

    def drain(self) -> bytes:
        """What was taken so far and not drained before, for a body that is handed on as it arrives."""
        part = bytes(self._body)
        self._drained += len(part)
        self._body.clear()
        return part

    def take(self, buffer: bytearray) -> bytes | None:
        """The whole body once its end is in the buffer; the buffer then begins behind it."""
        while True:
            if self._trailers:
                return bytes(self._body) if self._ended(buffer) else None
            if self._left < 0 and not self._size_line(buffer):
                return None
            if not self._trailers and not self._data(buffer):
                return None

    def _size_line(self, buffer: bytearray) -> bool:
        end = buffer.find(b"\n", 0, _LONGEST_CHUNK_LINE)
        if end < 0:
            if len(buffer) >= _LONGEST_CHUNK_LINE or _BARE.search(buffer):
                raise Refused(400, "A chunk does not begin with its size.")
            return False
        found = _CHUNK.fullmatch(buffer, 0, end + 1)
        if found is None:
            raise Refused(400, "A chunk does not begin with its size.")
        self._left = int(found[1], 16)
        self._overhead += end + 3
        if (
            self._drained + len(self._body) + self._left > self._limits.body
            or self._overhead > 2 * self._limits.body
        ):
            raise Refused(413, f"Bodies are limited to {self._limits.body} bytes.")
        self._trailers = self._left == 0
        del buffer[: end + 1]
        return True

    def _data(self, buffer: bytearray) -> bool:
        if self._left:
            part = buffer[: self._left]
            self._body += part
            self._left -= len(part)
            del buffer[: len(part)]
        if self._left or not buffer:
            return False
        if not b"\r\n".startswith(buffer[:2]):
            raise Refused(400, "A chunk is longer than its size says.")
        if len(buffer) < 2:
            return False
        del buffer[:2]
        self._left = -1
        return True

    def _ended(self, buffer: bytearray) -> bool:
        if buffer[:2] == b"\r\n":
            del buffer[:2]
            return True
        end = buffer.find(BLANK)
        if _BARE.search(buffer, 0, len(buffer) if end < 0 else end + 4) or len(buffer[:end]) > 8192:
            raise Refused(400, "The trailer section is malformed or too long.")
        if end < 0:
            return False
        if not _FIELDS.fullmatch(buffer, 0, end + 2):
            raise Refused(400, "The trailer section is malformed or too long.")
        del buffer[: end + 4]
        return True


def written(head: Head, body: bytes) -> tuple[bytes, bytes]:
    """Head and body in their one canonical spelling; a chunked body is one chunk, without trailers."""
    lines = b"".join([b"%b: %b\r\n" % field for field in head.fields])
    raw = b"%b %b HTTP/1.%b\r\n%b\r\n" % (head.method, head.target, head.minor, lines)
    if head.length is not None:
        return raw, body
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return raw, chunk + b"0\r\n\r\n"
