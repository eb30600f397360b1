"""What the code under test sent: requests as a sequence, and assertions that say how a near miss differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, overload

from usage_mockserver.journal import Entry, Journal, Record
from usagekit.wanted import Wanted, described, differences, wanted

SHOWN = 3
"""So many requests are shown beside an assertion that failed."""


class RequestsDroppedError(AssertionError):
    """More was sent than is kept, so that what was sent cannot be told; `requests.clear()` in between helps."""


@dataclass(frozen=True, slots=True, repr=False)
class SentRequest:
    """One request and how it was answered; every credential is masked.

    `query` holds the last value of each parameter, `pairs` all of them in order; `headers` are the fields
    that carried a credential; `at` is the machine's time (UTC); `message` is how an answer of status 400 and
    above begins.
    """

    entry: Entry

    @property
    def record(self) -> Record:
        """The journal's own record of it."""
        return self.entry.record

    @property
    def provider(self) -> str:
        """Who was asked; empty when the address belongs to none."""
        return self.entry.record.provider

    @property
    def method(self) -> str:
        """The method, such as `GET`."""
        return self.entry.record.method

    @property
    def path(self) -> str:
        """The path behind the provider's `url`, percent-decoded."""
        return self.entry.record.path

    @property
    def query(self) -> dict[str, str]:
        """The parameters, of a repeated one the last value."""
        return dict(self.entry.record.query)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The parameters in the order in which they were sent, repetitions included."""
        return self.entry.record.query

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.entry.record.status

    @property
    def headers(self) -> dict[str, str]:
        """The fields that carried a credential, masked: `{"authorization": "Bearer [masked]"}`."""
        return dict(self.entry.record.credentials)

    @property
    def at(self) -> datetime:
        """When it came, by the machine's clock, UTC."""
        return self.entry.at

    @property
    def message(self) -> str:
        """How the body of a 4xx or 5xx answer begins, else empty."""
        return self.entry.record.message

    @property
    def told(self) -> str:
        """Who was asked what, and the status of the answer, in one line."""
        return f"{self.provider or 'nobody'}: {self}"

    def __repr__(self) -> str:
        return f"<{self.told}>"

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.pairs)
        return f"{self.method} {self.path}{'?' * bool(query)}{query} -> {self.status}"


class Log:
    """The journal of some accounts, with marks behind which each provider's requests begin."""

    def __init__(self, journal: Journal, providers: Iterable[str]) -> None:
        self.journal = journal
        self._marks = dict.fromkeys((*providers, ""), 0)

    def read(self, provider: str | None = None, after: int = 0) -> tuple[list[SentRequest], int]:
        """The requests of one provider or of all, oldest first, and how many more there may have been.

        `after` leaves out those up to this number.
        """
        marks = {
            name: max(mark, after)
            for name, mark in self._marks.items()
            if provider is None or name == provider
        }
        begin = min(marks.values())
        total = self.journal.total
        kept = self.journal.entries(begin)
        found = [
            SentRequest(entry)
            for entry in kept
            if entry.number > marks.get(entry.record.provider, entry.number)
        ]
        return found, max(0, total - begin - len(kept))

    def elsewhere(self, provider: str) -> list[SentRequest]:
        """The requests whose address belongs to no provider, or to another one."""
        return [request for request in self.read()[0] if request.provider != provider]

    def forget(self, provider: str | None = None) -> None:
        """Begin anew: what was sent until now is not seen any more."""
        total = self.journal.total
        for name in self._marks if provider is None else (provider,):
            self._marks[name] = total


