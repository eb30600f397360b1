"""A key is not told, however it is written down; everything else is."""

import base64
import html
import json
import random
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usage_contracts.masking import EXCERPT, MASK, Mask
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Exit, Outcome, Report, Verdict, judge
from usage_specs import load

KEY = 'sk_Live/7+aZ=&"9<x\\y~qW3'
PLAIN = "sk_live_51HxKq9vTz7RmN3b"


def every_percent(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


def json_units(text):
    return "".join(f"\\u{ord(sign):04x}" for sign in text)


def entities(text):
    return "".join(f"&#x{ord(sign):X};" if n % 2 else f"&#{ord(sign):05};" for n, sign in enumerate(text))


def mixed(text):
    """Another spelling for every character."""
    spellings = (str, every_percent, lambda sign: every_percent(sign).lower(), json_units, entities)
    return "".join(spellings[n % 5](sign) for n, sign in enumerate(text))


ENCODINGS = {
    "raw": str,
    "upper": str.upper,
    "swapped": str.swapcase,
    "percent": lambda key: quote(key, safe=""),
    "percent, lower": lambda key: quote(key, safe="").replace("%2F", "%2f"),
    "percent, form": quote_plus,
    "percent, all": every_percent,
    "percent, twice": lambda key: quote(quote(key, safe=""), safe=""),
    "json": lambda key: json.dumps(key)[1:-1],
    "json in json": lambda key: json.dumps(json.dumps(key)),
    "json, slash": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "json, units": json_units,
    "html": html.escape,
    "html, entities": entities,
    "html, twice": lambda key: html.escape(entities(key)),
    "mixed": mixed,
    "without its last character": lambda key: key[:-1],
    "with more behind it": lambda key: f"{key}wrong",
}


def base64_forms(key):
    """The key behind up to three other bytes, in both alphabets, broken into lines, and encoded again."""
    for before in ("", "u", "me", "abc", "user:"):
        for after in ("", "!", "??", "\n"):
            found = base64.b64encode(f"{before}{key}{after}".encode())
            safe = base64.urlsafe_b64encode(f"{before}{key}{after}".encode()).decode()
            plain = found.decode()
            yield from (plain, safe, safe.rstrip("="), quote(plain, safe=""), plain.replace("/", "\\/"))
            yield "\r\n".join(plain[n : n + 16] for n in range(0, len(plain), 16))
            yield json.dumps("\n".join(plain[n : n + 16] for n in range(0, len(plain), 16)))


@pytest.mark.parametrize("key", [KEY, PLAIN, "12345678"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_encoding_tells_a_key(key, encoding):
    told = ENCODINGS[encoding](key)
    masked = Mask(key).text(f"before {told} after")
    if encoding != "with more behind it":
        assert masked in {f"before {MASK} after", f'before "{MASK}" after', f'before "\\"{MASK}\\"" after'}
    assert key[:-1] not in masked


@pytest.mark.parametrize("key", [KEY, PLAIN])
def test_base64_tells_no_key_at_any_alignment(key):
    for told in base64_forms(key):
        masked = Mask(key).text(f"Basic {told}")
        assert MASK in masked
        # At most the neighbours' share is left: far fewer characters than the key's own.
        left = masked.replace(MASK, "").replace("Basic ", "")
        assert len(left) < 16, (told, masked)


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60), st.randoms())
def test_any_key_is_hidden_in_any_mixture_of_spellings(key, chance):
    spellings = (str, every_percent, json_units, entities, lambda sign: json.dumps(sign)[1:-1], html.escape)
    told = "".join(chance.choice(spellings)(sign) for sign in key)
    before = "".join(chance.choices("ab ", k=chance.randrange(4)))
    masked = Mask(key).text(f"{before}|{told}|{base64.b64encode((before + key).encode()).decode()}|")
    assert masked.count(MASK) >= 2
    assert key not in masked
    assert told not in masked


@pytest.mark.parametrize("length", range(6, len(PLAIN)))
def test_a_key_cut_off_by_an_ellipsis_is_hidden(length):
    assert Mask(PLAIN).text(f"Invalid key {PLAIN[:length]}…") == f"Invalid key {MASK}…"
    told = base64.b64encode(PLAIN.encode()).decode()[: length + 2]
    assert told[:8] not in Mask(PLAIN).text(f"Basic {told}…")


def test_base64_of_a_key_in_the_other_case_is_hidden():
    told = base64.b64encode(PLAIN.swapcase().encode()).decode()
    assert Mask(PLAIN).text(f"Basic {told}.") == f"Basic {MASK}."


def test_a_token_of_any_length_is_hidden():
    token = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_-.", k=800))
    mask = Mask(token)
    for told in (token, mixed(token), base64.b64encode(f"me:{token}".encode()).decode()):
        assert len(mask.text(told)) < 12
    assert mask.text(f"{token[:300]}…") == f"{MASK}…"


def test_several_keys_are_hidden():
    assert Mask(KEY, PLAIN).text(f"{PLAIN} {KEY}") == f"{MASK} {MASK}"


def test_other_words_stay():
    chance = random.Random(1)
    text = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz ABCXYZ0123456789/+=%&;\\\"'\n\t", k=20_000))
    assert Mask(KEY, PLAIN).text(text) == text


