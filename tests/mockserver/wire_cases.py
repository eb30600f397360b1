"""Raw requests, good and bad, and what a strict HTTP/1.1 server does with each, by RFC 9110 and 9112."""

from __future__ import annotations

from dataclasses import dataclass

HOST = b"Host: 127.0.0.1\r\n"
TEN = b"0123456789"


@dataclass(frozen=True)
class Case:
    """Bytes on a fresh connection, the statuses that come back in order, whether the server closes then."""

    name: str
    raw: bytes
    answers: tuple[int, ...] = (400,)
    closes: bool = True


def get(
    fields: bytes = HOST, target: bytes = b"/", version: bytes = b"HTTP/1.1", method: bytes = b"GET"
) -> bytes:
    """A request without a body."""
    return b"%b %b %b\r\n%b\r\n" % (method, target, version, fields)


def post(fields: bytes, body: bytes) -> bytes:
    """A POST with these framing fields and whatever follows the head."""
    return b"POST / HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    """A POST with this text where a chunked body should be."""
    return post(b"Transfer-Encoding: chunked\r\n", body)


def good(name: str, raw: bytes, *answers: int, closes: bool = False) -> Case:
    """A request that has to be taken, answered with 200 unless said otherwise, the connection kept."""
    return Case(name, raw, answers or (200,), closes)


GOOD = [
    good("plain GET", get()),
    good("HEAD", get(method=b"HEAD")),
    good("OPTIONS asterisk", get(method=b"OPTIONS", target=b"*")),
    good("POST without a body", get(method=b"POST")),
    good("POST with length 0", post(b"Content-Length: 0\r\n", b"")),
    good("POST with a body", post(b"Content-Length: 10\r\n", TEN)),
    good("GET with a body", get(HOST + b"Content-Length: 10\r\n") + TEN),
    good("length with leading zeros", post(b"Content-Length: 0010\r\n", TEN)),
    good("length with blanks around", post(b"Content-Length: \t 10 \t\r\n", TEN)),
    good("chunked body", chunked(b"a\r\n" + TEN + b"\r\n0\r\n\r\n")),
    good("chunked body in capitals", chunked(b"A\r\n" + TEN + b"\r\n0\r\n\r\n")),
    good("chunk size with leading zeros", chunked(b"000a\r\n" + TEN + b"\r\n000\r\n\r\n")),
    good("empty chunked body", chunked(b"0\r\n\r\n")),
    good("chunk extension", chunked(b"a;name=value\r\n" + TEN + b"\r\n0;last\r\n\r\n")),
    good("quoted chunk extension", chunked(b'a;name="a b"\r\n' + TEN + b"\r\n0\r\n\r\n")),
    good("trailer field", chunked(b"a\r\n" + TEN + b"\r\n0\r\nX-Check: 1\r\n\r\n")),
    good(
        "trailer that repeats framing fields",
        chunked(b"0\r\nContent-Length: 5\r\nHost: evil.example\r\n\r\n"),
    ),
    good("coding name in capitals", post(b"Transfer-Encoding: CHUNKED\r\n", b"0\r\n\r\n")),
    good("two pipelined", get() + get(), 200, 200),
    good("twenty pipelined", get() * 20, *[200] * 20),
    good("pipelined behind a body", post(b"Content-Length: 10\r\n", TEN) + get(), 200, 200),
    good("pipelined behind chunks", chunked(b"a\r\n" + TEN + b"\r\n0\r\n\r\n") + get(), 200, 200),
    good("body that looks like a request", post(b"Content-Length: 37\r\n", get()[:37].ljust(37)), 200),
    good("empty line first", b"\r\n" + get()),
    good("empty line between", get() + b"\r\n" + get(), 200, 200),
    good("empty lines between, each time", (get() + b"\r\n") * 4 + get(), *[200] * 5),
    good("close asked", get(HOST + b"Connection: close\r\n"), 200, closes=True),
    good("close asked in capitals", get(HOST + b"CONNECTION: Close\r\n"), 200, closes=True),
    good("close among others", get(HOST + b"Connection: foo, close\r\n"), 200, closes=True),
    good(
        "close in the second of two fields",
        get(HOST + b"Connection: x\r\nConnection: close\r\n"),
        200,
        closes=True,
    ),
    good(
        "close before keep-alive",
        get(HOST + b"Connection: close\r\nConnection: keep-alive\r\n"),
        200,
        closes=True,
    ),
    good("nothing behind close", get(HOST + b"Connection: close\r\n") + get(), 200, closes=True),
    good("keep-alive asked", get(HOST + b"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n")),
    good("HTTP/1.0", get(version=b"HTTP/1.0"), 200, closes=True),
    good("HTTP/1.0 without Host", get(b"", version=b"HTTP/1.0"), 200, closes=True),
    good(
        "HTTP/1.0 with keep-alive",
        get(HOST + b"Connection: keep-alive\r\n", version=b"HTTP/1.0"),
        closes=True,
    ),
    good("HTTP/1.0 with a body", b"POST / HTTP/1.0\r\nContent-Length: 10\r\n\r\n" + TEN, closes=True),
    good("Host with port", get(b"Host: 127.0.0.1:8000\r\n")),
    good("Host with empty port", get(b"Host: 127.0.0.1:\r\n")),
    good("Host in capitals", get(b"HOST: LOCALHOST\r\n")),
    good("Host is IPv6", get(b"Host: [::1]:8000\r\n")),
    good("Host without blank", get(b"Host:127.0.0.1\r\n")),
    good("Host with blanks around", get(b"Host: \t127.0.0.1\t \r\n")),
    good("Host not ours", get(b"Host: evil.example\r\n"), 400),
    good("absolute target", get(target=b"http://127.0.0.1/")),
    good("absolute target with port", get(target=b"http://127.0.0.1:8000/")),
    good("absolute target without path", get(target=b"http://localhost")),
    good("absolute target with query only", get(target=b"http://localhost?a=1")),
    good("absolute target in capitals", get(target=b"HTTP://LOCALHOST/")),
    good("absolute target over a foreign Host", get(b"Host: evil.example\r\n", target=b"http://127.0.0.1/")),
    good("absolute foreign target over our Host", get(target=b"http://evil.example/"), 400),
    good("unknown path", get(target=b"/nothing"), 404),
    good("query", get(target=b"/?a=1&b=2")),
    good("second question mark", get(target=b"/?a=1?b=2")),
    good("broken percent", get(target=b"/?a=%zz&b=%")),
    good("encoded NUL and line end", get(target=b"/x%00%0d%0aset-cookie:%20a=1"), 404),
    good("encoded traversal", get(target=b"/..%2f..%2fetc/passwd"), 404),
    good("traversal", get(target=b"/../../etc/passwd"), 404),
    good("double slash", get(target=b"//evil.example/"), 404),
    good("invalid UTF-8, encoded", get(target=b"/%ff%fe"), 404),
    good("brackets and pipes in the query", get(target=b'/?ids[]=1|2&x={y}^`<z>"\\')),
    good("longest target", get(target=b"/?" + b"a" * 16_382)),
    good("a hundred fields", get(HOST + b"X-Many: 1\r\n" * 99)),
    good("value of 60 kB", get(HOST + b"X-Long: " + b"v" * 60_000 + b"\r\n")),
    good("empty value", get(HOST + b"X-Empty:\r\n")),
    good("tab in a value", get(HOST + b"X-Tab: a\tb\r\n")),
    good("Latin-1 in a value", get(HOST + b"X-Name: J\xf6rg\r\n")),
    good("UTF-8 in a value", get(HOST + "X-Name: Jörg\r\n".encode())),
    good("every token character in a name", get(HOST + b"!#$%&'*+-.^_`|~09Az: 1\r\n")),
    good("colon in a value", get(HOST + b"X-Url: http://a:b\r\n")),
    good(
        "field named like a framing one", get(HOST + b"Content_Length: 5\r\nX-Transfer-Encoding: chunked\r\n")
    ),
    good("TE and Trailer", get(HOST + b"TE: trailers\r\nTrailer: X-Check\r\n")),
    good("Expect with the body at hand", post(b"Expect: 100-continue\r\nContent-Length: 10\r\n", TEN)),
    good("Expect without a body", get(HOST + b"Expect: 100-continue\r\n")),
    good(
        "Expect in HTTP/1.0 is not known",
        get(HOST + b"Expect: 100-continue\r\n", version=b"HTTP/1.0"),
        closes=True,
    ),
    good(
        "WebSocket handshake",
        get(
            HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        ),
        200,
        closes=True,
    ),
    good(
        "HTTP/2 upgrade",
        get(HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
        200,
        closes=True,
    ),
    good(
        "upgrade with a body",
        post(b"Connection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 10\r\n", TEN),
        200,
        closes=True,
    ),
    good("Upgrade without Connection", get(HOST + b"Upgrade: h2c\r\n")),
    good("body of exactly 1 MiB", post(b"Content-Length: 1048576\r\n", b"x" * 1_048_576)),
    good(
        "chunks of exactly 1 MiB",
        chunked(b"80000\r\n%b\r\n80000\r\n%b\r\n0\r\n\r\n" % ((b"x" * 524_288,) * 2)),
    ),
    good("a thousand chunks", chunked(b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n")),
    good("TRACE", get(method=b"TRACE")),
    good("DELETE", get(method=b"DELETE")),
]

BAD = [
    # -- framing of the body
    Case("length and chunked", post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    Case("chunked and length", post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n")),
    Case("length 0 and chunked", post(b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")),
    Case("two lengths that differ", post(b"Content-Length: 5\r\nContent-Length: 10\r\n", TEN)),
    Case("two lengths alike", post(b"Content-Length: 10\r\nContent-Length: 10\r\n", TEN)),
    Case("list of lengths", post(b"Content-Length: 10, 10\r\n", TEN)),
    Case("length with a sign", post(b"Content-Length: +10\r\n", TEN)),
    Case("negative length", post(b"Content-Length: -1\r\n", b"")),
    Case("hexadecimal length", post(b"Content-Length: 0xa\r\n", TEN)),
    Case("length with a fraction", post(b"Content-Length: 10.0\r\n", TEN)),
    Case("length with an underscore", post(b"Content-Length: 1_0\r\n", TEN)),
    Case("length with a blank inside", post(b"Content-Length: 1 0\r\n", TEN)),
    Case("empty length", post(b"Content-Length:\r\n", b"")),
    Case("length in other digits", post("Content-Length: ١٠\r\n".encode(), TEN)),
    Case("length of twenty digits", post(b"Content-Length: 99999999999999999999\r\n", b""), (413,)),
    Case("length of ten thousand digits", post(b"Content-Length: " + b"9" * 10_000 + b"\r\n", b""), (413,)),
    Case("length over 1 MiB", post(b"Content-Length: 1048577\r\n", b""), (413,)),
    Case(
        "length over 1 MiB, continue asked",
        post(b"Expect: 100-continue\r\nContent-Length: 9999999\r\n", b""),
        (413,),
    ),
    Case("coding identity", post(b"Transfer-Encoding: identity\r\n", b"")),
    Case("coding gzip", post(b"Transfer-Encoding: gzip\r\n", b"")),
    Case("coding gzip, chunked", post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")),
    Case("coding chunked, gzip", post(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n")),
    Case("coding chunked twice", post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n")),
    Case("two coding fields", post(b"Transfer-Encoding: chunked\r\n" * 2, b"0\r\n\r\n")),
    Case("coding xchunked", post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n")),
    Case("coding with a vertical tab", post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n")),
    Case("coding in quotes", post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n")),
    Case("empty coding", post(b"Transfer-Encoding:\r\n", b"")),
    Case("chunked in HTTP/1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    # -- chunks
    Case("chunk size 0x5", chunked(b"0x5\r\nhello\r\n0\r\n\r\n")),
    Case("chunk size +5", chunked(b"+5\r\nhello\r\n0\r\n\r\n")),
    Case("chunk size -1", chunked(b"-1\r\nhello\r\n0\r\n\r\n")),
    Case("chunk size with a blank before", chunked(b" 5\r\nhello\r\n0\r\n\r\n")),
    Case("chunk size with a blank after", chunked(b"5 \r\nhello\r\n0\r\n\r\n")),
    Case("chunk size with an underscore", chunked(b"1_0\r\nhello\r\n0\r\n\r\n")),
    Case("empty chunk size", chunked(b"\r\nhello\r\n0\r\n\r\n")),
    Case("chunk size not hexadecimal", chunked(b"xyz\r\nhello\r\n0\r\n\r\n")),
    Case("chunk size ends in LF", chunked(b"5\nhello\r\n0\r\n\r\n")),
    Case("chunk size ends in CR", chunked(b"5\rhello\r\n0\r\n\r\n")),
    Case("chunk longer than its size", chunked(b"5\r\nhelloworld\r\n0\r\n\r\n")),
    Case("chunk ends in LF", chunked(b"5\r\nhello\n0\r\n\r\n")),
    Case("chunk ends in CR", chunked(b"5\r\nhello\r0\r\n\r\n")),
    Case("chunk ends in anything", chunked(b"5\r\nhelloXX0\r\n\r\n")),
    Case("chunk of 2^64 and more", chunked(b"1" + b"0" * 16 + b"\r\nhello")),
    Case("chunk of 2^63", chunked(b"8000000000000000\r\nhello"), (413,)),
    Case("chunk of 2^64 - 1", chunked(b"ffffffffffffffff\r\nhello"), (413,)),
    Case("chunk over 1 MiB", chunked(b"100001\r\nhello"), (413,)),
    Case("chunks over 1 MiB together", chunked(b"80000\r\n%b\r\n80001\r\n" % (b"x" * 524_288)), (413,)),
    Case("chunk size line without end", chunked(b"0" * 300)),
    Case("chunk extension without end", chunked(b"5;" + b"x" * 5000)),
    Case("bare LF in a chunk extension", chunked(b"5;a\nb\r\nhello\r\n0\r\n\r\n")),
    Case("bare CR in a chunk extension", chunked(b"5;a\rb\r\nhello\r\n0\r\n\r\n")),
    Case("trailer without colon", chunked(b"0\r\nnonsense\r\n\r\n")),
    Case("trailer with LF", chunked(b"0\r\nX: 1\n\r\n")),
    Case("trailer without end", chunked(b"0\r\n" + b"X-Trailer: 1\r\n" * 1000)),
    # -- lines and fields
    Case("lines end in LF", b"GET / HTTP/1.1\nHost: 127.0.0.1\n\n"),
    Case("one line ends in LF", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\n\r\n"),
    Case("lines end in CR", b"GET / HTTP/1.1\rHost: 127.0.0.1\r\r"),
    Case("last line ends in LF", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\n"),
    Case("bare CR in a value", get(HOST + b"X: a\rb\r\n")),
    Case("bare LF in a value", get(HOST + b"X: a\nb\r\n")),
    Case("NUL in a value", get(HOST + b"X: a\x00b\r\n")),
    Case("escape byte in a value", get(HOST + b"X: a\x1bb\r\n")),
    Case("DEL in a value", get(HOST + b"X: a\x7fb\r\n")),
    Case("folded value", get(HOST + b"X: a\r\n b\r\n")),
    Case("folded with a tab", get(HOST + b"X: a\r\n\tb\r\n")),
    Case("first field folded", get(b" Host: 127.0.0.1\r\n")),
    Case("blank before the colon", get(b"Host : 127.0.0.1\r\n")),
    Case("tab before the colon", get(HOST + b"X\t: 1\r\n")),
    Case("field without colon", get(HOST + b"nonsense\r\n")),
    Case("empty field name", get(HOST + b": 1\r\n")),
    Case("blank in a field name", get(HOST + b"X Y: 1\r\n")),
    Case("parenthesis in a field name", get(HOST + b"X(Y): 1\r\n")),
    Case("NUL in a field name", get(HOST + b"X\x00Y: 1\r\n")),
    Case("Latin-1 in a field name", get(HOST + b"J\xf6rg: 1\r\n")),
    Case("length hidden behind a blank", post(b"Content-Length : 10\r\n", TEN)),
    Case("101 fields", get(HOST + b"X-Many: 1\r\n" * 100), (431,)),
    Case("ten thousand fields", get(HOST + b"a:\r\n" * 10_000), (431,)),
    Case("head over 64 KiB", get(HOST + b"X-Long: " + b"v" * 65_536 + b"\r\n"), (431,)),
    Case("endless value", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"v" * 100_000, (431,)),
    Case("endless field name", b"GET / HTTP/1.1\r\n" + HOST + b"v" * 100_000, (431,)),
    # -- Host
    Case("no Host", get(b"")),
    Case("two Hosts", get(HOST + HOST)),
    Case("two Hosts that differ", get(HOST + b"Host: evil.example\r\n")),
    Case("empty Host", get(b"Host:\r\n")),
    Case("Host with a path", get(b"Host: 127.0.0.1/x\r\n")),
    Case("Host with userinfo", get(b"Host: user@127.0.0.1\r\n")),
    Case("Host with a question mark", get(b"Host: 127.0.0.1?x\r\n")),
    Case("Host with a blank", get(b"Host: 127.0.0.1 evil\r\n")),
    Case("Host with a comma", get(b"Host: 127.0.0.1, evil.example\r\n")),
    Case("Host with a port in words", get(b"Host: 127.0.0.1:http\r\n")),
    Case("Host with a long port", get(b"Host: 127.0.0.1:123456\r\n")),
    Case("Host with a negative port", get(b"Host: 127.0.0.1:-1\r\n")),
    Case("Host with open bracket", get(b"Host: [::1\r\n")),
    Case("Host is IPv6 without brackets", get(b"Host: ::1\r\n")),
    Case("Host in Latin-1", get(b"Host: \xe9xample\r\n")),
    Case("Host with an address", get(b"Host: http://127.0.0.1\r\n")),
    Case("no Host with an absolute target", get(b"", target=b"http://127.0.0.1/")),
    # -- the request line
    Case("HTTP/0.9", b"GET /\r\n"),
    Case("HTTP/0.9 with empty line", b"GET /\r\n\r\n"),
    Case("HTTP/0.9 in full", get(version=b"HTTP/0.9")),
    Case("HTTP/1.2", get(version=b"HTTP/1.2")),
    Case("HTTP/2.0", get(version=b"HTTP/2.0")),
    Case("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Case("HTTP/3", get(version=b"HTTP/3")),
    Case("HTTP/1.10", get(version=b"HTTP/1.10")),
    Case("HTTP/01.1", get(version=b"HTTP/01.1")),
    Case("version in small letters", get(version=b"http/1.1")),
    Case("another protocol", get(version=b"RTSP/1.0")),
    Case("no version", get(version=b"")),
    Case("blank behind the version", get(version=b"HTTP/1.1 ")),
    Case("blank before the method", b" " + get()),
    Case("two blanks", b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n"),
    Case("tab instead of a blank", b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    Case("blank in the target", get(target=b"/a b")),
    Case("two empty lines first", b"\r\n\r\n" + get()),
    Case("CONNECT", get(method=b"CONNECT", target=b"127.0.0.1:80"), (405,)),
    Case("CONNECT with a path", get(method=b"CONNECT"), (405,)),
    Case("unknown method", get(method=b"FETCH"), (405,)),
    *(
        Case(f"method {name}", get(method=name.encode()), (405,))
        for name in ("PRI", "DESCRIBE", "SET_PARAMETER")
    ),
    Case("method in small letters", get(method=b"get"), (405,)),
    Case("method of 5,000 letters", get(method=b"G" * 5000), (405,)),
    Case("parenthesis in the method", get(method=b"G(T")),
    Case("empty method", b" / HTTP/1.1\r\n" + HOST + b"\r\n"),
    Case("GET asterisk", get(target=b"*")),
    Case("target without slash", get(target=b"index.html")),
    Case("target is an authority", get(target=b"127.0.0.1:80")),
    Case("target with userinfo", get(target=b"http://user:pass@127.0.0.1/")),
    Case("target with empty host", get(target=b"http:///x")),
    Case("target of another scheme", get(target=b"ftp://127.0.0.1/")),
    Case("target is a script", get(target=b"javascript:alert(1)")),
    Case("fragment in the target", get(target=b"/#top")),
    Case("NUL in the target", get(target=b"/\x00")),
    Case("tab in the target", get(target=b"/a\tb")),
    Case("escape byte in the target", get(target=b"/\x1b[31m")),
    Case("DEL in the target", get(target=b"/\x7f")),
    Case("UTF-8 in the target", get(target="/é".encode())),
    Case("Latin-1 in the query", get(target=b"/?a=\xe9")),
    Case("bare CR in the target", get(target=b"/a\rb")),
    Case("target over 16 KiB", get(target=b"/?" + b"a" * 16_383), (414,)),
    Case("target without end", b"GET /" + b"a" * 40_000, (414,)),
    Case("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)) + b"\r\n\r\n"),
    Case("binary", bytes(range(256)) * 4),
    Case("unknown expectation", get(HOST + b"Expect: 200-ok\r\n"), (417,)),
    Case("two expectations", get(HOST + b"Expect: 100-continue\r\n" * 2), (417,)),
    Case("good, then bad", get() + get(b""), (200, 400)),
    Case("bad, then good", get(b"") + get(), (400,)),
]

STALLED = [
    Case("silent", b"", ()),
    Case("half a line", b"GET / HT", (408,)),
    Case("half a head", b"GET / HTTP/1.1\r\nHost: 127", (408,)),
    Case("head without its end", b"GET / HTTP/1.1\r\n" + HOST, (408,)),
    Case("head without its last LF", get()[:-1], (408,)),
    Case("a CR", b"\r", (408,)),
    Case("no body", post(b"Content-Length: 10\r\n", b""), (408,)),
    Case("half a body", post(b"Content-Length: 10\r\n", b"01234"), (408,)),
    Case("no chunk", chunked(b""), (408,)),
    Case("half a chunk", chunked(b"a\r\n01234"), (408,)),
    Case("chunk without its end", chunked(b"5\r\nhello"), (408,)),
    Case("chunk with half its end", chunked(b"5\r\nhello\r"), (408,)),
    Case("no last chunk", chunked(b"5\r\nhello\r\n"), (408,)),
    Case("no end of trailers", chunked(b"0\r\n"), (408,)),
    Case("silent after an answer", get(), (200,)),
    Case("half a head after an answer", get() + b"GET /", (200, 408)),
    Case("no body after 100", post(b"Expect: 100-continue\r\nContent-Length: 10\r\n", b""), (100, 408)),
]