class Requests(Sequence[SentRequest]):
    """What was sent to one provider, or to all, oldest first; it grows while more is sent.

    In `filter` and the assertions, keywords name parameters that must have been sent with this value, whatever
    else was: `from_="2026-03-01"` (a Python keyword takes an underscore), a list for a repeated one, None for
    one that must be missing, `...` for any value. `params={...}` is the whole query. `method=`, `path=` and
    `status=` narrow it further. More requests than are kept is RequestsDroppedError, never a wrong answer.
    """

    def __init__(self, log: Log, provider: str | None = None, narrowed: tuple[Wanted, ...] = ()) -> None:
        self._log, self._provider, self._narrowed = log, provider, narrowed

    # -- a sequence -------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, index: int) -> SentRequest: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[SentRequest]: ...

    def __getitem__(self, index: int | slice) -> SentRequest | Sequence[SentRequest]:
        return self._all()[index]

    def __iter__(self) -> Iterator[SentRequest]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return self._all() == list(other) if isinstance(other, Iterable) else NotImplemented

    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __repr__(self) -> str:
        found, dropped = self._read(self._narrowed)
        lost = f"; {dropped} older ones were dropped" if dropped else ""
        count = {0: "no requests", 1: "1 request"}.get(len(found), f"{len(found)} requests")
        shown = f": {'; '.join(map(str, found[-SHOWN:]))}" if found else ""
        return f"<{count} to {self._where}{lost}{shown}>"

    @property
    def last(self) -> SentRequest:
        """The newest one; AssertionError when there is none."""
        found, dropped = self._read(self._narrowed)
        if not found:
            _refuse_dropped(dropped)
            raise AssertionError(f"no request was sent to {self._where}{_with(self._narrowed)}")
        return found[-1]

    def filter(self, *, params: Mapping[str, Any] | None = None, **named: Any) -> Requests:
        """Those of them that are like this."""
        return Requests(self._log, self._provider, (*self._narrowed, wanted(params, named)))

    def clear(self) -> None:
        """Forget what was sent until now; of a filtered sequence, what its provider got."""
        self._log.forget(self._provider)

    # -- assertions -------------------------------------------------------------------------------------

    def assert_called_once(self, *, params: Mapping[str, Any] | None = None, **named: Any) -> SentRequest:
        """Exactly one request was like this; it is returned."""
        narrowed, found, dropped = self._narrow(params, named)
        if len(found) > 1:
            raise AssertionError(
                f"{len(found)} requests were sent to {self._where}{_with(narrowed)}, not one:{self._listed(found)}"
            )
        _refuse_dropped(dropped)
        if not found:
            raise AssertionError(self._missed(narrowed))
        return found[0]

    def assert_called(self, *, params: Mapping[str, Any] | None = None, **named: Any) -> SentRequest:
        """At least one request was like this; the newest is returned."""
        narrowed, found, dropped = self._narrow(params, named)
        if not found:
            _refuse_dropped(dropped)
            raise AssertionError(self._missed(narrowed))
        return found[-1]

    def assert_not_called(self, *, params: Mapping[str, Any] | None = None, **named: Any) -> None:
        """No request was like this."""
        narrowed, found, dropped = self._narrow(params, named)
        if found:
            count = f"{len(found)} requests were" if len(found) > 1 else "a request was"
            raise AssertionError(f"{count} sent to {self._where}{_with(narrowed)}:{self._listed(found)}")
        _refuse_dropped(dropped)

    # -- inside -----------------------------------------------------------------------------------------

    @property
    def _where(self) -> str:
        return self._provider or "any provider"

    def _listed(self, found: Sequence[SentRequest]) -> str:
        return _listed(found, named=self._provider is None)

    def _narrow(
        self, params: Mapping[str, Any] | None, named: Mapping[str, Any]
    ) -> tuple[tuple[Wanted, ...], list[SentRequest], int]:
        narrowed = (*self._narrowed, wanted(params, named))
        return narrowed, *self._read(narrowed)

    def _read(self, narrowed: tuple[Wanted, ...]) -> tuple[list[SentRequest], int]:
        found, dropped = self._log.read(self._provider)
        return [request for request in found if not differences(request, narrowed)], dropped

    def _all(self) -> list[SentRequest]:
        found, dropped = self._read(self._narrowed)
        _refuse_dropped(dropped)
        return found

    def _missed(self, narrowed: tuple[Wanted, ...]) -> str:
        """Why nothing matched: the nearest requests with what is different about them."""
        sent, _ = self._log.read(self._provider)
        head = f"no request was sent to {self._where}{_with(narrowed)}"
        if not sent:
            others = self._log.elsewhere(self._provider) if self._provider is not None else []
            return f"{head}; it got none at all" + (
                f", but elsewhere went:{_listed(others, named=True)}" if others else ""
            )
        missed = sorted(
            ((differences(request, narrowed), request) for request in reversed(sent)),
            key=lambda one: len(one[0]),
        )
        lines = [head, f"what came nearest of {len(sent)}:" if len(sent) > 1 else "what was sent:"]
        for found, request in missed[:SHOWN]:
            shown = str(request) if self._provider else request.told
            lines += [f"  {shown}", *(f"    {difference}" for difference in found)]
        return "\n".join(lines)


def _with(narrowed: tuple[Wanted, ...]) -> str:
    text = described(narrowed)
    return f" with {text}" if text else ""


def _refuse_dropped(dropped: int) -> None:
    if dropped:
        raise RequestsDroppedError(
            f"{dropped} older requests are not kept any more, so this cannot be told; "
            "call .requests.clear() before what is to be looked at"
        )


def _listed(found: Sequence[SentRequest], *, named: bool) -> str:
    lines = [one.told if named else str(one) for one in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"... and {len(found) - SHOWN} more")
    return "".join(f"\n  {line}" for line in lines)
