"""Addresses of pictures, by kind and by store."""

from dataclasses import replace

from pydantic import SecretStr

from backend.core.config import StorageSettings
from backend.gateways.storage import make_storage
from backend.office.uploads import service
from backend.runtime import Runtime


async def test_the_kind_of_a_picture_decides_about_its_address(runtime: Runtime) -> None:
    assert await service.url_of(runtime, None) is None
    assert await service.url_of(runtime, "poster/a.jpg") == "http://testserver/media/poster/a.jpg"
    address = await service.url_of(runtime, "group_qr/a.png")
    assert address is not None
    assert address.startswith("http://testserver/media/group_qr/a.png?expires=")
    assert "&signature=" in address


async def test_a_store_with_addresses_of_its_own_signs_them_itself(runtime: Runtime) -> None:
    cloud = StorageSettings(
        kind="cos",
        cos_region="ap-shanghai",
        cos_bucket="camp-1250000000",
        cos_secret_id="an-id",
        cos_secret_key=SecretStr("a-key"),
    )
    in_cloud = replace(runtime, storage=make_storage(cloud))
    for address in (
        await service.public_url(in_cloud, "poster/a.jpg"),
        await service.signed_url(in_cloud, "group_qr/a.png"),
    ):
        assert address.startswith("https://camp-1250000000.cos.ap-shanghai.myqcloud.com/")
        assert "q-signature=" in address
        assert "a-key" not in address
