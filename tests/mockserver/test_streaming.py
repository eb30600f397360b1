"""Bodies handed on while they arrive: nothing is lost or doubled, and the bound holds for the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage_mockserver.framing import Chunks, Limits, Refused
from usage_mockserver.streaming import SLOWEST, Stream

CUTS = st.lists(st.integers(1, 7), min_size=1, max_size=5)


def pieces(wire: bytes, cuts: list[int]) -> list[bytes]:
    found = []
    while wire:
        cut = cuts[len(found) % len(cuts)]
        found.append(wire[:cut])
        wire = wire[cut:]
    return found


def unchunked(text: bytes) -> bytes:
    body = bytearray(text)
    return Chunks(Limits()).take(body) or b""


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5), CUTS)
def test_chunks_in_any_pieces_are_the_same_body(chunks, cuts):
    wire = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    stream, buffer, spelled, ends = Stream(0, Chunks(Limits())), bytearray(), b"", []
    for piece in pieces(wire, cuts):
        buffer += piece
        part, done = stream.take(buffer)
        spelled += part
        ends.append(done)
    assert unchunked(spelled) == b"".join(chunks)
    assert ends[-1]
    assert not any(ends[:-1])


@given(st.binary(min_size=1, max_size=50), CUTS, st.binary(max_size=5))
def test_a_sized_body_leaves_what_comes_behind_it(body, cuts, behind):
    stream, buffer, found, done = Stream(len(body), None), bytearray(), b"", False
    for piece in pieces(body + behind, cuts):
        buffer += piece
        if not done:
            part, done = stream.take(buffer)
            found += part
    assert (found, done, bytes(buffer)) == (body, True, behind)


def test_the_bound_holds_for_all_chunks_together():
    stream, buffer = Stream(0, Chunks(Limits(body=10))), bytearray()
    for _ in range(2):
        buffer += b"5\r\nabcde\r\n"
        assert not stream.take(buffer)[1]
    buffer += b"1\r\nx\r\n"
    with pytest.raises(Refused) as caught:
        stream.take(buffer)
    assert caught.value.status == 413


def test_what_has_arrived_earns_time():
    stream = Stream(3 * SLOWEST, None)
    stream.take(bytearray(b"x" * 2 * SLOWEST))
    assert stream.grace == 2.0