@pytest.mark.parametrize("key", ["", "1234567"])
def test_a_key_too_short_to_hide_is_refused(key):
    with pytest.raises(ValueError, match="shorter than 8") as caught:
        Mask("long enough", key)
    assert not key or key not in str(caught.value)


def test_no_mask_without_a_key():
    assert Mask().text("as it is") == "as it is"


def test_control_characters_are_spelled_out():
    assert Mask().text("\x1b[31mred\x07\r\n\tnext\x9b\u202e\ud800\x7f") == (
        "\\x1b[31mred\\x07\\x0d\n\tnext\\x9b\\u202e\\ud800\\x7f"
    )


def test_data_is_masked_in_every_corner():
    masked = Mask("12345678").data({"a 12345678": [1, 12345678, None, True, ("x12345678",)], "b": 1.5})
    assert masked == {f"a {MASK}": [1, MASK, None, True, [f"x{MASK}"]], "b": 1.5}


def test_a_mask_does_not_tell_its_secrets():
    assert KEY not in repr(Mask(KEY))
    assert PLAIN not in str(Mask(PLAIN))


@pytest.mark.parametrize(
    "text",
    [
        "\\" * 20_000,
        "%25" * 20_000,
        "&amp;" * 20_000 + "#",
        "sk_live_51" * 5_000,
        "A" * 50_000,
        "\\n" * 20_000,
    ],
    ids=["backslashes", "percent signs", "ampersands", "beginnings", "base64", "line breaks"],
)
def test_hostile_text_costs_no_time(text):
    begun = time.perf_counter()
    Mask(KEY, PLAIN).text(text)
    assert time.perf_counter() - begun < 10


def test_a_report_keeps_the_beginning_of_a_body_and_no_half_of_a_key():
    filling = "x" * (4 * EXCERPT - 12)
    body = f"{filling}{PLAIN}".encode()
    call = Call((("q", PLAIN),), raw=f"q={PLAIN}")
    answer = Answer(call, 200, {"echo": PLAIN}, body, trouble=f"lost {PLAIN}")
    behaviour = next(iter(load("varg").behaviours.values()))
    finding = judge(behaviour.id, False, answer, observed=PLAIN, allowed=PLAIN)
    report = Report(
        "varg",
        f"http://{PLAIN}",
        1,
        (Verdict(behaviour, Outcome.BROKEN, 1, finding, reason=PLAIN),),
        Exit.BROKEN,
        reason=PLAIN,
        notes=(PLAIN,),
        calls=(call,),
    )
    masked = Mask(PLAIN).report(report)
    told = masked.verdicts[0].finding.answers[0]
    assert PLAIN[:8] not in repr(masked)
    assert len(told.body.decode()) <= EXCERPT + 1
    assert masked.verdicts[0].behaviour is behaviour


def test_keys_crowding_a_body_leave_no_half_of_one():
    answer = Answer(Call(), 200, body=f"{PLAIN}--".encode() * 500)
    behaviour = next(iter(load("varg").behaviours.values()))
    finding = judge(behaviour.id, False, answer)
    report = Report("varg", "", 1, (Verdict(behaviour, Outcome.BROKEN, 1, finding),), Exit.BROKEN)
    masked = Mask(PLAIN).report(report)
    assert set(masked.verdicts[0].finding.answers[0].body.decode()) <= set(f"{MASK}-…")
