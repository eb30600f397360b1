"""Varg: one record per generation job, newest first, with what it cost in cents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from json.encoder import encode_basestring as quoted
from typing import Any, ClassVar

from usage_mockserver.account import Account
from usage_mockserver.chance import Chance, spread
from usage_mockserver.checked import check_amount, check_choice, check_instant, check_text, is_amount, is_text
from usage_mockserver.credentials import accepts, presented
from usage_mockserver.dates import read_day
from usage_mockserver.http import Reply, Request, json_bytes, number, pairs
from usage_mockserver.ledger import Views, day_instants, day_volume
from usage_specs import load

SERVICE = load("varg").service

CAPABILITIES = ("video", "image", "speech", "music", "transcription")
"""What a job can be, in the vendor's order ("enum" of UsageRecord.capability)."""

HEADERS = (("content-type", "application/json"),)
PER_DAY = 5
PADDED = tuple(f"{number:02}" for number in range(60))

# Capability, model, cheapest and dearest job in cents, weight; the providers are those of the vendor's pages.
MODELS = spread(
    (
        (("video", "fal:kling-v2.5", 25, 90), 22),
        (("video", "higgsfield:soul-v1", 30, 120), 8),
        (("video", "piapi:seedance-1", 20, 75), 7),
        (("image", "fal:flux-pro", 3, 9), 20),
        (("image", "replicate:sdxl", 1, 4), 10),
        (("speech", "elevenlabs:multilingual-v2", 2, 18), 16),
        (("music", "elevenlabs:music-v1", 15, 60), 6),
        (("music", "piapi:suno-v4", 10, 35), 3),
        (("transcription", "elevenlabs:scribe-v1", 1, 12), 6),
        (("transcription", "fal:whisper-v3", 1, 6), 2),
    )
)


@dataclass(frozen=True, slots=True)
class Job:
    """One finished generation job.

    `cost_cents` is charged unless the result came from the cache (cache hits are free). Without a `job_id`
    the record gets one made of its content.
    """

    at: datetime
    model: str = "fal:kling-v2.5"
    capability: str = "video"
    cost_cents: float = 25
    cache_hit: bool = False
    job_id: str = ""
    VARIED: ClassVar = {"cost_cents": is_amount, "job_id": is_text}

    def __post_init__(self) -> None:
        check_instant(self.at)
        check_text("model", self.model)
        check_choice("capability", self.capability, CAPABILITIES)
        check_amount("cost_cents", self.cost_cents)
        if self.job_id != "":
            check_text("job_id", self.job_id)


EVENTS: dict[str, type[Any]] = {"job": Job}


def seeded(chance: Chance, day: date) -> list[Job]:
    """The jobs of one day of the busy account, drawn from `chance` alone."""
    jobs = []
    for index, at in enumerate(day_instants(chance, day, day_volume(chance, day, PER_DAY))):
        capability, model, low, high = chance.one_of(MODELS)
        # An eighth of the jobs runs on provider keys of the account's own, which cost nothing either.
        cost = 0 if chance.hit(12) else chance.between(low, high)
        job_id = _seeded_id(day.toordinal() * 64 + index, chance.below(1 << 15))
        jobs.append(Job(at, model, capability, cost, chance.hit(18), job_id))
    return jobs


def _seeded_id(place: int, salt: int) -> str:
    # Multiplying by an odd number modulo a power of two gives every place another id, in no visible order.
    scattered = ((place << 15) + salt) * 0x9E3779B97F4A7C15 % (1 << 41)
    letters = []
    for _ in range(8):
        scattered, digit = divmod(scattered, 36)
        letters.append("0123456789abcdefghijklmnopqrstuvwxyz"[digit])
    return "job_" + "".join(letters)


def _printed() -> tuple[Job, ...]:
    """The printed record, and 49 older ones that bring the total to the printed 1250 cents."""
    newest = datetime(2026, 2, 13, 10, tzinfo=UTC)
    older = (
        ("fal:kling-v2.5", "video", 60, False),
        ("fal:flux-pro", "image", 8, False),
        ("fal:flux-pro", "image", 8, True),
        ("elevenlabs:multilingual-v2", "speech", 12, False),
        ("elevenlabs:music-v1", "music", 40, False),
        ("elevenlabs:scribe-v1", "transcription", 5, False),
        ("piapi:seedance-1", "video", 50, False),
    )
    jobs = [
        Job(newest - timedelta(hours=31 * back), *older[back % 7], f"job_{back * 0x51D7B3F1 % (1 << 32):08x}")
        for back in range(49, 0, -1)
    ]
    return (*jobs, Job(newest, "fal:kling-v2.5", "video", 25, False, "job_a1b2c3d4"))


