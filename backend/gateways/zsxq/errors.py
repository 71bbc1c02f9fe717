"""How 知识星球 fails, and which of its codes means what.

::

    GatewayError
    ├── Rejected
    │   ├── AuthExpired             the token is dead; a person must bring a new one
    │   │   └── AccountBlocked      the account behind it is banned
    │   ├── PermissionDenied        the token's account may not do this
    │   ├── NotMember               the caller, or the person asked about, isn't in the planet (any more)
    │   ├── MembershipExpired       the caller's paid membership ran out
    │   ├── NotFound                no such project, topic, person or planet
    │   ├── ShapeChanged            an answer no longer looks as we know it; a programmer must look
    │   └── BusinessError           any other refusal, with their number
    ├── Unavailable                 network, 5xx, unreadable body (``bad_payload``), after all retries
    │   └── RateLimited             1059 or 429, after all retries and the cool-down, or while the token rests
    └── Unknown                     only from creating a project: look at the list before doing it again

The numbers come from the web client's own error table and from recorded traffic; an unknown one falls
into :class:`BusinessError`, never into success.
"""

from backend.gateways.errors import Rejected, Unavailable

SYSTEM = "zsxq"


class _Refused(Rejected):
    kind = "refused"

    def __init__(self, message: str = "") -> None:
        super().__init__(SYSTEM, self.kind, message)


class AuthExpired(_Refused):
    """The token isn't accepted (expired, logged in elsewhere). Nothing works until a person replaces it."""

    kind = "auth_expired"


class AccountBlocked(AuthExpired):
    """The account is banned. A new token of the same account won't help."""

    kind = "account_blocked"


class PermissionDenied(_Refused):
    """The token's account may not do this, e.g. only owners and administrators may."""

    kind = "permission_denied"


class NotMember(_Refused):
    """The caller, or the person asked about, is not a member of the planet."""

    kind = "not_member"


class MembershipExpired(_Refused):
    """The caller's membership of the planet ran out."""

    kind = "membership_expired"


class NotFound(_Refused):
    """What was asked for doesn't exist there."""

    kind = "not_found"


class ShapeChanged(_Refused):
    """An answer lacks what it always had. Never to be read as 'nobody' or 'nothing'."""

    kind = "shape_changed"


class BusinessError(Rejected):
    """Any other refusal. ``number`` is their code (an HTTP status where the body had none)."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(SYSTEM, f"business_{number}", message)
        self.number = number


class RateLimited(Unavailable):
    """They say we are too fast (429), or 'internal error' in the way that means the same (1059)."""

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
    """What a failure with their code ``number`` is to us; ``text`` must already be free of secrets."""
    message = f"{number} {text}".strip()
    if number in _BUSY:
        return RateLimited(message)
    if number in _PASSING or 500 <= number <= 599:
        return Unavailable(SYSTEM, "server_error", message)
    kind = _KIND_OF.get(number)
    return kind(message) if kind else BusinessError(number, message)
