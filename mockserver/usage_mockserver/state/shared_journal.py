"""The journal of a session that is kept where all replicas write it."""

from __future__ import annotations

from time import time
from typing import Any

from usage_mockserver.journal import ENTRIES, Entry, Journal, Record, check_fields, matches
from usage_mockserver.state.packing import pack_record
from usage_mockserver.state.store import Store


class SharedJournal(Journal):
    """What was asked of all replicas; each answer is noted together with the check that it still holds.

    What is answered while Redis is away is not noted.
    """

    def __init__(self, store: Store, name: str, *, entries: int = ENTRIES, size: int) -> None:
        super().__init__(entries, size)
        self._store, self._name = store, name
        self.bounds = (entries, size)

    def packed(self, record: Record) -> bytes:
        """The record as it is noted just now."""
        return pack_record(record, time())

    def entries(self, after: int = 0, **only: Any) -> list[Entry]:
        """The entries after a number, oldest first; `only` names fields of Record and their value."""
        check_fields(only)
        found = self._store.entries(self._name)
        return [entry for entry in found if entry.number > after and matches(entry.record, only)]

    @property
    def total(self) -> int:
        """How many requests were noted since the start, also those that made room."""
        return self._store.total(self._name)

    def clear(self) -> None:
        """Forget every entry; numbers go on."""
        self._store.forget(self._name)
