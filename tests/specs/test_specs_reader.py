"""The reader: a folder is read whole or refused with file, key and the way out."""

from pathlib import Path

import pytest

import usage_specs
from usage_specs import Credential, Evidence, SpecError, Switch, safe_yaml

FILES = {
    "source.md": "The answer\n   holds all rows.\n",
    "openapi.yaml": "openapi: 3.1.0\ninfo:\n  title: t\n  version: '1'\npaths: {}\n",
    "overlay.yaml": """overlay: 1.0.0
info: {title: t, version: '1'}
actions:
  - target: $.info
    update: {title: u}
""",
    "behaviours.yaml": """service:
  title: Acme
  origin: https://api.acme.example
  path: /usage
  credentials:
    - header: authorization
      scheme: Bearer
  prefix: ""
  demo_key: key
  variable: ACME_KEY
  per_minute: 10
  live_cap: 40
behaviours:
  - id: acme.rows
    claim: All rows are there.
    evidence: stated
    quote: holds all rows
    where: source.md
  - id: acme.order
    claim: Newest first.
    evidence: assumed
    quote: usual
    where: our choice
    tolerates: any order
    switch:
      name: order
      choices: ["newest", "oldest"]
    unseen: no dates
""",
}


def folder(path: Path, file: str = "", old: str = "", new: str = "") -> Path:
    made = path / "acme"
    made.mkdir()
    for name, text in FILES.items():
        if name == file:
            assert text.count(old) == 1, f"{old!r} must stand once"
            text = text.replace(old, new)
        (made / name).write_text(text, encoding="utf-8")
    return made


def test_a_folder_of_four_files_is_read(tmp_path):
    spec = usage_specs.read_folder(folder(tmp_path))
    assert (spec.service.name, spec.service.host) == ("acme", "api.acme.example")
    assert spec.service.credentials == (Credential("authorization", "Bearer"),)
    assert spec.document["info"] == {"title": "u", "version": "1"}
    assert list(spec.behaviours) == ["acme.rows", "acme.order"]
    assert spec.behaviours["acme.rows"].evidence is Evidence.STATED
    assert spec.behaviours["acme.order"].tolerates == "any order"
    assert spec.behaviours["acme.order"].unseen == "no dates"
    assert spec.switches == {"order": Switch("order", ("newest", "oldest"))}
    assert spec.source == "The answer\n   holds all rows.\n"


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        pytest.param(
            "claim: All", "clam: All", "behaviours[0].clam: unknown key; did you mean 'claim'?", id="key"
        ),
        pytest.param(
            "  demo_key", "  demokey", "service.demokey: unknown key; did you mean 'demo_key'?", id="service"
        ),
        pytest.param("service:", "services:", "services: unknown key; did you mean 'service'?", id="top"),
        pytest.param(
            "scheme:", "shceme:", "credentials[0].shceme: unknown key; did you mean 'scheme'?", id="deep"
        ),
        pytest.param(
            "choices:", "choice:", "switch.choice: unknown key; did you mean 'choices'?", id="switch"
        ),
        pytest.param(
            "stated",
            "staded",
            "behaviours[0].evidence: 'staded' of acme.rows is no evidence; did you mean 'st",
            id="evidence",
        ),
        pytest.param("    quote: usual\n", "", "behaviours[1].quote: missing key", id="missing quote"),
        pytest.param("  path: /usage\n", "", "service.path: missing key", id="missing path"),
        pytest.param(
            "acme.order", "acme.rows", "behaviours[1].id: 'acme.rows' stands twice", id="duplicate id"
        ),
        pytest.param(
            "acme.order", "varg.order", "behaviours[1].id: 'varg.order' must be 'acme'", id="other provider"
        ),
        pytest.param(
            "acme.order", "acme.Order", "behaviours[1].id: 'acme.Order' must be", id="capital in an id"
        ),
        pytest.param(
            '"newest", ', "", "behaviours[1].switch.choices: a switch needs at least two", id="one choice"
        ),
        pytest.param(
            '"newest"', "4", "switch.choices: 4 must be text; put it in quotes", id="choice without quotes"
        ),
        pytest.param('"newest"', '"oldest"', "switch.choices: a choice stands twice", id="choice twice"),
        pytest.param(
            "all rows\n",
            "no rows\n",
            "behaviours[0].quote: of acme.rows does not stand in source.md",
            id="misquote",
        ),
        pytest.param(
            "claim: All rows are there.", "claim: ''", "behaviours[0].claim: must not be empty", id="empty"
        ),
        pytest.param(
            "claim: All rows are there.",
            "claim: 3",
            "claim: must be text, not a number; put it in",
            id="number",
        ),
        pytest.param(
            "https://api.acme.example",
            "api.acme.example",
            "service.origin: must be scheme and host",
            id="origin",
        ),
        pytest.param(
            "acme.example",
            "acme.example/v1",
            "service.origin: must be scheme and host",
            id="origin with path",
        ),
        pytest.param("/usage", "usage", "service.path: must begin with /, not 'usage'", id="path"),
        pytest.param(
            "authorization", "Authorization", "credentials[0].header: must be lower case", id="header"
        ),
        pytest.param(
            "per_minute: 10", "per_minute: 0", "service.per_minute: must be a whole number of", id="rate"
        ),
        pytest.param(
            "live_cap: 40", "live_cap: true", "service.live_cap: must be a whole number of", id="cap"
        ),
    ],
)
def test_a_register_that_is_not_understood_is_refused_with_file_key_and_way_out(tmp_path, old, new, refusal):
    made = folder(tmp_path, "behaviours.yaml", old, new)
    with pytest.raises(SpecError) as error:
        usage_specs.read_folder(made)
    assert str(error.value).startswith(f"{made / 'behaviours.yaml'}: ")
    assert refusal in str(error.value)


