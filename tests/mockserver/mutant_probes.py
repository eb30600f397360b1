"""What a reasonable checker would ask: queries per provider, in an order that shows defects of memory too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from usage_mockserver.http import Request
from usage_mockserver.providers.somya_events import KEY_IDS
from usage_specs import load

NOBODY = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
PROJECT = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"

WINDOWS = (
    ("2026-02-02", "2026-03-01"),
    ("2026-02-02", "2026-02-14"),
    ("2026-02-15", "2026-03-01"),
    ("2026-02-02", "2026-03-01"),
    ("2024-11-01", "2024-11-30"),
    ("2024-11-01", "2024-12-01"),
    ("2024-11-01", "2024-12-02"),
    ("2024-11-01", "2024-12-03"),
    ("2025-07-01", "2025-08-01"),
    ("2025-07-02", "2025-08-02"),
    ("2025-01-01", "2026-01-15"),
    ("2024-02-05", "2024-03-05"),
    ("2024-02-10", "2024-02-29"),
    ("2024-02-29", "2024-02-29"),
    ("2024-02-20", "2024-03-02"),
    ("2025-12-10", "2026-01-08"),
    ("2025-12-24", "2026-01-02"),
    ("2025-09-15", "2025-10-14"),
    ("2025-03-01", "2025-03-01"),
    ("2025-03-20", "2025-03-31"),
    ("2025-03-03", "2025-03-05"),
    ("2025-06-01", "2025-06-28"),
    ("2025-06-11", "2025-06-11"),
    ("2025-06-10", "2025-06-10"),
    ("2025-06-10", "2025-06-09"),
    ("2025-06-30", "2025-06-01"),
    ("2025-05-05", "2025-05-09"),
    ("2025-01-01", "2025-06-30"),
    ("2019-05-01", "2019-05-20"),
    ("1990-01-01", "1990-01-20"),
)
WORDS = ("hello", "2025-13-45", "yesterday", "")


@dataclass(frozen=True)
class Probe:
    """One question: query, and the fields that carry a key (None for the usual one)."""

    query: str
    fields: dict[str, str] | None = None
    method: str = "GET"


@dataclass
class Probes:
    provider: str
    today: date
    found: list[Probe] = field(default_factory=list)

    def ask(self, *queries: str) -> None:
        self.found += [Probe(query) for query in queries]


def key_fields(provider: str, key: str, way: int = 0) -> dict[str, str]:
    credential = load(provider).service.credentials[way]
    return {credential.header: credential.value(key)}


def request(provider: str, probe: Probe) -> Request:
    service = load(provider).service
    fields = key_fields(provider, service.demo_key) if probe.fields is None else probe.fields
    return Request(
        probe.method, service.path, probe.query, {"host": "localhost", "accept-encoding": "gzip", **fields}
    )


def access(provider: str, valid: str, invalid: str) -> Iterator[Probe]:
    """No key, wrong keys, and every way to send the right one, with good and with bad parameters."""
    demo = load(provider).service.demo_key
    yield Probe(valid)
    for query in (valid, invalid):
        yield Probe(query, {})
        for key in ("", f"{demo[:-1]}", f"{demo}x", "wrong", demo.replace("demo", "wrong"), "not-a-key"):
            yield Probe(query, key_fields(provider, key))
    for way in range(len(load(provider).service.credentials)):
        yield Probe(valid, key_fields(provider, demo, way))
        yield Probe(valid + "&source=web", key_fields(provider, demo, way))
        yield Probe(valid + "&provider=openai", key_fields(provider, demo, way))


def dated(first: str, last: str, days: tuple[str, str]) -> str:
    return f"{first}={days[0]}&{last}={days[1]}"


def bounds_probes(found: Probes, first: str, last: str) -> None:
    near = found.today
    ahead = [(near + timedelta(days=days)).isoformat() for days in (1, 2, 6, 20, 45)]
    past = (near - timedelta(days=4)).isoformat(), (near - timedelta(days=2)).isoformat()
    found.ask(*(dated(first, last, days) for days in WINDOWS))
    found.ask(dated(first, last, past), dated(first, last, (past[0], ahead[1])))
    found.ask(dated(first, last, (ahead[0], ahead[2])), dated(first, last, (ahead[3], ahead[4])))
    found.ask(*(f"{last}={days[1]}&{first}={days[0]}" for days in WINDOWS[:6]))
    found.ask(*(dated(first, last, days) + "&zz=1" for days in WINDOWS[:3]))
    for word in WORDS:
        found.ask(dated(first, last, (word, "2025-06-11")), dated(first, last, ("2025-06-11", word)))
    found.ask(dated(first, last, ("2025-02-30", "2025-03-05")))
    found.ask("", f"{first}=2025-06-10", f"{last}=2025-06-10", f"{first}={ahead[3]}", f"{last}={near}")


def supertone(today: date) -> list[Probe]:
    found = Probes("supertone", today)
    bounds_probes(found, "start_date", "end_date")
    for back, until in ((6, 0), (190, 170)):
        days = [(today - timedelta(days=some)).isoformat() for some in (back, until)]
        found.ask(dated("start_date", "end_date", (days[0], days[1])))
    found.ask(dated("start_date", "end_date", ("2026-01-20", "2026-02-10")))
    valid, nothing = (dated("start_date", "end_date", WINDOWS[place]) for place in (0, -1))
    refused = [Probe(nothing, {}), Probe(nothing, key_fields("supertone", "wrong"))]
    return [*found.found, *refused, *access("supertone", valid, "start_date=hello&end_date=there")]


def varg(today: date) -> list[Probe]:
    found = Probes("varg", today)
    bounds_probes(found, "from", "to")
    found.ask(
        f"from={today - timedelta(days=2)}&to={today}", f"from={today - timedelta(days=1500)}&to={today}"
    )
    return [*found.found, *access("varg", dated("from", "to", WINDOWS[0]), "from=hello")]


def somya(today: date) -> list[Probe]:
    found = Probes("somya", today)
    bounds_probes(found, "from", "to")
    wide = "from=2025-01-01&to=2025-06-30"
    for query in (wide, dated("from", "to", WINDOWS[0]), "", "from=2025-06-11&to=2025-06-11"):
        sources = [
            f"{query}&source={source}".lstrip("&") for source in ("web", "api_key", "all", "Web", "webb", "x")
        ]
        ids = [
            f"{query}&api_key_id={key}".lstrip("&")
            for key in (NOBODY, f"{NOBODY}&source=api_key", "123", "hello")
        ]
        found.ask(*sources, *ids, f"{query}&source=web&api_key_id={NOBODY}".lstrip("&"))
    found.ask(f"source=web&{wide}", "from=2015-01-01&to=2015-02-01", "from=2020-01-01&to=2026-01-01")
    found.ask(f"{wide}&source=api_key&api_key_id={KEY_IDS[0]}", f"from={today}&source=web")
    found.ask("from=0001-01-01&to=9999-12-31", "source=web&source=web", "source=web%20")
    found.ask("source=n%C3%A4%00", f"source={'x' * 1500}")
    return [*found.found, *access("somya", dated("from", "to", WINDOWS[0]), "from=hello")]


def surnex(today: date) -> list[Probe]:
    found = Probes("surnex", today)
    bounds_probes(found, "from", "to")
    ranges = (
        "from=2025-06-01T00:00:00Z&to=2025-07-01T00:00:00Z",
        "from=2025-06-01T00:00:00Z&to=2025-06-11T13:07:31Z",
        "from=2025-06-11T13:07:31Z&to=2025-07-01T00:00:00Z",
        "from=2025-06-11T13:07:31Z&to=2025-06-11T10:00:00Z",
        "from=2025-06-11T09:07:31Z&to=2025-06-11T20:00:00Z",
        "from=2025-01-01T00:00:00Z&to=2025-07-01T00:00:00Z",
        "from=2023-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        "from=1990-01-01T00:00:00Z&to=1990-02-01T00:00:00Z",
    )
    for query in (*ranges, ""):
        filters = ("provider=openai", "provider=nobody", "provider=", f"project_id={PROJECT}")
        more = (f"project_id={NOBODY}", "project_id=123", "project_id=123&provider=openai")
        found.ask(query, *(f"{query}&{one}".lstrip("&") for one in (*filters, *more)))
    found.ask(f"provider=openai&{ranges[0]}", f"from=&{ranges[0][27:]}", "from=2025-06-01&to=")
    for hour in range(24):
        found.ask(f"from=2025-05-01T00:00:00Z&to=2025-06-11T{hour:02}:59:59Z")
    ahead, later = today + timedelta(days=3), today + timedelta(days=9)
    found.ask(
        "from=2025-06-01", "from=2025-06-01&provider=openai", "to=2025-06-01", f"from=2025-06-01&to={ahead}"
    )
    found.ask(f"from={later}&to={ahead}", f"from=2025-07-01&to=2025-06-01&project_id={PROJECT}")
    found.ask(f"{ranges[0]}&project_id={PROJECT}&provider=openai", f"{ranges[0]}&project_id=", ranges[0])
    found.ask("from=2024-12-01&to=2025-01-01", "from=2025-13-45", "provider=a&provider=a")
    found.ask("provider=O%27Brien", "provider=a%00b", f"provider={'x' * 300}")
    return [*found.found, *access("surnex", ranges[0], "from=hello")]


def lyrcs(today: date) -> list[Probe]:
    found = Probes("lyrcs", today)
    found.ask("", "", "", "from=2026-01-01", "zz=1", "language=Hindi", "", "")
    found.ask("since=2999-12-31", "until=2001-01-01", "date_from=2001-01-01&date_to=2001-12-31", "days=7")
    found.ask("limit=1", "org_id=org_someone_else", "from=2026-01-01&from=hello", "from=%ff")
    found.found.append(Probe("", {"authorization": "Basic dXNhZ2VraXQ6d3Jvbmc="}))
    return [*found.found, *access("lyrcs", "", "from=hello")]


BY_PROVIDER = {"supertone": supertone, "varg": varg, "somya": somya, "surnex": surnex, "lyrcs": lyrcs}
