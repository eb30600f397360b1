"""Somya's events: speech requests of keys and of the web playground, and what a day of them adds up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

from usage_mockserver.chance import Chance, spread
from usage_mockserver.checked import check_amount, check_instant, is_amount, is_whole
from usage_mockserver.ledger import day_instants, day_volume

KEY_IDS = (
    "b51c9f0e-3d2a-4c67-9a84-1f6e0d7b2c35",
    "e07a4d18-96bf-4f02-8d5b-c3a91e6f4072",
    "29d63ba7-c845-4e9a-b170-58f2c4d9e613",
)
"""Ids of the seeded account's three API keys, the same for every seed so that tests can name them."""

PER_DAY = 22
ORIGINS = spread(((None, 30), (KEY_IDS[0], 40), (KEY_IDS[1], 20), (KEY_IDS[2], 10)))
NOTHING = (0, 0, 0, 0)

Counts = tuple[int, int, int, int]


@lru_cache(maxsize=4096)
def _canonical(key_id: str) -> str:
    try:
        return str(UUID(key_id))
    except ValueError:
        raise ValueError(
            f"api_key_id is {key_id!r}; it must be a UUID, or None for the web playground"
        ) from None


@dataclass(frozen=True, slots=True)
class Tts:
    """One text turned into speech: `characters` long, asked for with this key; None is the web playground."""

    at: datetime
    characters: int = 100
    api_key_id: str | None = None
    VARIED: ClassVar = {"characters": is_whole}

    def __post_init__(self) -> None:
        check_instant(self.at)
        check_amount("characters", self.characters, whole=True)
        if self.api_key_id is not None:
            object.__setattr__(self, "api_key_id", _canonical(str(self.api_key_id)))


@dataclass(frozen=True, slots=True)
class Asr:
    """One recording turned into text: `seconds` of audio, counted to the millisecond; key as for `Tts`."""

    at: datetime
    seconds: float = 60.0
    api_key_id: str | None = None
    VARIED: ClassVar = {"seconds": is_amount}

    def __post_init__(self) -> None:
        check_instant(self.at)
        check_amount("seconds", self.seconds)
        if self.api_key_id is not None:
            object.__setattr__(self, "api_key_id", _canonical(str(self.api_key_id)))


EVENTS: dict[str, type[Any]] = {"tts": Tts, "asr": Asr}

# The vendor prints no example answer, so there is nothing that the docs scenario could repeat.
DOCS: tuple[Tts | Asr, ...] = ()


def seeded(chance: Chance, day: date) -> list[Tts | Asr]:
    """The requests of one day of the busy account, drawn from `chance` alone."""
    events: list[Tts | Asr] = []
    for at in day_instants(chance, day, day_volume(chance, day, PER_DAY)):
        key_id = chance.one_of(ORIGINS)
        if chance.hit(64):
            # Most texts are short, and long ones are cut at the published limit of 2,500 characters.
            length = min(chance.between(1, 2700), chance.between(1, 2700), 2500)
            events.append(Tts(at, length, key_id))
        else:
            hundredths = min(chance.between(100, 60_000), chance.between(100, 60_000))
            events.append(Asr(at, hundredths / 100, key_id))
    return events


def by_origin(events: Sequence[Tts | Asr]) -> dict[str | None, Counts]:
    """The four counters of these events for each key, and under None for the web playground."""
    found: dict[str | None, Counts] = {}
    for event in events:
        tts, asr, characters, milliseconds = found.get(event.api_key_id, NOTHING)
        if isinstance(event, Tts):
            found[event.api_key_id] = (tts + 1, asr, characters + event.characters, milliseconds)
        else:
            seconds = round(event.seconds * 1000)
            found[event.api_key_id] = (tts, asr + 1, characters, milliseconds + seconds)
    return found


def spent(events: Sequence[Tts | Asr]) -> tuple[int, int]:
    """Characters and milliseconds of these events, of which every answer needs a whole month."""
    characters = milliseconds = 0
    for event in events:
        if isinstance(event, Tts):
            characters += event.characters
        else:
            milliseconds += round(event.seconds * 1000)
    return characters, milliseconds


def both(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """What was spent on both."""
    return one[0] + other[0], one[1] + other[1]
