"""The overlay: what an action does to a document, and which actions are refused."""

from copy import deepcopy

import pytest

from usage_specs import SpecError, overlay


def document():
    return {
        "servers": [],
        "paths": {
            "/a": {"get": {"parameters": [{"name": "x"}, {"name": "y"}], "tags": ["t"]}},
            "/b": {"get": {}},
        },
    }


def overlaid(*actions):
    head = {"overlay": "1.0.0", "info": {"title": "t", "version": "1"}}
    return overlay.apply(document(), {**head, "actions": list(actions)}, "p/overlay.yaml")


def test_an_update_merges_into_a_mapping_and_keeps_the_rest():
    found = overlaid({"target": "$.paths['/a']", "update": {"get": {"tags": [], "summary": "s"}, "put": {}}})
    assert found["paths"]["/a"] == {
        "get": {"parameters": [{"name": "x"}, {"name": "y"}], "tags": ["t"], "summary": "s"},
        "put": {},
    }
    assert found["paths"]["/b"] == {"get": {}}


def test_an_update_of_the_root_reaches_all_of_it():
    assert overlaid({"target": "$", "update": {"openapi": "3.1.0"}}) == {**document(), "openapi": "3.1.0"}


def test_an_update_of_a_list_appends_one_entry():
    assert overlaid({"target": "$.servers", "update": {"url": "u"}})["servers"] == [{"url": "u"}]


def test_lists_inside_an_update_are_joined():
    found = overlaid({"target": '$.paths["/a"].get', "update": {"tags": ["u"]}})
    assert found["paths"]["/a"]["get"]["tags"] == ["t", "u"]


def test_a_star_selects_every_entry_of_a_list():
    found = overlaid({"target": "$.paths['/a'].get.parameters[*]", "update": {"in": "query"}})
    assert found["paths"]["/a"]["get"]["parameters"] == [
        {"name": "x", "in": "query"},
        {"name": "y", "in": "query"},
    ]


def test_a_star_selects_every_member_of_a_mapping():
    found = overlaid({"target": "$.paths[*].get", "update": {"deprecated": True}})
    assert found["paths"]["/a"]["get"]["deprecated"] is True
    assert found["paths"]["/b"]["get"]["deprecated"] is True


def test_a_number_selects_one_entry():
    found = overlaid({"target": "$.paths['/a'].get.parameters[1]", "update": {"in": "query"}})
    assert found["paths"]["/a"]["get"]["parameters"] == [{"name": "x"}, {"name": "y", "in": "query"}]


@pytest.mark.parametrize(
    ("target", "left"),
    [
        pytest.param("$.paths['/a'].get.parameters[0]", [{"name": "y"}], id="one entry"),
        pytest.param("$.paths['/a'].get.parameters[*]", [], id="every entry"),
    ],
)
def test_remove_takes_out_what_is_selected(target, left):
    assert overlaid({"target": target, "remove": True})["paths"]["/a"]["get"]["parameters"] == left


def test_actions_are_applied_in_order():
    found = overlaid(
        {"target": "$.paths['/b']", "remove": True},
        {"target": "$.paths", "update": {"/b": {"put": {}}}},
    )
    assert found["paths"]["/b"] == {"put": {}}


def test_the_document_and_the_overlay_stay_as_they_are():
    given, action = document(), {"target": "$.paths", "update": {"/c": {"get": {}}}}
    whole = {"overlay": "1.0.0", "info": {"title": "t", "version": "1"}, "actions": [action]}
    before = deepcopy(whole)
    overlay.apply(given, whole, "f")["paths"]["/c"]["get"]["summary"] = "changed"
    assert given == document()
    assert whole == before


@pytest.mark.parametrize(
    ("action", "refusal"),
    [
        pytest.param(
            {"target": "$..get", "update": {}}, "actions[0].target: '$..get' is not understood", id="descent"
        ),
        pytest.param(
            {"target": "$.paths[?@.x]", "update": {}}, "target: '$.paths[?@.x]' is not", id="filter"
        ),
        pytest.param(
            {"target": "$.servers[0:2]", "update": {}}, "target: '$.servers[0:2]' is not", id="slice"
        ),
        pytest.param(
            {"target": "$.paths['/a','/b']", "update": {}}, "target: \"$.paths['/a','/b']\" is", id="union"
        ),
        pytest.param(
            {"target": "$.paths[-1]", "update": {}}, "target: '$.paths[-1]' is not", id="from the end"
        ),
        pytest.param(
            {"target": "x.paths", "update": {}}, "target: 'x.paths' is not understood", id="no root"
        ),
        pytest.param({"target": "$.path", "update": {}}, "target: '$.path' selects nothing", id="misspelt"),
        pytest.param(
            {"target": "$.servers[0]", "update": {}}, "'$.servers[0]' selects nothing", id="past the end"
        ),
        pytest.param({"target": "$", "remove": True}, "remove: the whole document", id="remove all"),
        pytest.param(
            {"target": "$.paths", "remove": "yes"}, "remove: must be true or false", id="remove what"
        ),
        pytest.param({"target": "$.paths"}, "update: missing key", id="nothing to do"),
        pytest.param(
            {"target": "$.paths", "update": []}, "update: a mapping is merged into", id="list into mapping"
        ),
        pytest.param(
            {"target": "$.paths", "updates": {}}, "unknown key; did you mean 'update'?", id="unknown key"
        ),
        pytest.param({"update": {}}, "actions[0].target: missing key", id="no target"),
        pytest.param("x", "actions[0]: must be a mapping, not text", id="no mapping"),
    ],
)
def test_an_action_that_is_not_understood_is_refused_with_file_and_key(action, refusal):
    with pytest.raises(SpecError) as error:
        overlaid(action)
    assert str(error.value).startswith("p/overlay.yaml: actions[0]")
    assert refusal in str(error.value)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param({"overlay": "2.0.0"}, "p/overlay.yaml: overlay: only version 1.0.0", id="other version"),
        pytest.param({"info": {"title": "t"}}, "p/overlay.yaml: info.version: missing key", id="no version"),
        pytest.param(
            {"info": {"titel": "t"}}, "info.titel: unknown key; did you mean 'title'?", id="unknown in info"
        ),
        pytest.param({"extends": "x"}, "p/overlay.yaml: extends: unknown key", id="unknown at the top"),
        pytest.param(
            {"actions": []}, "p/overlay.yaml: actions: must be a list that is not empty", id="no actions"
        ),
    ],
)
def test_an_overlay_that_is_not_understood_is_refused_with_file_and_key(change, refusal):
    whole = {
        "overlay": "1.0.0",
        "info": {"title": "t", "version": "1"},
        "actions": [{"target": "$", "update": {}}],
    }
    with pytest.raises(SpecError) as error:
        overlay.apply(document(), {**whole, **change}, "p/overlay.yaml")
    assert refusal in str(error.value)
