"""Production addresses answered in process: code that calls them over HTTP meets the fakes, unchanged.

An interception holds for the context that opened it, for the tasks and threads started there, and for what is
handed to a thread pool from there. A thread or task that belongs to none of the open interceptions, because
it ran before, is answered by the one that is open; are there several, it is refused rather than guessed at.
"""

from __future__ import annotations

from usagekit.interception.handle import Interception
from usagekit.interception.opening import Intercepting, intercept
from usagekit.interception.patches import SeamMissing
from usagekit.interception.scope import HostRefused

__all__ = ["HostRefused", "Intercepting", "Interception", "SeamMissing", "intercept"]
