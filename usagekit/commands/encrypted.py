"""What `usagekit serve --tls` adds: a certificate, and how to make clients trust it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click

from usage_mockserver.server import Tls
from usage_specs import Service
from usagekit.cli import FailedStart


@contextmanager
def certified(wanted: bool, ca_file: Path | None, hosts: Iterable[str]) -> Iterator[Tls | None]:
    """The TLS that the options ask for; one sentence when it cannot be had."""
    if not wanted:
        if ca_file is not None:
            raise click.UsageError("--tls-ca goes with --tls")
        yield None
        return
    from usagekit.tls import NotOursError, throw_away

    with ExitStack() as stack:
        try:
            tls = stack.enter_context(throw_away(hosts, ca_file=ca_file))
        except ModuleNotFoundError as error:
            raise FailedStart(str(error)) from None
        except NotOursError as error:
            raise click.UsageError(f"--tls-ca {ca_file}: {error}") from None
        except OSError as error:
            raise click.UsageError(f"--tls-ca {ca_file}: {error.strerror or error}") from None
        except ValueError as error:
            raise click.UsageError(f"--allow-host: no certificate can name it: {error}") from None
        yield tls


def address(service: Service, url: str, ca_file: Path) -> tuple[str, str]:
    """The production address with this server's port, and curl's options that lead it here."""
    parts = urlsplit(url)
    where = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    resolve = f"--resolve {service.host}:{parts.port}:{where}"
    return f"https://{service.host}:{parts.port}", f"{resolve} --cacert {shlex.quote(str(ca_file))}"


def trusting(ca_file: Path) -> list[str]:
    """How clients are made to trust the certificate, a line for each way."""
    ways = {
        "curl": f"--cacert {shlex.quote(str(ca_file))}",
        "Node": f"NODE_EXTRA_CA_CERTS={shlex.quote(str(ca_file))}",
        "requests": f"REQUESTS_CA_BUNDLE={shlex.quote(str(ca_file))}",
        "httpx, aiohttp, urllib, Go, Ruby": f"SSL_CERT_FILE={shlex.quote(str(ca_file))}",
    }
    return ["Trust until the server ends:", *(f"  {who:34}{what}" for who, what in ways.items()), ""]
