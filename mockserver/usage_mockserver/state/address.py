"""Where the shared state is kept: a URL such as `redis://host:6379/0?prefix=usagekit`, read and shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from usage_mockserver.invalid import InvalidError, check_name, meant

SCHEMES = ("redis", "rediss", "unix")
OURS = ("prefix",)
# Of everything that redis-py would take from a URL, what does not interfere with how we ask.
THEIRS = ("db", "ssl_ca_certs")
PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Address:
    """A Redis database, and what our keys in it begin with; `url` may hold a password, `shown` never does."""

    url: str
    shown: str
    prefix: str = "usagekit"


def read_address(text: str) -> Address:
    """The address that a URL names; InvalidError says what is wrong with it, without the password."""
    try:
        parts = urlsplit(text.strip())
        if "://" not in text:
            raise InvalidError("it is no URL; write redis://HOST:PORT/DATABASE")
        check_name("scheme", parts.scheme, SCHEMES, "scheme")
        _check(parts)
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except InvalidError:
        raise
    except ValueError:
        raise InvalidError("it is no URL; write redis://HOST:PORT/DATABASE") from None
    values = dict(given)
    for name in values:
        if name not in (*OURS, *THEIRS):
            raise InvalidError(f"the URL has no parameter {name!r}; {meant(name, (*OURS, *THEIRS))}", name)
    prefix = values.pop("prefix", "usagekit")
    if not PREFIX.fullmatch(prefix):
        raise InvalidError(
            f"prefix is {prefix[:100]!r}; letters, digits, '.', '_' and '-' make one", "prefix"
        )
    if not values.get("db", "0").isdecimal():
        raise InvalidError(f"db is {values['db'][:100]!r}; it must be a number", "db")
    url = f"{parts.scheme}://{parts.netloc}{parts.path}" + (f"?{urlencode(values)}" if values else "")
    return Address(url, _shown(parts), prefix)


def _check(parts: SplitResult) -> None:
    if parts.scheme == "unix":
        if not parts.path:
            raise InvalidError("it names no socket; write unix:///run/redis.sock")
        return
    if parts.port == 0 or not parts.hostname:
        raise InvalidError("it names no host and port; write redis://HOST:PORT/DATABASE")
    database = parts.path.strip("/")
    if database and not database.isdecimal():
        raise InvalidError(f"the database is {database[:100]!r}; it must be a number", "db")


def _shown(parts: SplitResult) -> str:
    # Only what comes behind the last @ is no credential.
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