def test_a_switch_name_stands_once(tmp_path):
    switched = "where: source.md\n    switch: {name: order, choices: [a, b]}\n"
    made = folder(tmp_path, "behaviours.yaml", "where: source.md\n", switched)
    with pytest.raises(SpecError) as error:
        usage_specs.read_folder(made)
    assert str(error.value).endswith("behaviours[1].switch.name: 'order' stands twice")


@pytest.mark.parametrize("file", ["source.md", "openapi.yaml", "overlay.yaml", "behaviours.yaml"])
def test_a_missing_file_is_named(tmp_path, file):
    made = folder(tmp_path)
    (made / file).unlink()
    with pytest.raises(SpecError) as error:
        usage_specs.read_folder(made)
    assert str(error.value).startswith(f"{made / file}: missing file")


@pytest.mark.parametrize(
    ("file", "old", "new", "refusal"),
    [
        pytest.param(
            "overlay.yaml", "$.info", "$.inof", "actions[0].target: '$.inof' selects nothing", id="overlay"
        ),
        pytest.param(
            "openapi.yaml",
            "{}",
            "{$ref: 'http://x.example/a'}",
            "paths.$ref: 'http://x.example/a'",
            id="http",
        ),
        pytest.param(
            "openapi.yaml", "{}", "{a: [{$ref: 'file:///etc/passwd'}]}", "paths.a.0.$ref: 'file:", id="file"
        ),
        pytest.param(
            "openapi.yaml", "{}", "{$ref: other.yaml}", "leads out of the document", id="other file"
        ),
        pytest.param("openapi.yaml", "openapi: 3.1.0", "openapi: &x 3.1.0", "line 1: anchor &x", id="anchor"),
    ],
)
def test_a_folder_with_a_bad_document_is_refused_at_once(tmp_path, file, old, new, refusal):
    made = folder(tmp_path, file, old, new)
    with pytest.raises(SpecError) as error:
        usage_specs.read_folder(made)
    assert str(error.value).startswith(f"{made / file}: ")
    assert refusal in str(error.value)


def test_a_folder_needs_a_name_that_ids_can_begin_with(tmp_path):
    made = folder(tmp_path).rename(tmp_path / "Acme Inc")
    with pytest.raises(SpecError, match="named in lower case"):
        usage_specs.read_folder(made)


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        pytest.param("supertones", "no provider 'supertones'; did you mean 'supertone'?", id="near"),
        pytest.param("x", "no provider 'x'; known: somya, supertone, varg, surnex, lyrcs", id="far"),
        pytest.param("../specs", "no provider '../specs'", id="a path is no name"),
    ],
)
def test_an_unknown_provider_is_refused_with_a_way_out(name, way_out):
    with pytest.raises(SpecError) as error:
        usage_specs.load(name)
    assert way_out in str(error.value)


def test_a_provider_is_read_once():
    assert usage_specs.load("varg") is usage_specs.load("varg")
    assert usage_specs.load("varg").document is usage_specs.load("varg").document


def test_loading_reads_no_openapi_document_until_it_is_asked_for(monkeypatch):
    read, real = [], safe_yaml.read
    monkeypatch.setattr(safe_yaml, "read", lambda path: read.append(path.name) or real(path))
    usage_specs.load.cache_clear()
    spec = usage_specs.load("surnex")
    assert spec.switches["zod"].default == "4"
    assert read == ["behaviours.yaml"]
    assert spec.document["openapi"] == "3.1.0"
    assert read == ["behaviours.yaml", "openapi.yaml", "overlay.yaml"]
