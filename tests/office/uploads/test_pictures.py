"""Pictures nobody should trust."""

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from backend.office.uploads.pictures import MAX_BYTES, MAX_PIXELS, BadPicture, reencode


def picture(kind: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (30, 20), **options: Any) -> bytes:
    out = BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes could never fill."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_every_kind_of_png_stays_one(mode: str) -> None:
    found = reencode(picture("PNG", mode))
    with Image.open(BytesIO(found.data)) as image:
        assert (image.format, image.size) == ("PNG", (30, 20))
    assert (found.content_type, found.extension) == ("image/png", "png")


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_every_kind_of_jpeg_stays_one(mode: str) -> None:
    found = reencode(picture("JPEG", mode))
    with Image.open(BytesIO(found.data)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (30, 20))
    assert (found.content_type, found.extension) == ("image/jpeg", "jpg")


def test_transparency_survives() -> None:
    out = BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).quantize().save(out, "PNG")
    with Image.open(BytesIO(reencode(out.getvalue()).data)) as image:
        assert image.getpixel((0, 0))[3] == 0  # type: ignore[index] # RGBA pixels are tuples


def test_place_and_camera_are_gone_and_the_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "Some Phone"
    found = reencode(picture("JPEG", size=(30, 20), exif=exif, comment=b"secret place"))
    assert b"Some Phone" not in found.data
    assert b"secret place" not in found.data
    with Image.open(BytesIO(found.data)) as image:
        assert image.size == (20, 30)
        assert not image.getexif()


def test_texts_in_a_png_are_gone() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "<script>alert(1)</script>")
    assert b"script" not in reencode(picture("PNG", pnginfo=notes)).data


def test_what_hides_behind_a_picture_is_gone() -> None:
    assert b"<?php" not in reencode(picture("PNG") + b"<?php system('x'); ?>").data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        picture("GIF"),
        picture("WEBP"),
        picture("BMP"),
        picture("PNG")[:-20],
        picture("JPEG", size=(300, 300))[:400],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(BadPicture):
        reencode(data)


def test_two_megabytes_are_the_limit() -> None:
    fitting = picture("PNG")
    assert reencode(fitting + b"\0" * (MAX_BYTES - len(fitting))).data
    with pytest.raises(BadPicture, match="2 MB"):
        reencode(fitting + b"\0" * (MAX_BYTES - len(fitting) + 1))


@pytest.mark.parametrize("size", [(MAX_PIXELS + 1, 1), (10_000, 10_000), (60_000, 60_000)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(BadPicture, match="尺寸过大"):
        reencode(bomb(*size))


@given(st.binary(max_size=300))
def test_noise_after_a_png_header_never_does_more_than_being_refused(noise: bytes) -> None:
    with pytest.raises(BadPicture):
        reencode(picture("PNG")[:33] + noise)
