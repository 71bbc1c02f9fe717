"""知识星球 (zsxq): read check-ins with a member's or owner's token.

The API is private and unofficial. Only this package knows its URLs, fields, error codes and rate limits.
"""

from backend.gateways.zsxq.client import Planet, Zsxq
from backend.gateways.zsxq.errors import (
    AccountBlocked,
    AuthExpired,
    BusinessError,
    MembershipExpired,
    NotFound,
    NotMember,
    PermissionDenied,
    RateLimited,
    ShapeChanged,
)
from backend.gateways.zsxq.pacing import Sleep
from backend.gateways.zsxq.token import token_from_cookie
from backend.gateways.zsxq.types import (
    PlanetMember,
    Post,
    PostPage,
    Probe,
    Project,
    RankingPage,
    RankingRow,
    Scope,
    Totals,
)

__all__ = [
    "AccountBlocked",
    "AuthExpired",
    "BusinessError",
    "MembershipExpired",
    "NotFound",
    "NotMember",
    "PermissionDenied",
    "Planet",
    "PlanetMember",
    "Post",
    "PostPage",
    "Probe",
    "Project",
    "RankingPage",
    "RankingRow",
    "RateLimited",
    "Scope",
    "ShapeChanged",
    "Sleep",
    "Totals",
    "Zsxq",
    "token_from_cookie",
]
