"""Contract tests inside another suite: `TestVarg = contract_tests("varg", url=...)`, one item per behaviour."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Unpack

import pytest

from usage_specs import Behaviour, SpecError, load
from usagekit.checking import CheckError, Given, MissingKeyError, Options, check, read_key, read_options
from usagekit.findings import FAILED, SKIPPED, Finding, findings, for_all, hidden
from usagekit.mishaps import told
from usagekit.once import once

if TYPE_CHECKING:
    from usagekit.applications import Application

__all__ = ["contract_tests"]

MISSING = "contract tests need more packages: pip install 'usagekit[contracts]'"


def contract_tests(
    provider: str,
    *,
    url: str | None = None,
    app: Application | str | None = None,
    target: str | None = None,
    key: str | None = None,
    key_env: str | None = None,
    interface: str = "auto",
    **options: Unpack[Given],
) -> type:
    """A test class with one item for each behaviour of this provider; give it a name that begins with `Test`.

    Asked is a `url`, an ASGI or WSGI `app` (or the `package.module:name` of one), the value of the fixture that
    `target` names (one of these, or an object with `url` and perhaps `key`), or the kit's own fake. `key` is by
    default the value of the variable `key_env`, then of the vendor's usual one, then the fakes' demo key. The
    options are those of `usagekit check`: `seed`, `max_requests`, `live`, `strict` and so on.

    The first item does the whole run; all others, on every worker of pytest-xdist too, read what it found.
    What was not exercised is skipped, with the reason; so is an assumption that differs, unless `strict`.
    """
    try:
        behaviours = load(provider).behaviours.values()
        asked = _Asked(provider, url, app, target, key, key_env, interface, read_options(options))
        if target is not None and (url is not None or app is not None):
            raise CheckError("target names a fixture, so url and app are left out")
    except (SpecError, CheckError) as error:
        raise pytest.Collector.CollectError(f"contract_tests({provider!r}): {error}") from None
    return _test_class(asked, behaviours)


def _test_class(asked: _Asked, behaviours: Iterable[Behaviour]) -> type:
    def test_behaviour(self: object, behaviour: str, request: pytest.FixtureRequest) -> None:
        """What the vendor says of this behaviour holds."""
        del self
        _judge(asked.findings(request)[behaviour])

    cases = [
        pytest.param(one.id, id=one.id, marks=_mark("usage_contract", **_about(one))) for one in behaviours
    ]
    members = {
        "__doc__": f"{asked.provider} keeps its document.",
        # Workers on several machines share no folder; `--dist loadgroup` gives the whole class to one of them.
        "pytestmark": _mark("xdist_group", f"usage-{asked.provider}"),
        "test_behaviour": pytest.mark.parametrize("behaviour", cases)(test_behaviour),
    }
    return type(f"Test{asked.provider.title()}", (), members)


def _about(behaviour: Behaviour) -> dict[str, str]:
    """What `-m "usage_contract(evidence='stated')"` chooses by."""
    return {
        "provider": behaviour.provider,
        "behaviour": behaviour.id,
        "evidence": behaviour.evidence.value,
    }


def _mark(name: str, *args: str, **named: str) -> list[pytest.MarkDecorator]:
    """A mark, or none where nothing has registered it: strict markers must not stop somebody's suite."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return [getattr(pytest.mark, name)(*args, **named)]
    except (pytest.fail.Exception, pytest.PytestUnknownMarkWarning):
        return []


def _judge(finding: Finding) -> None:
    __tracebackhide__ = True
    if finding.outcome == FAILED:
        pytest.fail(finding.text, pytrace=False)
    if finding.outcome == SKIPPED:
        pytest.skip(finding.text)


@dataclass(frozen=True)
class _Asked:
    """What a test class asks, and how; findings are kept for the session."""

    provider: str
    url: str | None
    app: Application | str | None = field(repr=False)
    target: str | None
    key: str | None = field(repr=False)
    key_env: str | None
    interface: str
    options: Options

    def findings(self, request: pytest.FixtureRequest) -> Mapping[str, Finding]:
        """What the run found, by behaviour; the run itself where nobody has done it yet."""
        # A fixture with parameters gives targets of their own to one class.
        callspec = getattr(request.node, "callspec", None)
        others = (
            {name: at for name, at in callspec.indices.items() if name != "behaviour"} if callspec else {}
        )
        name = f"{request.node.parent.nodeid} {sorted(others.items())}"
        return once(request, name, lambda: self._run(request), lost=self._lost)

    def _lost(self) -> Mapping[str, Finding]:
        return for_all(self.provider, FAILED, "the worker that did this run was lost; see what it said last")

    def _run(self, request: pytest.FixtureRequest) -> Mapping[str, Finding]:
        try:
            url, app, own_key = self._target(request)
            key = self._key(own_key, elsewhere=url is not None or app is not None)
            return self._checked(url, app, key)
        except MissingKeyError as error:
            return for_all(self.provider, SKIPPED, str(error))
        except pytest.skip.Exception as error:
            return for_all(self.provider, SKIPPED, str(error))
        except CheckError as error:
            return for_all(self.provider, FAILED, f"contract_tests({self.provider!r}): {error}")

    def _target(self, request: pytest.FixtureRequest) -> tuple[str | None, Any, str | None]:
        if self.target is None:
            return self.url, self.app, None
        try:
            return _given_by(request.getfixturevalue(self.target), self.target)
        except pytest.FixtureLookupError as error:
            raise CheckError(f"there is no fixture {error.argname!r}") from None
        except CheckError:
            raise
        except Exception as error:  # noqa: BLE001 - one item would show it, and the others on their workers not
            raise CheckError(f"the fixture {self.target!r} failed: {told(error)}") from None

    def _checked(self, url: str | None, app: Any, key: str | None) -> Mapping[str, Finding]:
        try:
            report = check(
                self.provider, url=url, app=app, key=key, interface=self.interface, options=self.options
            )
            return findings(report, key)
        except ModuleNotFoundError as error:
            raise CheckError(f"{MISSING} ({error.name} is missing)") from None
        except CheckError:
            raise
        except Exception as error:  # noqa: BLE001 - a traceback for every item would show the key with -l
            raise CheckError(f"the run broke: {hidden(told(error), key)}") from None

    def _key(self, own: str | None, *, elsewhere: bool) -> str | None:
        if self.key_env is not None and not os.environ.get(self.key_env):
            raise MissingKeyError(f"the variable {self.key_env} holds no key")
        usual = load(self.provider).service.variable if elsewhere and not own else ""
        found = self.key or os.environ.get(self.key_env or "") or own or os.environ.get(usual)
        return read_key(found) if found else None


def _given_by(value: Any, fixture: str) -> tuple[str | None, Any, str | None]:
    """URL, application and key that a fixture's value stands for."""
    if isinstance(value, str):
        return value, None, None
    url = getattr(value, "url", None)
    if isinstance(url, str):
        key = getattr(value, "key", None)
        return url, None, key if isinstance(key, str) else None
    if callable(value):
        return None, value, None
    raise CheckError(
        f"the fixture {fixture!r} gave a {type(value).__name__}; "
        "give a URL, an ASGI or WSGI application, or an object with a url"
    )
