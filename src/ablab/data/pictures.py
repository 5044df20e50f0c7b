"""Image files and arrays of a user's own, brought to one form.

What has 8 bits a channel or fewer is read: black and white, grey, palettes, red-green-blue; YCbCr
by ITU-R 601; CMYK as ``(255 - C) (255 - K) / 255``, and so on. EXIF's orientation is heeded, also
a TIFF's; color profiles are not. Refused by name is what would lose something: more bits a
channel, floating point, other color spaces, more than one frame or page, and transparency.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ablab.data.errors import DataError
from ablab.data.image_set import Bytes
from ablab.data.tree import TOLD, shown
from ablab.errors import InputError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")

_HOW = "scale its values to 0 … 255 first, with ImageMagick -depth 8"
_BITS_PER_SAMPLE, _ORIENTATION = 258, 0x0112  # tags of TIFF and EXIF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Form:
    """What every image becomes.

    Attributes:
        image_size: height and width, in pixels.
        in_channels: 1, grey by the weights of ITU-R 601, or 3, red, green and blue.
        resize: ``"crop"``: the shorter side becomes ``image_size`` and the middle is cut out;
            ``"stretch"``: both sides do. Bilinear, and averaging where an image becomes smaller.
    """

    image_size: int
    in_channels: int
    resize: str

    def of(self, image: Image.Image) -> Bytes:
        """Return a loaded image in this form, (H, W, C), by the rules of this module.

        Raises:
            ValueError: it is none that the rules read.
        """
        image = _opaque(image).convert("L" if self.in_channels == 1 else "RGB")
        size = self.image_size, self.image_size
        if self.resize == "crop":
            image = ImageOps.fit(image, size, Image.Resampling.BILINEAR)
        else:
            image = image.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(image).reshape(*size, self.in_channels)


def decoded(files: Sequence[Path], form: Form) -> Bytes:
    """Return the images of all files, (N, H, W, C).

    Raises:
        DataError: names all files that are no readable images.
    """
    images = np.empty((len(files), form.image_size, form.image_size, form.in_channels), np.uint8)
    faults = []
    for row, path in enumerate(files):
        try:
            images[row] = _opened(path, form)
        # A broken file can raise nearly anything in a decoder.
        except Exception as error:
            faults.append(f"{shown(path)}: {_reason(error, path)}")
    if faults:
        more = [f"and {len(faults) - TOLD} more"] if len(faults) > TOLD else []
        lines = "\n  ".join([*faults[:TOLD], *more])
        raise DataError(
            f"every file in a class folder must be a readable image ({', '.join(FORMATS)}), got "
            f"{len(faults)} of {len(files)} that are not:\n  {lines}"
        )
    return images


def _reason(error: Exception, path: Path) -> str:
    """Return what is wrong with a file, without its name."""
    if isinstance(error, UnidentifiedImageError):
        return "it is none of these" if path.stat().st_size else "it is empty"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _opened(path: Path, form: Form) -> Bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged EXIF: the image stays as it is stored
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as image:
            _check(image)
            image.load()
            return form.of(_turned(image))


def _check(image: Image.Image) -> None:
    """Refuse what would lose something, by the header alone."""
    if image.mode[0] in "IF":
        raise InputError(f"it must have 8 bits a channel, got mode {image.mode}: {_HOW}")
    if image.mode not in MODES:
        raise InputError(
            f"it must be grey, RGB, YCbCr or CMYK, got {image.mode}: make it RGB first"
        )
    if (bits := _bits(image)) > 8:
        raise InputError(f"it must have 8 bits a channel, got {bits}: {_HOW}")
    if (frames := getattr(image, "n_frames", 1)) > 1:
        raise InputError(
            f"it must be one picture, got {frames} in one file (frames or pages): save those that "
            "shall be read as files of their own"
        )


def _bits(image: Image.Image) -> int:
    """Return the bits a channel that the file has: for 48-bit colour Pillow gives the high byte."""
    if image.format == "TIFF":
        return int(max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,))))  # type: ignore[attr-defined]
    for tile in getattr(image, "tile", ()):
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if image.format == "PNG" and any(";16" in str(a) for a in arguments):
            return 16
        if image.format == "PPM" and any(isinstance(a, int) and a > 255 for a in arguments):
            return 16
    return 8


def _turned(image: Image.Image) -> Image.Image:
    """Return an image turned as its camera says; as stored where that cannot be read."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged record can raise nearly anything
        return image
    method = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if method is None else image.transpose(method)


def _opaque(image: Image.Image) -> Image.Image:
    """Return an image without its channel of transparency.

    Raises:
        InputError: something shows through, so that colours depend on what is behind.
    """
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    least = image.getchannel("A").getextrema()[0]
    if isinstance(least, int | float) and least < 255:
        raise InputError(
            "it must be opaque, got transparent pixels, whose colour the background decides: "
            "lay it on one first, with ImageMagick -background white -alpha remove"
        )
    return image.convert("RGB")
