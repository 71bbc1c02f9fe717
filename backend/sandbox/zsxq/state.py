"""The simulated 知识星球 with its fault settings, without the HTTP layer."""

from typing import Literal

from backend.sandbox.zsxq import shapes
from backend.sandbox.zsxq.faults import Faults
from backend.sandbox.zsxq.shapes import Json
from backend.sandbox.zsxq.world import World

SignatureMode = Literal["off", "sampled", "strict"]


class ZsxqState(World):
    """One simulated 知识星球 with its fault settings.

    ``signature``: ``strict`` refuses each bad X-Signature with 1059, ``sampled`` some of them, ``off`` none.
    ``auth_failure``: whether a refused token gets HTTP 401 or HTTP 200 with code 401.
    ``busy_probability``: share (0 to 1) of correctly signed requests that get 1059, as in the real system.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        signature: SignatureMode = "strict",
        auth_failure: Literal["http", "body"] = "http",
        busy_probability: float = 0.0,
    ) -> None:
        super().__init__(seed)
        self.signature: SignatureMode = signature
        self.auth_failure: Literal["http", "body"] = auth_failure
        self.busy_probability = busy_probability
        self.faults = Faults(self.random)
        self._created_with: set[str] = set()

    def summary(self) -> Json:
        """Counts and states for the overview page."""
        projects = [
            {
                "checkin_id": project.checkin_id,
                "group_id": project.group_id,
                "title": project.title,
                "status": project.status,
                "posts_count": len(project.visible_posts()),
                **shapes.project_totals(project),
            }
            for project in self.projects.values()
        ]
        groups = [
            {"group_id": group.group_id, "name": group.name, "members_count": len(group.members)}
            for group in self.groups.values()
        ]
        return {
            "groups": groups,
            "projects": projects,
            "tokens": [{"ends_with": token.value[-4:], "state": token.state} for token in self.tokens.values()],
            "faults": self.faults.summary(),
            "calls_count": len(self.calls),
        }
