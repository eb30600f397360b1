"""The five vendored folders: typed from the pages, not from the register."""

import hashlib
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

import usage_specs

ROOT = Path(usage_specs.__file__).parent
FIVE = ["somya", "supertone", "varg", "surnex", "lyrcs"]
PAGED = ["somya", "supertone", "varg", "surnex"]


def page(name: str) -> str:
    return (ROOT / name / "source.md").read_bytes().decode("utf-8")


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        pytest.param("somya", "f8c8b4a1911390c4fdfa6fe91c469ac85876882cf1c908b0eed07f1cb1973de7", id="somya"),
        pytest.param(
            "supertone", "05f8a602ccc09d66ac66fd4c91fa2702dfbf4ef1b5f2a7e21d008592cb747853", id="supertone"
        ),
        pytest.param("varg", "8442f53576f0aab3ec320854e28890827789a8adbdd34be3ed10c571d57c059a", id="varg"),
        pytest.param(
            "surnex", "5f1f3a6ed07ffa25850133c321f8d4064995adc7fb5e6ee09187fa5055eb3a72", id="surnex"
        ),
        pytest.param("lyrcs", "7e53dd53659ca245f342f02ef1405c0e91ec93e649a287b5294f4a25e2cec3a8", id="lyrcs"),
    ],
)
def test_the_page_is_as_it_was_read(name, digest):
    assert hashlib.sha256((ROOT / name / "source.md").read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("name", PAGED)
def test_openapi_yaml_is_the_block_of_the_page_byte_for_byte(name):
    (block,) = re.findall(r"^````yaml [^\n]*\n(.*?)^````", page(name), flags=re.DOTALL | re.MULTILINE)
    assert (ROOT / name / "openapi.yaml").read_bytes() == block.encode("utf-8")


@pytest.mark.parametrize("name", FIVE)
def test_every_quote_of_the_page_stands_in_it_word_for_word(name):
    text = one_line(page(name))
    quoted = [one for one in usage_specs.load(name).behaviours.values() if one.where == "source.md"]
    assert len(quoted) >= 15
    assert [one.id for one in quoted if one_line(one.quote) not in text] == []


@pytest.mark.parametrize("name", FIVE)
def test_no_binding_behaviour_rests_on_our_own_choice(name):
    binding = [one for one in usage_specs.load(name).behaviours.values() if one.evidence.binding]
    places = {one.where for one in binding}
    assert [
        place for place in places if place != "source.md" and not re.match(r"docs\.[a-z]+\.", place)
    ] == []


@pytest.mark.parametrize("name", FIVE)
def test_a_switch_stands_on_an_assumption(name):
    switched = [one for one in usage_specs.load(name).behaviours.values() if one.switch is not None]
    assert switched != []
    assert [one.id for one in switched if one.evidence.binding] == []


@pytest.mark.parametrize("name", FIVE)
def test_the_overlaid_document_is_valid_openapi(name):
    document = dict(usage_specs.load(name).document)
    validator = OpenAPIV30SpecValidator if name == "supertone" else OpenAPIV31SpecValidator
    assert document["openapi"] == ("3.0.0" if name == "supertone" else "3.1.0")
    assert [error.message for error in validator(document).iter_errors()] == []


@pytest.mark.parametrize(
    ("name", "path", "statuses"),
    [
        pytest.param("somya", "/v1/usage", "200 400 401 402 422 429", id="somya"),
        pytest.param("supertone", "/v1/voice-usage", "200 400 401 402 403 404 408 429 500", id="supertone"),
        pytest.param("varg", "/usage", "200 400 401 402 404 429 500 502", id="varg"),
        pytest.param("surnex", "/v1/usage", "200 400 401 402 403 404 422 429 502", id="surnex"),
        pytest.param("lyrcs", "/api/v1/usage", "200 400 401 402 403 404 429", id="lyrcs"),
    ],
)
def test_every_published_status_is_documented_with_a_body(name, path, statuses):
    document = usage_specs.load(name).document
    responses = document["paths"][path]["get"]["responses"]
    assert sorted(responses) == statuses.split()
    bodies = [found.get("content") or found.get("$ref") for found in responses.values()]
    assert all(bodies)


def test_supertone_dates_are_dates_and_the_rest_of_a_parameter_stays():
    parameters = usage_specs.load("supertone").document["paths"]["/v1/voice-usage"]["get"]["parameters"]
    assert [one["schema"] for one in parameters] == [
        {"example": "2024-11-01", "type": "string", "format": "date"},
        {"example": "2024-11-30", "type": "string", "format": "date"},
    ]


def test_varg_requires_usage_and_total_but_no_field_of_a_record():
    schemas = usage_specs.load("varg").document["components"]["schemas"]
    assert schemas["UsageResponse"]["required"] == ["usage", "total_cents"]
    assert "required" not in schemas["UsageRecord"]


def test_surnex_bounds_are_dates_or_instants_and_its_other_parameters_stay():
    parameters = usage_specs.load("surnex").document["paths"]["/v1/usage"]["get"]["parameters"]
    dated = {"type": "string", "minLength": 1, "anyOf": [{"format": "date-time"}, {"format": "date"}]}
    assert {one["name"]: one["schema"] for one in parameters} == {
        "project_id": {"type": "string", "format": "uuid"},
        "provider": {"type": "string", "minLength": 1},
        "from": dated,
        "to": dated,
    }


def test_somya_takes_a_key_in_either_header():
    document = usage_specs.load("somya").document
    schemes = document["components"]["securitySchemes"]
    assert document["security"] == [{"apiKeyHeader": []}, {"bearer": []}]
    assert schemes["apiKeyHeader"] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    assert schemes["bearer"] == {"type": "http", "scheme": "bearer"}


@pytest.mark.parametrize(
    ("name", "path", "status", "body", "fits"),
    [
        pytest.param(
            "somya",
            "/v1/usage",
            "422",
            {"success": False, "data": None, "error": {"code": "X"}},
            True,
            id="somya envelope",
        ),
        pytest.param(
            "somya",
            "/v1/usage",
            "422",
            {"detail": [{"loc": ["query", "to"], "msg": "m", "type": "t"}]},
            True,
            id="somya detail",
        ),
        pytest.param(
            "somya",
            "/v1/usage",
            "422",
            {"detail": [{"loc": "to"}]},
            False,
            id="somya detail of another shape",
        ),
        pytest.param(
            "somya", "/v1/usage", "401", {"detail": "Unauthorized"}, True, id="somya framework's 401"
        ),
        pytest.param("somya", "/v1/usage", "401", {"usage": 3}, False, id="somya 401 of another shape"),
        pytest.param(
            "supertone",
            "/v1/voice-usage",
            "400",
            {"status": "error", "message": {"statusCode": 400, "message": ["a"], "error": "Bad Request"}},
            True,
            id="supertone list",
        ),
        pytest.param(
            "supertone",
            "/v1/voice-usage",
            "401",
            {"statusCode": 401, "message": "Unauthorized"},
            True,
            id="supertone bare",
        ),
        pytest.param(
            "supertone", "/v1/voice-usage", "500", {"usages": []}, False, id="supertone 500 with rows"
        ),
        pytest.param(
            "surnex",
            "/v1/usage",
            "404",
            {"error": {"code": "NOT_FOUND", "message": "m", "request_id": "r"}},
            True,
            id="surnex not found",
        ),
        pytest.param("surnex", "/v1/usage", "404", {"error": "NOT_FOUND"}, False, id="surnex flat"),
        pytest.param(
            "lyrcs",
            "/api/v1/usage",
            "401",
            {"error": "unauthorized", "message": "m", "code": "AUTH_001"},
            True,
            id="lyrcs",
        ),
        pytest.param("lyrcs", "/api/v1/usage", "200", {"org_id": "o"}, False, id="lyrcs fields left out"),
    ],
)
def test_error_bodies_of_the_public_pages_fit_the_overlay(name, path, status, body, fits):
    document = usage_specs.load(name).document
    schema = document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"]
    judge = Draft202012Validator({**schema, "components": document["components"]})
    assert judge.is_valid(body) is fits


def test_lyrcs_document_is_marked_as_ours():
    assert (
        "Written by usagekit, not by the vendor" in usage_specs.load("lyrcs").document["info"]["description"]
    )


@pytest.mark.parametrize(
    ("field", "kind", "words"),
    [
        pytest.param("org_id", "string", "Your organisation ID", id="org_id"),
        pytest.param("period", "string", 'Always `"all_time"` — no date filtering currently', id="period"),
        pytest.param("total_jobs", "number", "Total jobs submitted via API", id="total_jobs"),
        pytest.param(
            "completed_jobs", "number", "Jobs where both transcript and LRC are present", id="completed"
        ),
        pytest.param(
            "total_duration_seconds", "number", "Sum of audio duration across all API jobs", id="duration"
        ),
        pytest.param("jobs_by_language", "object", "Job count keyed by language name", id="languages"),
        pytest.param("api_calls", "number", "Total API requests made by this organisation", id="api_calls"),
    ],
)
def test_every_lyrcs_field_is_traced_to_its_row_of_the_page(field, kind, words):
    schema = usage_specs.load("lyrcs").document["components"]["schemas"]["Usage"]
    row = f"| `{field}` | {kind} | {words} |"
    assert row in one_line(page("lyrcs"))
    assert schema["properties"][field]["description"] == f'"{row}"'
    assert schema["properties"][field]["type"] == kind
    assert field in schema["required"]


def test_lyrcs_has_the_fields_of_the_page_and_no_others():
    schema = usage_specs.load("lyrcs").document["components"]["schemas"]["Usage"]
    rows = re.findall(r"^\| `(\w+)`", page("lyrcs"), flags=re.MULTILINE)
    assert list(schema["properties"]) == rows
    assert schema["required"] == rows


def test_every_text_of_the_lyrcs_document_that_quotes_the_page_stands_in_it():
    document = usage_specs.load("lyrcs").document
    operation = document["paths"]["/api/v1/usage"]["get"]
    quoting = [
        document["servers"][0]["description"],
        operation["description"],
        operation["responses"]["200"]["description"],
        document["components"]["securitySchemes"]["bearer"]["description"],
    ]
    assert [text for text in quoting if text[1:-1] not in one_line(page("lyrcs"))] == []


@pytest.mark.parametrize(
    ("name", "address", "credentials", "prefix", "demo_key", "variable", "per_minute", "live_cap"),
    [
        pytest.param(
            "somya",
            "https://api.somya.ai/v1/usage",
            ["x-api-key", "authorization Bearer"],
            "sk_",
            "sk_usagekit_demo_somya",
            "SOMYA_API_KEY",
            10,
            40,
            id="somya",
        ),
        pytest.param(
            "supertone",
            "https://supertoneapi.com/v1/voice-usage",
            ["x-sup-api-key"],
            "",
            "usagekit_demo_supertone",
            "SUPERTONE_API_KEY",
            20,
            40,
            id="supertone",
        ),
        pytest.param(
            "varg",
            "https://api.varg.ai/v1/usage",
            ["authorization Bearer"],
            "varg_",
            "varg_usagekit_demo",
            "VARG_API_KEY",
            10,
            40,
            id="varg",
        ),
        pytest.param(
            "surnex",
            "https://api.surnex.io/v1/usage",
            ["authorization Bearer", "x-api-key"],
            "sk_",
            "sk_usagekit_demo_surnex",
            "SURNEX_API_KEY",
            120,
            40,
            id="surnex",
        ),
        pytest.param(
            "lyrcs",
            "https://lyrcs.ai/api/v1/usage",
            ["authorization Bearer"],
            "lyrcs_sk_live_",
            "lyrcs_sk_live_usagekit_demo",
            "LYRCS_API_KEY",
            10,
            12,
            id="lyrcs",
        ),
    ],
)
def test_a_service_is_asked_as_published(
    name, address, credentials, prefix, demo_key, variable, per_minute, live_cap
):
    service = usage_specs.load(name).service
    assert service.name == name
    assert service.origin + service.path == address
    assert [f"{one.header} {one.scheme}".strip() for one in service.credentials] == credentials
    assert (service.prefix, service.demo_key, service.variable) == (prefix, demo_key, variable)
    assert (service.per_minute, service.live_cap) == (per_minute, live_cap)
    assert service.demo_key.startswith(service.prefix)


@pytest.mark.parametrize(
    ("name", "switches"),
    [
        pytest.param(
            "somya",
            {
                "error-body": "detail envelope",
                "inverted": "zeros refuse swap",
                "unauthorized-body": "envelope detail",
            },
            id="somya",
        ),
        pytest.param(
            "supertone",
            {
                "limit": "dates difference",
                "impossible-date": "refuse accept",
                "reversed": "refuse empty",
                "error-status": "400 422 500",
            },
            id="supertone",
        ),
        pytest.param(
            "varg",
            {"bad-date": "refuse ignore", "reversed": "empty refuse", "order": "newest oldest"},
            id="varg",
        ),
        pytest.param(
            "surnex",
            {
                "zod": "4 3",
                "unknown-provider": "empty refuse",
                "unknown-project": "not-found empty",
                "equal-bounds": "refuse empty",
                "bound-end": "exclusive inclusive",
                "unfiltered-provider": "all only",
                "no-calls-latency": "null zero",
                "not-found": "json text",
                "request-id": "fixed unique",
            },
            id="surnex",
        ),
        pytest.param(
            "lyrcs",
            {
                "api-calls": "frozen live",
                "quota-headers": "on off",
                "duration": "whole fractional",
                "extra-query": "ignore refuse",
                "restricted-key": "off on",
            },
            id="lyrcs",
        ),
    ],
)
def test_what_the_vendors_left_open_has_a_switch_and_a_default(name, switches):
    found = usage_specs.load(name).switches
    assert {key: " ".join(switch.choices) for key, switch in found.items()} == switches
    assert {key: switch.default for key, switch in found.items()} == {
        key: choices.split()[0] for key, choices in switches.items()
    }
