"""Takes secrets out of text by their value, however they were written down."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, Report, Verdict

MASK = "***"
SHORTEST = 8
CUT = 6
"""So many characters of a secret before an ellipsis are taken for a secret that was cut with the text."""
NESTED = 64
EXCERPT = 600
"""So many characters of an answer's body are kept in a report."""

# C0 but for tab and newline, DEL, C1, lone surrogates, and the marks that turn the direction of text.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NAMED = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
# Bounded, as every repetition here: endless ones cost quadratic time on hostile text.
_SLASHES = r"\\{1,8}"
# A base64 text may be broken into lines, and its signs percent-encoded or JSON-escaped.
_BREAK = rf"(?:\s|{_SLASHES}[rn]){{0,4}}"
_SIGNS = {"+": r"(?:[+\-]|%2[Bb])", "/": rf"(?:(?:{_SLASHES})?[/_]|%2[Ff])"}
_SIGN = rf"(?:[A-Za-z0-9+\-]|(?:{_SLASHES})?[/_]|%2[BbFf])"
_PADDING = "(?:=|%3[Dd]){0,2}"


class Mask:
    """Replaces secrets by `***`: raw in any case, percent-, base64-, JSON- and HTML-encoded, also in part."""

    def __init__(self, *secrets: str) -> None:
        """ValueError for a secret so short that masking it would tell it, or spoil every other word."""
        if any(len(secret) < SHORTEST for secret in secrets):
            raise ValueError(f"a key shorter than {SHORTEST} characters cannot be masked")
        self._patterns = [re.compile(pattern) for secret in secrets for pattern in _patterns(secret)]

    def __repr__(self) -> str:
        return "Mask()"

    def text(self, text: str) -> str:
        """The text without the secrets, and with control characters spelled out."""
        return _CONTROL.sub(_spelled, self._hide(text))

    def data(self, value: Any) -> Any:
        """The same structure of mappings, lists and plain values, with every text in it masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(name)): self.data(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        told = str(value)
        hidden = self._hide(told)
        # A key of digits may come back as a number.
        return value if hidden == told else hidden

    def report(self, report: Report) -> Report:
        """The report as it may be shown: all text from outside masked, bodies cut short."""
        return replace(
            report,
            origin=self.text(report.origin),
            reason=self.text(report.reason),
            notes=tuple(map(self.text, report.notes)),
            verdicts=tuple(map(self._verdict, report.verdicts)),
            calls=tuple(map(self._call, report.calls)),
        )

    def _hide(self, text: str) -> str:
        for pattern in self._patterns:
            text = pattern.sub(MASK, text)
        return text

    def _verdict(self, verdict: Verdict) -> Verdict:
        finding = verdict.finding
        return replace(
            verdict, reason=self.text(verdict.reason), finding=finding and self._judgement(finding)
        )

    def _judgement(self, judgement: Judgement) -> Judgement:
        return replace(
            judgement,
            answers=tuple(map(self._answer, judgement.answers)),
            observed=self.text(judgement.observed),
            allowed=self.text(judgement.allowed),
        )

    def _answer(self, answer: Answer) -> Answer:
        # Cut before masking, so that a huge body costs nothing; the ellipsis gives a halved secret away.
        whole = len(answer.body) <= 4 * EXCERPT
        body = self.text(answer.body[: 4 * EXCERPT].decode("utf-8", "replace") + ("" if whole else "…"))
        body = body if len(body) <= EXCERPT else f"{body[:EXCERPT]}…"
        return replace(
            answer,
            call=self._call(answer.call),
            headers={self.text(name): self.text(value) for name, value in answer.headers.items()},
            body=body.encode(),
            trouble=self.text(answer.trouble),
        )

    def _call(self, call: Call) -> Call:
        params = tuple((self.text(name), self.text(value)) for name, value in call.params)
        raw = None if call.raw is None else self.text(call.raw)
        return call if (params, raw) == (call.params, call.raw) else replace(call, params=params, raw=raw)


def _patterns(secret: str) -> Iterator[str]:
    # Without its last character too: a run presents such a key on purpose, and servers may echo it.
    body, last = secret[:-1], secret[-1]
    yield f"(?:{_cut([_character(sign) for sign in body])})(?:{_character(last)})?"
    for text in dict.fromkeys((body, body.swapcase())):
        for before in range(3):
            yield _base64(text.encode(), before)


def _cut(signs: Sequence[str]) -> str:
    """All signs in a row, or at least the first few of them before an ellipsis."""
    nested = signs[CUT : CUT + NESTED]
    # The parser of patterns recurses: of a long secret the rest is taken as it comes.
    tail = rf"\S{{0,{4 * len(signs)}}}" if len(signs) > CUT + NESTED else ""
    for sign in reversed(nested):
        tail = f"(?:{sign}{tail})?"
    return f"{''.join(signs)}|{''.join(signs[:CUT])}{tail}(?=…)"


def _character(sign: str) -> str:
    """One character raw, percent-encoded, JSON-escaped or as an HTML entity, also encoded repeatedly."""
    return "(?:" + "|".join(dict.fromkeys(_spellings(sign))) + ")"


def _spellings(sign: str) -> Iterator[str]:
    for one in dict.fromkeys((sign, sign.lower(), sign.upper())):
        yield f"(?:{_SLASHES})?{re.escape(one)}" if one in '"\\/' else re.escape(one)
        yield "".join(f"%(?:25){{0,4}}{_any_case(f'{byte:02x}')}" for byte in one.encode())
        units = one.encode("utf-16-be")
        yield "".join(rf"{_SLASHES}u{_any_case(units[at : at + 2].hex())}" for at in range(0, len(units), 2))
        for point in map(ord, one):
            yield f"&(?:amp;){{0,4}}#(?:0{{0,6}}{point}|[xX]0{{0,6}}{_any_case(f'{point:x}')});"
        if one in _NAMED:
            yield f"&(?:amp;){{0,4}}{_NAMED[one]};"


def _any_case(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


def _base64(secret: bytes, before: int) -> str:
    """What base64 makes of the secret after `before` other bytes (modulo three), whatever follows it."""
    told = b64encode(bytes(before) + secret).decode()
    # Signs that a neighbouring byte has a share in vary; they are taken along, never looked for.
    first = (0, 2, 3)[before]
    core = told[first : (before + len(secret)) * 8 // 6]
    signs = _joined(_SIGNS.get(sign, sign) for sign in core)
    edge = f"{_SIGN}?" if before else ""
    return f"{edge}(?:{_cut(signs)})(?:{_SIGN}{{0,4}}{_PADDING})"


def _joined(signs: Iterable[str]) -> list[str]:
    first, *others = signs
    return [first, *(_BREAK + sign for sign in others)]


def _spelled(found: re.Match[str]) -> str:
    point = ord(found[0])
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"
