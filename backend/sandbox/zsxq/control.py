"""The control API under ``/_control/zsxq``: the simulator's Python methods for other processes and the overview.

Returns 404 for unknown ids and 422 for bad bodies. Ids are strings; instants are RFC 3339 with offset.
"""

from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from backend.sandbox.zsxq.faults import Fault
from backend.sandbox.zsxq.state import ZsxqState
from backend.sandbox.zsxq.world import TOKEN_SECONDS, TokenState

Json = dict[str, Any]


class NewGroup(BaseModel):
    name: str = "示例星球"
    owner_name: str = "星主"
    enable_member_number: bool = True
    members_visibility: Literal["all", "admins"] = "all"


class NewMember(BaseModel):
    name: str
    alias: str | None = None
    number: int | Literal["next"] | None = "next"
    user_id: str | None = Field(default=None, pattern=r"^\d{11,15}$")


class NewMembers(BaseModel):
    group_id: str | None = None
    members: list[NewMember]


class NewProject(BaseModel):
    title: str
    text: str = ""
    checkin_days: int = 7
    expires_at: AwareDatetime | None = None
    created_at: AwareDatetime | None = None
    group_id: str | None = None
    min_words_count: int = 0


class NewPost(BaseModel):
    user_id: str
    at: AwareDatetime
    text: str = ""


class NewPosts(BaseModel):
    checkin_id: str
    posts: list[NewPost]


class Text(BaseModel):
    text: str


class NewName(BaseModel):
    name: str
    alias: str | None = None


class NewToken(BaseModel):
    user_id: str | None = None
    group_id: str | None = None
    seconds: int = TOKEN_SECONDS


class NewTokenState(BaseModel):
    token: str
    state: TokenState


class Knobs(BaseModel):
    signature: Literal["off", "sampled", "strict"] | None = None
    auth_failure: Literal["http", "body"] | None = None
    busy_probability: float | None = Field(default=None, ge=0, le=1)


def build(sandbox: ZsxqState) -> FastAPI:
    """Create the control application. Routes are coroutines, so that only the event loop accesses the state."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _add_state(app, sandbox)
    _add_people(app, sandbox)
    _add_projects(app, sandbox)
    _add_faults(app, sandbox)

    async def not_found(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 404)

    app.add_exception_handler(LookupError, not_found)
    return app


def _add_state(app: FastAPI, sandbox: ZsxqState) -> None:
    @app.get("/state")
    async def state() -> Json:
        return sandbox.summary()

    @app.get("/calls")
    async def calls() -> list[Json]:
        return [vars(call) for call in sandbox.calls]

    @app.put("/knobs")
    async def set_knobs(knobs: Knobs) -> Json:
        if knobs.signature is not None:
            sandbox.signature = knobs.signature
        if knobs.auth_failure is not None:
            sandbox.auth_failure = knobs.auth_failure
        if knobs.busy_probability is not None:
            sandbox.busy_probability = knobs.busy_probability
        return {
            "signature": sandbox.signature,
            "auth_failure": sandbox.auth_failure,
            "busy_probability": sandbox.busy_probability,
        }


def _add_people(app: FastAPI, sandbox: ZsxqState) -> None:
    @app.post("/groups")
    async def add_group(group: NewGroup) -> Json:
        return {"group_id": sandbox.add_group(**group.model_dump())}

    @app.post("/members")
    async def add_members(batch: NewMembers) -> Json:
        added = [sandbox.add_member(**member.model_dump(), group_id=batch.group_id) for member in batch.members]
        return {"user_ids": added}

    @app.post("/members/{user_id}/rename")
    async def rename(user_id: str, new: NewName) -> Json:
        sandbox.rename(user_id, new.name, alias=new.alias)
        return {}

    @app.post("/members/{user_id}/leave")
    async def leave(user_id: str, group_id: str | None = None) -> Json:
        sandbox.leave(user_id, group_id=group_id)
        return {}

    @app.post("/tokens")
    async def issue_token(new: NewToken) -> Json:
        return {"token": sandbox.issue_token(new.user_id, group_id=new.group_id, seconds=new.seconds)}

    @app.post("/tokens/state")
    async def set_token_state(new: NewTokenState) -> Json:
        sandbox.set_token_state(new.token, new.state)
        return {}


def _add_projects(app: FastAPI, sandbox: ZsxqState) -> None:
    @app.post("/projects")
    async def add_project(project: NewProject) -> Json:
        return {"checkin_id": sandbox.add_project(**project.model_dump())}

    @app.post("/projects/{checkin_id}/close")
    async def close_project(checkin_id: str) -> Json:
        sandbox.close_project(checkin_id)
        return {}

    @app.post("/projects/{checkin_id}/join/{user_id}")
    async def join(checkin_id: str, user_id: str) -> Json:
        sandbox.join(user_id, checkin_id)
        return {}

    @app.post("/posts")
    async def add_posts(batch: NewPosts) -> Json:
        return {"topic_ids": [sandbox.post(post.user_id, batch.checkin_id, post.at, post.text) for post in batch.posts]}

    @app.put("/posts/{topic_id}")
    async def edit_post(topic_id: str, new: Text) -> Json:
        sandbox.edit_post(topic_id, new.text)
        return {}

    @app.delete("/posts/{topic_id}")
    async def delete_post(topic_id: str) -> Json:
        sandbox.delete_post(topic_id)
        return {}


def _add_faults(app: FastAPI, sandbox: ZsxqState) -> None:
    @app.get("/faults")
    async def faults() -> list[Json]:
        return sandbox.faults.summary()

    @app.post("/faults")
    async def set_fault(fault: Fault) -> list[Json]:
        sandbox.faults.set(**fault.model_dump(exclude_unset=True))
        return sandbox.faults.summary()

    @app.delete("/faults")
    async def clear_faults(name: str | None = None) -> list[Json]:
        sandbox.faults.clear(name)
        return sandbox.faults.summary()
