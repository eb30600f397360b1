import contracts
import mockserver
import specs


def test_the_packages_are_ours():
    assert [module.OWNER for module in (contracts, mockserver, specs)] == ["consumer"] * 3


def test_surnex_answers(surnex):
    day = {"from": "2026-03-01", "to": "2026-03-02"}
    answer = surnex.client.get("/v1/usage", params=day).json()
    assert answer["totals"]["calls_total"] == sum(one["calls_total"] for one in answer["providers"].values())
