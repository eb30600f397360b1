"""The windows of dates that a run asked about, placed on a scale that shows days near and years far."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from usage_contracts.dates import iso_date, iso_instant
from usage_contracts.target import Call

FROM = ("from", "start_date")
TO = ("to", "end_date")
TALL = 200.0
TICKS = ((1, "1 d"), (7, "1 w"), (30, "1 mo"), (365, "1 y"), (3653, "10 y"))
WIDTH_LEAST = 0.5


@dataclass(frozen=True, slots=True)
class Bar:
    """One window, in percent of the width and in pixels from the top; `kind` says how it is drawn."""

    left: float
    width: float
    top: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One line of the scale; minor ones lose their words where there is little room."""

    left: float
    label: str
    minor: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The windows in the order they were asked, and the scale below them."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    height: float
    windows: int


def chart(calls: Iterable[Call], shown: Collection[Call] = ()) -> Chart | None:
    """The chart of these calls, None when fewer than two name a date; `shown` are those of findings."""
    found = [(call, *bounds) for call in dict.fromkeys(calls) if any(bounds := window(call))]
    if len(found) < 2:
        return None
    anchor = _anchor([end for _, _, end in found if end] or [first for _, first, _ in found if first])
    places = [_place(moment, anchor) for _, *pair in found for moment in pair if moment]
    low, high = min(places), max(places)
    # A little air keeps the outermost windows, and their words, off the edge.
    air = max((high - low) * 0.04, 0.05)
    scale = _Scale(anchor, low - air, high + air)
    step = max(1.0, min(6.0, TALL / len(found)))
    bars = [
        _bar(call, first, last, scale, (number * step, step), broken=call in shown)
        for number, (call, first, last) in enumerate(found)
    ]
    return Chart(tuple(bars), tuple(_ticks(scale)), round(step * len(found), 1), len(found))


def window(call: Call) -> tuple[datetime | None, datetime | None]:
    """The bounds that a call names, None for one that it leaves out or that is no date."""
    return _bound(call, FROM), _bound(call, TO)


def _bound(call: Call, names: Sequence[str]) -> datetime | None:
    for name in names:
        value = call.param(name)
        day = iso_date(value)
        if day is not None:
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        if (instant := iso_instant(value)) is not None:
            return instant
    return None


def _anchor(ends: Sequence[datetime]) -> date:
    # Most windows of a plan end on the same settled day; near it days matter, far from it years.
    return Counter(end.date() for end in ends).most_common(1)[0][0]


def _place(moment: datetime, anchor: date) -> float:
    days = (moment - datetime(anchor.year, anchor.month, anchor.day, tzinfo=UTC)).total_seconds() / 86400
    return math.copysign(math.log10(1 + abs(days)), days)


@dataclass(frozen=True, slots=True)
class _Scale:
    anchor: date
    low: float
    high: float

    def percent(self, place: float) -> float:
        return round(100 * (place - self.low) / (self.high - self.low), 2)

    def at(self, moment: datetime) -> float:
        return self.percent(_place(moment, self.anchor))


def _bar(
    call: Call,
    first: datetime | None,
    last: datetime | None,
    scale: _Scale,
    row: tuple[float, float],
    *,
    broken: bool,
) -> Bar:
    left = scale.at(first) if first else 0.0
    right = scale.at(last) if last else 100.0
    width = max(abs(right - left), WIDTH_LEAST)
    top, step = row
    height = round(max(step - 1, step * 0.7), 2)
    kind = _kind(call, first, last)
    title = f"{call.method} ?{call.query}" + ("" if call.key == "good" else f" (key: {call.key})")
    return Bar(
        min(left, right, 100 - width),
        round(width, 2),
        round(top, 2),
        height,
        "broken" if broken else kind,
        title,
    )


def _kind(call: Call, first: datetime | None, last: datetime | None) -> str:
    if call.key != "good":
        return "key"
    if first is None or last is None:
        return "open"
    return "reversed" if last < first else "plain"


def _ticks(scale: _Scale) -> Iterable[Tick]:
    yield Tick(scale.percent(0.0), scale.anchor.isoformat(), minor=False)
    for sign, word in ((-1, "−"), (1, "+")):
        for days, label in TICKS:
            place = sign * math.log10(1 + days)
            if scale.low < place < scale.high:
                yield Tick(scale.percent(place), f"{word}{label}", minor=days in {1, 7})
