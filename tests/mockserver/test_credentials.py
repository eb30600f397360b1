"""Which keys a fake takes: the demo key, any well-formed one, or those configured."""

import pytest

from usage_mockserver.credentials import accepts, presented
from usage_mockserver.http import Request
from usage_specs import Credential, load

SURNEX = load("surnex").service


@pytest.mark.parametrize(
    ("key", "good"),
    [
        pytest.param("sk_usagekit_demo_surnex", True, id="the printed one"),
        pytest.param("sk_abcd", True, id="any other"),
        pytest.param(
            "sk_3f2bad91c0de4bad0000000000000000", True, id="#1 hexadecimal that happens to say bad"
        ),
        pytest.param("sk_6f9619ff-8b86-4bad-b42d-00cf4fc964ff", True, id="#1 the same in a UUID"),
        pytest.param("sk_badc0de0badc0de0", True, id="#1 hexadecimal that begins with bad"),
        pytest.param("sk_badger-live", False, id="begins with bad"),
        pytest.param("sk_bad", False, id="bad"),
        pytest.param("sk_BAD_key", False, id="bad in capitals"),
        pytest.param("sk_wrong_key", False, id="wrong"),
        pytest.param("sk_thisIsInvalid", False, id="invalid"),
        pytest.param("sk_not-a-key", False, id="not a key"),
        pytest.param("sk_revoked1", False, id="revoked"),
        pytest.param("sk_usagekit_demo_surne", False, id="demo key cut short"),
        pytest.param("sk_usagekit_demo_surnexx", False, id="demo key too long"),
        pytest.param("SK_USAGEKIT_DEMO_SURNEX", False, id="demo key in capitals"),
        pytest.param("abcd1234", False, id="no prefix"),
        pytest.param("sk_", False, id="prefix alone"),
        pytest.param("sk_abc", False, id="too short"),
        pytest.param("sk_" + "a" * 201, False, id="too long"),
        pytest.param("sk_abcd\n", False, id="newline"),
        pytest.param("sk_abcdé", False, id="not ASCII"),
        pytest.param("", False, id="empty"),
    ],
)
def test_any_well_formed_key_is_taken(key, good):
    assert accepts(SURNEX, key, ()) is good


def test_the_demo_key_in_capitals_is_a_typing_error_where_no_prefix_tells():
    assert not accepts(load("supertone").service, "USAGEKIT_DEMO_SUPERTONE", ())


def test_configured_keys_are_the_only_ones():
    assert accepts(SURNEX, "wrong", ("wrong",))
    assert not accepts(SURNEX, SURNEX.demo_key, ("wrong",))


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({"authorization": "Bearer abc"}, "abc"),
        ({"authorization": "Bearer  abc "}, "abc"),
        ({"authorization": "bearer abc"}, ""),
        ({"authorization": "Basic abc"}, ""),
        ({"authorization": "Bearer"}, ""),
        ({"authorization": ""}, ""),
    ],
)
def test_presented_with_a_scheme(headers, key):
    assert presented(Request("GET", "/", "", headers), Credential("authorization", "Bearer")) == key


def test_presented_without_a_scheme_is_the_header_itself():
    assert (
        presented(Request("GET", "/", "", {"x-api-key": "Bearer abc"}), Credential("x-api-key"))
        == "Bearer abc"
    )
