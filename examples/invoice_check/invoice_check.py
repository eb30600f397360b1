"""Does Varg's invoice say what was used?

    python invoice_check.py 2026-02 23.72

Exit status: 0 the amounts are the same, 1 they differ, 2 Varg could not be asked. VARG_API_KEY holds the key.
"""

import os
import sys
from calendar import monthrange
from collections import Counter
from decimal import Decimal

import requests

URL = "https://api.varg.ai/v1/usage"


def used_cents(month: str, key: str) -> Counter[str]:
    """What the month (YYYY-MM) cost, in cents by capability."""
    year, number = map(int, month.split("-"))
    days = {"from": f"{month}-01", "to": f"{month}-{monthrange(year, number)[1]}"}
    reply = requests.get(URL, params=days, headers={"authorization": f"Bearer {key}"}, timeout=30)
    reply.raise_for_status()
    cents: Counter[str] = Counter()
    for job in reply.json()["usage"]:
        cents[job["capability"]] += job["cost_cents"]
    return cents


def main(month: str, invoiced: str) -> int:
    try:
        cents = used_cents(month, os.environ["VARG_API_KEY"])
    except requests.RequestException as error:
        print(f"Varg could not be asked: {error}", file=sys.stderr)
        return 2
    used = Decimal(cents.total()) / 100
    if used == Decimal(invoiced):
        print(f"{month}: {used:.2f} USD, as invoiced")
        return 0
    print(f"{month}: {used:.2f} USD were used and {invoiced} USD invoiced")
    for capability, amount in cents.most_common():
        print(f"  {capability:14}{amount / 100:10.2f}")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
