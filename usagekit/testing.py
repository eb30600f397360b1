"""The types of what the pytest fixtures and `usagekit.intercept()` hand out, for annotations.

`def test_cost(varg: ProviderAccount, usage: UsageAccounts) -> None: ...`
"""

from __future__ import annotations

from usagekit.expecting import NoErrors
from usagekit.fixtures import UsageAccounts, UsageServer
from usagekit.handle import ProviderAccount
from usagekit.interception import Interception
from usagekit.sent import Requests, RequestsDroppedError, SentRequest
from usagekit.travel import AccountClock, Change

__all__ = [
    "AccountClock",
    "Change",
    "Interception",
    "NoErrors",
    "ProviderAccount",
    "Requests",
    "RequestsDroppedError",
    "SentRequest",
    "UsageAccounts",
    "UsageServer",
]
