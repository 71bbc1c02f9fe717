"""Decoding untrusted images: the format is detected from the content, the size is limited, the image is re-encoded."""

import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps

MAX_BYTES = 2 * 1024 * 1024
# A phone's photo has 12 to 50 megapixels and never fits into 2 MB. Larger dimensions indicate a decompression bomb.
MAX_PIXELS = 25_000_000
_JPEG_QUALITY = 88


class BadPicture(ValueError):
    """The image is rejected. The text is Chinese and safe to show."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A re-encoded image, without the original's metadata (place, camera)."""

    data: bytes
    content_type: str
    extension: str


def reencode(data: bytes) -> Picture:
    """Re-encode an image, which must be JPEG or PNG by content. Slow: call it in a thread. Raises BadPicture."""
    if not data:
        raise BadPicture("文件是空的")
    if len(data) > MAX_BYTES:
        raise BadPicture("图片不能超过 2 MB")
    try:
        return _written(_opened(data))
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadPicture("图片尺寸过大") from None
    except Exception as error:
        # Decoders raise many types on a broken or hostile file (OSError, SyntaxError, struct.error, …).
        raise BadPicture("无法识别的图片，仅支持 JPG 和 PNG") from error


def _opened(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as checked:
        # Only the header was read so far, so this check runs before any decoding.
        if checked.width * checked.height > MAX_PIXELS:
            raise BadPicture("图片尺寸过大")
        checked.verify()
    image = Image.open(BytesIO(data), formats=("JPEG", "PNG"))  # verify() leaves the image unusable
    image.load()
    return image


def _written(image: Image.Image) -> Picture:
    is_png = image.format == "PNG"
    upright = ImageOps.exif_transpose(image)
    mode = "RGBA" if is_png and upright.has_transparency_data else "RGB"
    with warnings.catch_warnings():
        # Pillow warns about palettes with transparency given as bytes, but converts them correctly.
        warnings.simplefilter("ignore", UserWarning)
        plain = upright.convert(mode)
    plain.info.clear()
    out = BytesIO()
    if is_png:
        plain.save(out, "PNG", optimize=True)
        return Picture(out.getvalue(), "image/png", "png")
    plain.save(out, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return Picture(out.getvalue(), "image/jpeg", "jpg")
