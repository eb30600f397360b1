"""What each vendor says when it refuses or fails: every status it documents, in its own body."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from http import HTTPStatus
from typing import Any

from usage_mockserver.account import Account
from usage_mockserver.http import Reply, Request, json_bytes
from usage_mockserver.invalid import InvalidError

GATEWAY = (500, 502, 503, 504)
"""What the machines before a service may answer, whatever its own documents say."""

# Codes that the pages name; those of Somya beyond UNAUTHORIZED and RATE_LIMITED are assumed.
SOMYA = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    402: "INSUFFICIENT_CREDITS",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
    502: "BAD_GATEWAY",
    503: "SERVICE_UNAVAILABLE",
}
SUPERTONE = {
    400: "start_date must be a valid ISO 8601 date string",
    401: "Invalid API key",
    402: "Not enough credits",
    403: "Forbidden resource",
    404: "Not found",
    408: "Request timeout",
    413: "Request entity too large",
    415: "Unsupported media type",
    429: "rate limit exceeded",
    500: "Failed to get usages",
}
VARG = {
    400: ("ValidationError", "from must be a date (YYYY-MM-DD)"),
    401: ("AuthError", "Invalid API key"),
    402: ("InsufficientBalanceError", "Insufficient balance"),
    404: ("NotFoundError", "Not found"),
    413: ("PayloadTooLargeError", "Request body too large"),
    429: ("RateLimitError", "Rate limit exceeded"),
    500: ("InternalError", "Internal server error"),
    502: ("ProviderError", "The upstream provider failed"),
}
SURNEX = {
    400: ("VALIDATION_ERROR", "Invalid request"),
    401: ("UNAUTHORIZED", "Unauthorized"),
    402: ("PAYMENT_REQUIRED", "Payment required"),
    403: ("FORBIDDEN", "Forbidden"),
    404: ("NOT_FOUND", "Not found"),
    422: ("UNPROCESSABLE_ENTITY", "Unprocessable request"),
    429: ("RATE_LIMITED", "Rate limit exceeded"),
    502: ("PROVIDER_ERROR", "The upstream provider failed"),
}
LYRCS = {
    400: ("validation_error", "Invalid request", "VAL_001"),
    401: ("unauthorized", "Missing or invalid API key", "AUTH_001"),
    402: ("insufficient_credits", "Not enough credits", "PAY_001"),
    403: ("forbidden", "This API key may not use this endpoint", "AUTH_002"),
    404: ("not_found", "Not found", "NOT_001"),
    429: ("rate_limit_exceeded", "Rate limit exceeded", "RATE_001"),
}
TABLES: dict[str, Any] = {
    "somya": SOMYA,
    "supertone": SUPERTONE,
    "varg": VARG,
    "surnex": SURNEX,
    "lyrcs": LYRCS,
}
JSON = (("content-type", "application/json"),)


def statuses(provider: str) -> tuple[int, ...]:
    """Every status that can be asked for: those the vendor documents, and those of a gateway."""
    return tuple(sorted({*TABLES[provider], *GATEWAY}))


def refusal(provider: str, status: int, request: Request, account: Account) -> Reply:
    """The vendor's answer under this status; a failure it does not document is a gateway's page."""
    if status in TABLES[provider]:
        return MAKERS[provider](status, request, account)
    check_status(provider, status)
    return gateway_page(status)


def check_status(provider: str, status: Any, field: str = "status") -> None:
    """Refuse what nobody in front of this service would answer; InvalidError lists what there is."""
    if isinstance(status, bool) or status not in statuses(provider):
        known = ", ".join(map(str, statuses(provider)))
        message = f"{provider} documents no status {status!r}; it may be {known}"
        raise InvalidError(message, field, map(str, statuses(provider)))


def gateway_page(status: int) -> Reply:
    """The HTML page of a gateway that cannot reach the service behind it."""
    title = escape(f"{status} {HTTPStatus(status).phrase}")
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(status, (("content-type", "text/html"),), page.encode(), keep=False)


def _somya(status: int, request: Request, account: Account) -> Reply:  # noqa: ARG001
    if status == 422 and account.switches["error-body"] != "envelope":
        error = {
            "type": "date_from_datetime_parsing",
            "loc": ["query", "from"],
            "msg": "Input should be a valid date or datetime, input is too short",
            "input": "",
            "ctx": {"error": "input is too short"},
        }
        return Reply(422, JSON, json_bytes({"detail": [error]}))
    if status == 401 and account.switches["unauthorized-body"] == "detail":
        return Reply(401, JSON, json_bytes({"detail": "Not authenticated"}))
    return Reply(status, JSON, json_bytes({"success": False, "data": None, "error": {"code": SOMYA[status]}}))


def _supertone(status: int, request: Request, account: Account) -> Reply:  # noqa: ARG001
    from usage_mockserver.providers.supertone import rendered

    message = [SUPERTONE[status]] if status == 400 else SUPERTONE[status]
    phrase = {413: "Payload Too Large", 408: "Request Timeout"}.get(status, HTTPStatus(status).phrase)
    inner = {"statusCode": status, "message": message, "error": phrase}
    return rendered(status, json_bytes({"status": "error", "message": inner}), "")


def _varg(status: int, request: Request, account: Account) -> Reply:  # noqa: ARG001
    from usage_mockserver.providers.varg import failure

    return failure(status, *VARG[status], field="from" if status == 400 else "")


def _surnex(status: int, request: Request, account: Account) -> Reply:
    from usage_mockserver.providers.surnex import request_id_for

    unique = account.switches["request-id"] == "unique"
    request_id = request_id_for(account.seed, request.target, account.requests if unique else 0)
    code, message = SURNEX[status]
    details: dict[str, Any] = {"reason": "missing_or_invalid_api_key"} if status == 401 else {}
    error = {"code": code, "message": message, "request_id": request_id, "details": details}
    return Reply(status, (*JSON, ("x-request-id", request_id)), json_bytes({"error": error}))


def _lyrcs(status: int, request: Request, account: Account) -> Reply:  # noqa: ARG001
    from usage_mockserver.providers.lyrcs import failure, quota

    reply = failure(status, *LYRCS[status], behaviour="")
    # The quota stands on every answer to a good key.
    if status == 401:
        return reply
    return Reply(status, (*reply.headers, *quota(account)), reply.body)


MAKERS: dict[str, Callable[[int, Request, Account], Reply]] = {
    "somya": _somya,
    "supertone": _supertone,
    "varg": _varg,
    "surnex": _surnex,
    "lyrcs": _lyrcs,
}
