"""Decodes a user's image files and converts images to one size and number of channels.

Images of 8 bits per channel or fewer are read: black and white, gray, palettes, RGB; YCbCr by
ITU-R 601; CMYK as ``(255 - C) (255 - K) / 255``, and so on. The orientation in EXIF or TIFF is
applied; color profiles are not. Images that would lose information are refused: more bits per
channel, floating point, other color spaces, several frames or pages, and transparency.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ablab.data.errors import DataError
from ablab.data.image_set import Bytes
from ablab.data.tree import format_faults, format_path
from ablab.errors import InputError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")

_HINT = "scale its values to 0 … 255 first, with ImageMagick -depth 8"
_BITS_PER_SAMPLE, _ORIENTATION = 258, 0x0112  # tags of TIFF and EXIF
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class ImageFormat:
    """Converts images to one size and number of channels.

    Attributes:
        image_size: height and width, in pixels.
        in_channels: 1, gray by the weights of ITU-R 601, or 3, red, green and blue.
        resize: ``"crop"``: resize the shorter side to ``image_size`` and crop the center;
            ``"stretch"``: resize both sides. Bilinear, with averaging where an image shrinks.
    """

    image_size: int
    in_channels: int
    resize: str

    def convert(self, image: Image.Image) -> Bytes:
        """Return a loaded image in this format, (H, W, C).

        Raises:
            ValueError: the image has transparent pixels.
        """
        image = _opaque(image).convert("L" if self.in_channels == 1 else "RGB")
        size = self.image_size, self.image_size
        if self.resize == "crop":
            image = ImageOps.fit(image, size, Image.Resampling.BILINEAR)
        else:
            image = image.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(image).reshape(*size, self.in_channels)


def decode_images(files: Sequence[Path], form: ImageFormat) -> Bytes:
    """Return the images of all files, (N, H, W, C).

    Raises:
        DataError: files are not readable images; lists all of them.
    """
    images, faults = decode_readable(files, form)
    refuse_unreadable("every file in a class folder", faults, len(files))
    return images


def decode_readable(files: Sequence[Path], form: ImageFormat) -> tuple[Bytes, list[str]]:
    """Return the images of all files, (N, H, W, C), and why others, left undefined, have none."""
    images = np.empty((len(files), form.image_size, form.image_size, form.in_channels), np.uint8)
    faults = []
    for row, path in enumerate(files):
        try:
            images[row] = _decode(path, form)
        # A damaged file can raise nearly any exception in a decoder.
        except Exception as error:
            faults.append(f"{format_path(path)}: {_reason(error, path)}")
    return images, faults


def refuse_unreadable(subject: str, faults: list[str], total: int) -> None:
    """Refuse files of which `decode_readable` found faults.

    Args:
        subject: which files must be readable.
        faults: one for each file that is not.
        total: number of files.

    Raises:
        DataError: there are faults; lists them.
    """
    if faults:
        raise DataError(
            f"{subject} must be a readable image ({', '.join(FORMATS)}), got "
            f"{len(faults)} of {total} that are not:{format_faults(faults)}"
        )


def _reason(error: Exception, path: Path) -> str:
    """Return why a file cannot be read, without its name."""
    if isinstance(error, UnidentifiedImageError):
        return "it is none of these" if path.stat().st_size else "it is empty"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _decode(path: Path, form: ImageFormat) -> Bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about damaged EXIF: the orientation is then ignored
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as image:
            _check(image)
            image.load()
            return form.convert(_upright(image))


def _check(image: Image.Image) -> None:
    """Refuse an image that would lose information, by its header alone."""
    if image.mode[0] in "IF":
        raise InputError(f"it must have 8 bits a channel, got mode {image.mode}: {_HINT}")
    if image.mode not in MODES:
        raise InputError(
            f"it must be gray, RGB, YCbCr or CMYK, got {image.mode}: make it RGB first"
        )
    if (bits := _bits(image)) > 8:
        raise InputError(f"it must have 8 bits a channel, got {bits}: {_HINT}")
    if (frames := getattr(image, "n_frames", 1)) > 1:
        raise InputError(
            f"it must be one picture, got {frames} in one file (frames or pages): save those to "
            "be read as separate files"
        )


def _bits(image: Image.Image) -> int:
    """Return the file's bits per channel: of 48-bit color, Pillow decodes the high byte alone."""
    if image.format == "TIFF":
        return int(max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,))))  # type: ignore[attr-defined]
    for tile in getattr(image, "tile", ()):
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if image.format == "PNG" and any(";16" in str(a) for a in arguments):
            return 16
        if image.format == "PPM" and any(isinstance(a, int) and a > 255 for a in arguments):
            return 16
    return 8


def _upright(image: Image.Image) -> Image.Image:
    """Return an image with its EXIF orientation applied; unchanged where that is unreadable."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged record can raise nearly any exception
        return image
    method = _TRANSPOSITIONS.get(orientation) if isinstance(orientation, int) else None
    return image if method is None else image.transpose(method)


def _opaque(image: Image.Image) -> Image.Image:
    """Return an image without its alpha channel.

    Raises:
        InputError: a pixel is not opaque, so that its color depends on the background.
    """
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    least = image.getchannel("A").getextrema()[0]
    if isinstance(least, int | float) and least < 255:
        raise InputError(
            "it must be opaque, got transparent pixels, whose color the background decides: "
            "flatten it first, with ImageMagick -background white -alpha remove"
        )
    return image.convert("RGB")
