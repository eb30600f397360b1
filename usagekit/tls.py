"""A throw-away authority, and a server certificate for the vendors' own host names."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from usage_contracts.files import write_whole
from usage_mockserver.app import LOCAL_HOSTS
from usage_mockserver.server import Tls
from usage_specs import PROVIDERS, load

if TYPE_CHECKING:
    import trustme

MISSING = "TLS needs trustme: pip install 'usagekit[tls]'"
OWNER = "usagekit"
MARK = f"A throw-away authority of {OWNER}; it vouches for fakes and ends with their server."
NAMES = (*(load(name).service.host for name in PROVIDERS), *(host.strip("[]") for host in LOCAL_HOSTS))
# Apple's clients refuse a certificate that is valid for more than 825 days.
BEFORE, AFTER = timedelta(days=1), timedelta(days=365)


class NotOursError(Exception):
    """The file that was to be written holds something that is not ours to replace."""


@contextmanager
def throw_away(hosts: Iterable[str] = (), *, ca_file: Path | None = None) -> Iterator[Tls]:
    """A server's TLS for the five vendors' hosts, this machine's names and `hosts`, while the block runs.

    The authority's certificate is written to `ca_file`, by default in a new temporary folder, and removed at
    the end; no private key outlives its use. ModuleNotFoundError without the extra, ValueError for what is no
    host name, NotOursError when the file exists and was not written by a run before, OSError when it cannot be.
    """
    authority, context = _issued(dict.fromkeys((*NAMES, *(host.strip("[]") for host in hosts if host))))
    text = f"{MARK}\n{authority.cert_pem.bytes().decode('ascii')}"
    with TemporaryDirectory(prefix="usagekit-", ignore_cleanup_errors=True) as folder:
        # A link stays a link, and what it leads to goes at the end.
        path = Path(folder, "ca.pem") if ca_file is None else ca_file.resolve()
        _check_replaceable(path)
        write_whole(path, text, private=False)
        try:
            yield Tls(context, path)
        finally:
            path.unlink(missing_ok=True)


def _issued(names: Iterable[str]) -> tuple[trustme.CA, ssl.SSLContext]:
    try:
        import trustme
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING, name=error.name) from None
    now = datetime.now(UTC)
    authority = trustme.CA(organization_name=OWNER)
    certificate = authority.issue_cert(
        *names, organization_name=OWNER, not_before=now - BEFORE, not_after=now + AFTER
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    # The key is on disk for this one call, in a file that only its owner may read: OpenSSL takes no other way.
    certificate.configure_cert(context)
    return authority, context


def _check_replaceable(path: Path) -> None:
    """Refuse to write over somebody else's certificates, which a user may have taken this file to be for."""
    if not path.exists():
        return
    text = path.read_text("utf-8", "replace") if path.is_file() else "?"
    if text and not (text.startswith(MARK) and text.count("BEGIN CERTIFICATE") == 1):
        raise NotOursError("it exists, and no earlier run wrote it; the file is written, not read")
