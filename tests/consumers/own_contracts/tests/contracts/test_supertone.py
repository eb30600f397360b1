import tests.contracts


def test_the_package_is_ours():
    assert "consumer's own" in tests.contracts.__doc__


def test_supertone_answers(supertone):
    week = {"start_date": "2026-03-01", "end_date": "2026-03-07"}
    assert supertone.client.get("/v1/voice-usage", params=week).status_code == 200
