"""Values that no reader can take for a date, a UUID or a word of a list, and strategies that draw more."""

from __future__ import annotations

from hypothesis import strategies as st

# Plain nonsense only: digit strings, datetimes and impossible dates are accepted by well-known frameworks.
NO_DATES: tuple[str, ...] = ("yesterday", "not-a-date", "2025-13-45", "undefined", "{}", "NaN-aN-aN")
NO_UUIDS: tuple[str, ...] = (
    "not-a-uuid",
    "123",
    "3fa85f64-5717-4562-b3fc-2c963f66afa",
    "zzzzzzzz-5717-4562-b3fc-2c963f66afa6",
)
NO_SOURCES: tuple[str, ...] = ("mobile", "ALL", "allx", "xall", "all ", "all\n")

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NOISE = st.text(alphabet=_LETTERS + "ÄÖé漢 !$%&'()*+,/:;<=>?@[]^_{|}~", min_size=1, max_size=12)


def no_dates() -> st.SearchStrategy[str]:
    """Texts with a letter other than T and Z in front and no digit anywhere: dates in no notation."""
    return _NOISE.map(lambda text: "x" + text.replace("T", "").replace("Z", ""))


def no_uuids() -> st.SearchStrategy[str]:
    """Texts that hold a letter beyond f, so that no notation of a UUID fits."""
    return _NOISE.map(lambda text: "g" + text)


def no_sources() -> st.SearchStrategy[str]:
    """Lower-case words that are none of the three sources."""
    return st.text(alphabet=_LETTERS, min_size=1, max_size=9).filter(
        lambda text: text not in {"web", "all", "api_key"}
    )
