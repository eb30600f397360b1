"""Defects of a Surnex server: those of its filters and keys, and all together."""

from __future__ import annotations

from usage_mockserver.mutants.common import KEY_LATER, Row, catalogue
from usage_mockserver.mutants.edits import asking, given, instead, json_reply, remembering, sent_with, via
from usage_mockserver.mutants.surnex_edits import (
    data,
    each,
    figures_of,
    more_calls,
    numbered_account,
    over,
    rolled,
    scaled,
    status_of,
    unknown_provider,
    zeroed,
)
from usage_mockserver.mutants.surnex_entries import (
    any_project,
    as_if,
    no_complete,
    one_call,
    other_account,
    refused_key,
)
from usage_mockserver.mutants.surnex_moments import MOMENTS
from usage_mockserver.mutants.surnex_refusals import SHAPES
from usage_mockserver.mutants.surnex_sums import SUMS
from usage_mockserver.mutants.surnex_windows import WINDOWS
from usage_mockserver.providers.surnex_events import PROJECTS

FILTERS: tuple[Row, ...] = (
    (
        "provider-echoed-as-all",
        "provider-echo",
        "echo",
        'provider is always "all"',
        data(lambda found, _: found.update(provider="all")),
    ),
    (
        "provider-echoed-capitalised",
        "provider-echo",
        "echo",
        "the echoed provider begins with a capital",
        data(lambda found, _: found.update(provider=found["provider"].capitalize()), given("provider")),
    ),
    (
        "provider-echoed-as-dataforseo",
        "provider-echo",
        "echo",
        "the echoed provider is dataforseo, whichever was asked",
        data(lambda found, _: found.update(provider="dataforseo")),
    ),
    (
        "provider-filter-keeps-others",
        "provider-filter",
        "filter",
        "with a provider all of them are listed",
        data(
            lambda found, ask: found.update(providers=rolled(ask, {"provider": None})["providers"]),
            given("provider"),
        ),
    ),
    (
        "provider-filter-not-on-totals",
        "provider-filter",
        "filter",
        "with a provider the totals are those of all",
        data(
            lambda found, ask: found.update(totals=rolled(ask, {"provider": None})["totals"]),
            given("provider"),
        ),
    ),
    (
        "provider-filter-not-on-cost",
        "provider-filter",
        "filter",
        "with a provider the total cost is that of all",
        data(
            lambda found, ask: found["totals"].update(
                estimated_cost_usd=rolled(ask, {"provider": None})["totals"]["estimated_cost_usd"]
            ),
            given("provider"),
        ),
    ),
    (
        "provider-filter-forgets-from",
        "provider-partition",
        "filter",
        "with a provider `from` is not counted by",
        figures_of(lambda _: {"from": None}, lambda ask: {"provider", "from"} <= set(ask.query)),
    ),
    (
        "provider-filter-forgets-range",
        "provider-partition",
        "filter",
        "with a provider the range is not counted by",
        figures_of(lambda _: {"from": None, "to": None}, given("provider")),
    ),
    (
        "provider-filter-loses-a-call",
        "provider-partition",
        "filter",
        "with a provider a call is missing",
        each(lambda entry: more_calls(entry, -1), given("provider")),
    ),
    (
        "provider-filter-doubles",
        "provider-partition",
        "filter",
        "with a provider calls count twice",
        each(scaled(2), given("provider")),
    ),
    (
        "unknown-provider-ignored",
        "unknown-provider-empty",
        "filter",
        "a provider nobody knows is ignored",
        figures_of(lambda _: {"provider": None}, unknown_provider),
    ),
    (
        "unknown-provider-means-dataforseo",
        "unknown-provider-empty",
        "filter",
        "a provider nobody knows has the calls of dataforseo",
        data(
            lambda found, ask: as_if(found, rolled(ask, {"provider": "dataforseo"}), ask.query["provider"]),
            unknown_provider,
        ),
    ),
    (
        "unknown-provider-has-a-call",
        "unknown-provider-empty",
        "filter",
        "a provider nobody knows has one failed call",
        data(lambda found, ask: one_call(found, ask.query["provider"]), unknown_provider),
    ),
    (
        "unknown-project-ignored",
        "unknown-project-empty",
        "filter",
        "a project nobody knows is ignored",
        asking(lambda ask: {"project_id": None} if "project_id" in ask.query else None, (404,)),
    ),
    (
        "unknown-project-is-the-first",
        "unknown-project-empty",
        "filter",
        "a project nobody knows has the calls of the first",
        asking(lambda ask: {"project_id": PROJECTS[0]} if "project_id" in ask.query else None, (404,)),
    ),
    (
        "unknown-project-server-error",
        "answered",
        "status",
        "a project nobody knows gets 500",
        instead(lambda _: json_reply(500, {"message": "Internal Server Error"}), given("project_id"), (404,)),
    ),
    (
        "project-ten-times",
        "filter-never-more",
        "filter",
        "a project counts its calls ten times",
        each(scaled(10), given("project_id")),
    ),
    (
        "any-project-more-than-the-account",
        "filter-never-more",
        "filter",
        "any project has the calls of the account three times",
        via(any_project),
    ),
)

ACCESS: tuple[Row, ...] = (
    (
        "bearer-refused",
        "either-credential",
        "access",
        "a key in Authorization gets 401",
        instead(status_of(401), sent_with("authorization")),
    ),
    (
        "x-api-key-refused",
        "either-credential",
        "access",
        "a key in x-api-key gets 401",
        instead(refused_key, sent_with("x-api-key")),
    ),
    (
        "x-api-key-forgets-provider",
        "either-credential",
        "filter",
        "with x-api-key the provider is not filtered by",
        figures_of(lambda _: {"provider": None}, sent_with("x-api-key")),
    ),
    (
        "x-api-key-forgets-range",
        "either-credential",
        "filter",
        "with x-api-key the range is not counted by",
        figures_of(lambda _: {"from": None, "to": None}, sent_with("x-api-key")),
    ),
    (
        "x-api-key-sees-nothing",
        "either-credential",
        "access",
        "with x-api-key the account looks empty",
        data(lambda found, _: zeroed(found), sent_with("x-api-key")),
    ),
    (
        "x-api-key-without-snapshots",
        "either-credential",
        "rows",
        "with x-api-key there are no complete snapshots",
        data(lambda found, _: no_complete(found), sent_with("x-api-key")),
    ),
    (
        "account-counts-answers",
        "account-constant",
        "state",
        "account_id changes with every answer",
        remembering(numbered_account),
    ),
    (
        "account-by-provider",
        "account-constant",
        "filter",
        "account_id depends on the provider",
        data(lambda found, _: other_account(found, "1"), given("provider")),
    ),
    (
        "account-by-credential",
        "account-constant",
        "access",
        "account_id depends on the header of the key",
        data(lambda found, _: other_account(found, "2"), sent_with("x-api-key")),
    ),
    (
        "account-by-length",
        "account-constant",
        "boundary",
        "account_id of a range over thirty days is another",
        data(lambda found, _: other_account(found, "3"), over(30)),
    ),
)

SURNEX = catalogue("surnex", (*KEY_LATER, *WINDOWS, *SUMS, *FILTERS, *ACCESS, *SHAPES, *MOMENTS))
