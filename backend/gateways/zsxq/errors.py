"""Errors of 知识星球, and the mapping from its error codes.

::

    GatewayError
    ├── Rejected
    │   ├── AuthExpired             the token is invalid; staff must enter a new one
    │   │   └── AccountBlocked      the token's account is banned
    │   ├── PermissionDenied        the token's account may not do this
    │   ├── NotMember               the caller, or the person queried, isn't in the planet (any more)
    │   ├── MembershipExpired       the caller's paid membership expired
    │   ├── NotFound                no such project, topic, person or planet
    │   ├── ShapeChanged            the answer's format changed; the code must be adapted
    │   └── BusinessError           any other refusal, with its error code
    ├── Unavailable                 network, 5xx, unreadable body (``bad_payload``), after all retries
    │   └── RateLimited             1059 or 429, after all retries and the cool-down, or while the token is paused
    └── Unknown                     only from creating a project: check the list before retrying

The codes come from the web client's own error table and from recorded traffic. An unknown code becomes
:class:`BusinessError`, never a success.
"""

from backend.gateways.errors import Rejected, Unavailable

SYSTEM = "zsxq"


class _Refused(Rejected):
    kind = "refused"

    def __init__(self, message: str = "") -> None:
        super().__init__(SYSTEM, self.kind, message)


class AuthExpired(_Refused):
    """The token isn't accepted (expired, logged in elsewhere). Every call fails until staff replace it."""

    kind = "auth_expired"


class AccountBlocked(AuthExpired):
    """The token's account is banned. A new token of the same account won't help."""

    kind = "account_blocked"


class PermissionDenied(_Refused):
    """The token's account may not do this, e.g. because only owners and administrators may."""

    kind = "permission_denied"


class NotMember(_Refused):
    """The caller, or the person queried, isn't a member of the planet."""

    kind = "not_member"


class MembershipExpired(_Refused):
    """The caller's membership of the planet expired."""

    kind = "membership_expired"


class NotFound(_Refused):
    """The requested object doesn't exist."""

    kind = "not_found"


class ShapeChanged(_Refused):
    """An answer lacks a field it always had. It must never be taken for an empty result."""

    kind = "shape_changed"


class BusinessError(Rejected):
    """Any other refusal. ``number`` is the server's error code, or the HTTP status if the body had none."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(SYSTEM, f"business_{number}", message)
        self.number = number


class RateLimited(Unavailable):
    """Too many requests: 429, or 1059, an 'internal error' that means the same."""

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(SYSTEM, "rate_limited", message, retry_after=retry_after)


_KINDS: dict[type[_Refused], tuple[int, ...]] = {
    AuthExpired: (401, 1009, 1015),
    AccountBlocked: (10009,),
    PermissionDenied: (403, 1006, 1019, 1030, 15404),
    NotMember: (1005, 1008, 1037),
    MembershipExpired: (1027, 14210),
    NotFound: (404, 1007, 11102, 11501, 15001, 15403, 17501, 50101, 50102),
}
_KIND_OF = {number: kind for kind, numbers in _KINDS.items() for number in numbers}
_BUSY = {429, 1059}
_PASSING = {500, 600, 1048}

COUNT_REFUSED = {1003, 1014, 14001, 14204, 14401}
"""Their codes for 'the page size you asked for is out of range'."""

REQUEST_ID_USED = 1013
"""A create with this request id was seen before: it may have been done."""


def error_for(number: int, text: str) -> Rejected | Unavailable:
    """The exception for the server's error code ``number``. ``text`` must already be free of secrets."""
    message = f"{number} {text}".strip()
    if number in _BUSY:
        return RateLimited(message)
    if number in _PASSING or 500 <= number <= 599:
        return Unavailable(SYSTEM, "server_error", message)
    kind = _KIND_OF.get(number)
    return kind(message) if kind else BusinessError(number, message)
