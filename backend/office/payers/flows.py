"""WeChat log-in. Our state is consumed before WeChat is called, so no code is exchanged twice."""

from backend.gateways.errors import Rejected
from backend.models.payers import Payer
from backend.office.payers import service
from backend.runtime import Runtime


async def log_in_with_wechat(runtime: Runtime, *, code: str, state: str, browser_secret: str) -> tuple[Payer, str]:
    """The payer behind a WeChat code, and the page to return to.

    Raises OAuthStateInvalid, OAuthCodeInvalid, OAuthSnapshotUser, and gateway errors.
    """
    async with runtime.db.transaction() as session:
        return_to = await service.finish_oauth(session, state=state, browser_secret=browser_secret)
    try:
        identity = await runtime.wechat_oauth.exchange(code)
    except Rejected as error:
        if error.code == "code_invalid":
            raise service.OAuthCodeInvalid from None
        raise
    if identity.is_snapshot:
        raise service.OAuthSnapshotUser
    async with runtime.db.transaction() as session:
        return await service.payer_for_openid(session, identity.openid), return_to
