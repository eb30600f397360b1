import pytest
from costs import spent_cents


@pytest.fixture
def base(varg, monkeypatch):
    monkeypatch.setenv("VARG_API_KEY", varg.key)
    return varg.url


@pytest.mark.usage(now="2026-03-15")
def test_days_add_up(base):
    days = [f"2026-03-{day:02}" for day in range(1, 15)]
    assert (
        spent_cents(days[0], days[-1], base=base) == sum(spent_cents(day, day, base=base) for day in days) > 0
    )


@pytest.mark.usage(scenario="empty")
def test_nothing_was_spent(base):
    assert spent_cents("2026-03-01", "2026-03-14", base=base) == 0


@pytest.mark.parametrize("name", ["somya", "supertone", "varg", "surnex", "lyrcs"])
def test_every_provider_answers(name, usage):
    account = getattr(usage, name)
    query = {"start_date": "2026-03-01", "end_date": "2026-03-01", "from": "2026-03-01", "to": "2026-03-02"}
    wanted = {"supertone": ("start_date", "end_date"), "lyrcs": ()}.get(name, ("from", "to"))
    answer = account.client.get(account.path, params={key: query[key] for key in wanted})
    assert answer.status_code == 200
