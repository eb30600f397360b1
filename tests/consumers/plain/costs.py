"""A cost report as somebody writes it who has never heard of usagekit."""

import json
import os
import urllib.request

VARG = "https://api.varg.ai"


def spent_cents(first: str, last: str, *, base: str = VARG) -> int:
    """What Varg charged from one day to another, both included."""
    request = urllib.request.Request(
        f"{base}/v1/usage?from={first}&to={last}",
        headers={"Authorization": f"Bearer {os.environ['VARG_API_KEY']}"},
    )
    with urllib.request.urlopen(request) as reply:
        return int(json.load(reply)["total_cents"])