DOCS = _printed()

Sheet = tuple[bytes, int | Decimal]


def newest_first(jobs: Sequence[Job]) -> Sheet:
    """A day's records as JSON joined by commas, newest first, and what they cost together."""
    return _rendered(jobs[::-1], _ids(jobs)[::-1])


def oldest_first(jobs: Sequence[Job]) -> Sheet:
    """The same, oldest first."""
    return _rendered(jobs, _ids(jobs))


def _ids(jobs: Sequence[Job]) -> list[str]:
    """The id of each job; equal jobs without one are told apart by their number among themselves."""
    ids = [job.job_id for job in jobs]
    if "" in ids:
        seen: dict[Job, int] = {}
        for place, job in enumerate(jobs):
            if not job.job_id:
                seen[job] = seen.get(job, 0) + 1
                digest = blake2b(f"{job!r}{seen[job]}".encode(), digest_size=8).hexdigest()
                ids[place] = f"job_{digest}"
    return ids


def _rendered(jobs: Sequence[Job], ids: Sequence[str]) -> Sheet:
    charges = [0 if job.cache_hit else job.cost_cents for job in jobs]
    instants = [job.at for job in jobs]
    day = instants[0].date().isoformat()
    # By hand, because an account may hold a million jobs: json.dumps and isoformat take five times as long.
    records = [
        f'{{"job_id":{quoted(job_id)},"model":{quoted(job.model)},"capability":"{job.capability}",'
        f'"cost_cents":{number(charge)!r},"cache_hit":{"true" if job.cache_hit else "false"},'
        f'"created_at":"{day}T{PADDED[at.hour]}:{PADDED[at.minute]}:{PADDED[at.second]}Z"}}'
        for job, at, job_id, charge in zip(jobs, instants, ids, charges, strict=True)
    ]
    return ",".join(records).encode("utf-8", "backslashreplace"), sum(map(_exact, charges))


def _exact(cents: float) -> int | Decimal:
    # Decimals of what is printed, so that the total is the sum of the records as a reader adds them up.
    return cents if isinstance(cents, int) else Decimal(repr(cents))


def _printable(cents: int | Decimal) -> int | float:
    return cents if isinstance(cents, int) else number(float(cents))


def listed(account: Account, first: date | None, last: date | None) -> bytes:
    """The records of both days and those between, and their total; a missing day leaves that side open."""
    newest = account.switches["order"] == "newest"
    sheets = list(account.day_sheets(newest_first if newest else oldest_first, first, last))
    if newest:
        sheets.reverse()
    total: int | Decimal = sum(cost for _, cost in sheets)
    records = b",".join([records for records, _ in sheets])
    return b'{"usage":[%b],"total_cents":%b}' % (records, repr(_printable(total)).encode())


VIEWS = Views(sheets=(newest_first,))


def failure(status: int, error: str, message: str, behaviour: str = "", field: str = "") -> Reply:
    """A refusal in the vendor's flat shape, naming the field at fault if there is one."""
    at_fault = {"field": field} if field else {}
    body = {"error": error, "message": message, **at_fault, "statusCode": status}
    return Reply(status, HEADERS, json_bytes(body), behaviour)


def answer(request: Request, account: Account) -> Reply:
    """What Varg answers to one request."""
    if request.path != SERVICE.path or request.method not in ("GET", "HEAD"):
        return failure(404, "NotFoundError", f"Route {request.method} {request.path} not found")
    key = presented(request, SERVICE.credentials[0])
    if key is None:
        return failure(401, "AuthError", "Invalid API key", "varg.key-required")
    if not accepts(SERVICE, key, account.keys):
        return failure(401, "AuthError", "Invalid API key", "varg.wrong-key-refused")
    return _window(request, account)


def _window(request: Request, account: Account) -> Reply:
    sent = dict(pairs(request.query))
    days = {name: read_day(sent[name]) for name in ("from", "to") if name in sent}
    for name, day in days.items():
        if day is None and account.switches["bad-date"] == "refuse":
            message = f"{name} must be a date (YYYY-MM-DD)"
            return failure(400, "ValidationError", message, "varg.bad-date-refused", name)
    first, last = days.get("from"), days.get("to")
    if first is not None and last is not None and first > last:
        if account.switches["reversed"] == "refuse":
            message = "from must not be after to"
            return failure(400, "ValidationError", message, "varg.reversed-window-answered", "from")
        return Reply(200, HEADERS, b'{"usage":[],"total_cents":0}', "varg.reversed-window-empty")
    return Reply(200, HEADERS, listed(account, first, last), "varg.answered")
