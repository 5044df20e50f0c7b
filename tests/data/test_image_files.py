import os
import struct
import zlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from ablab.data.errors import DataError
from ablab.data.holdout import hold_out_test
from ablab.data.image_files import ImageFormat, decode_images

RNG = np.random.default_rng(0)


def noise(*shape):
    return RNG.integers(0, 256, shape, np.uint8)


def saved(folder, name, array, **options):
    path = folder / name
    Image.fromarray(array).save(path, **options)
    return path


def interpolated(array, size):
    x = torch.from_numpy(array).permute(2, 0, 1)[None].double()
    y = F.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
    return y[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("size", [(10, 10), (23, 41), (64, 30)])
def test_stretched_images_are_antialiased_bilinear(size, tmp_path):
    array = noise(*size, 3)
    (image,) = decode_images([saved(tmp_path, "a.png", array)], ImageFormat(16, 3, "stretch"))
    np.testing.assert_allclose(image, interpolated(array, (16, 16)), atol=1.01)  # 8 bits each way


@pytest.mark.parametrize("shape", [(48, 32, 3), (32, 48, 3)])
def test_cropped_images_keep_the_center_and_their_proportions(shape, tmp_path):
    array = noise(*shape)
    (image,) = decode_images([saved(tmp_path, "a.png", array)], ImageFormat(16, 3, "crop"))
    H, W = shape[0] // 2, shape[1] // 2
    top, left = (H - 16) // 2, (W - 16) // 2
    whole = interpolated(array, (H, W))
    inner = (slice(2, -2), slice(2, -2))  # at its edge a crop has no neighbors to average with
    expected = whole[top : top + 16, left : left + 16]
    np.testing.assert_allclose(image[inner], expected[inner], atol=1.01)


@pytest.mark.parametrize("suffix", ["png", "bmp", "ppm", "tiff"])
def test_images_of_the_right_size_are_kept_byte_for_byte(suffix, tmp_path):
    array = noise(12, 12, 3)
    path = saved(tmp_path, f"a.{suffix}", array)
    for resize in ("crop", "stretch"):
        np.testing.assert_array_equal(decode_images([path], ImageFormat(12, 3, resize))[0], array)


def test_gray_is_that_of_itu_r_601(tmp_path):
    array = noise(12, 12, 3)
    image = decode_images([saved(tmp_path, "a.png", array)], ImageFormat(12, 1, "crop"))[0]
    np.testing.assert_allclose(image[..., 0], array @ [0.299, 0.587, 0.114], atol=1)


def test_gray_images_become_color_and_an_opaque_alpha_channel_is_dropped(tmp_path):
    gray, alpha = noise(12, 12), noise(12, 12, 4)
    alpha[..., 3] = 255
    paths = [saved(tmp_path, "a.png", gray), saved(tmp_path, "b.png", alpha)]
    images = decode_images(paths, ImageFormat(12, 3, "crop"))
    np.testing.assert_array_equal(images[0], np.repeat(gray[..., None], 3, axis=2))
    np.testing.assert_array_equal(images[1], alpha[..., :3])


def test_the_exif_orientation_is_applied(tmp_path):
    array = noise(12, 12, 3)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    path = saved(tmp_path, "a.png", array, exif=exif)
    np.testing.assert_array_equal(
        decode_images([path], ImageFormat(12, 3, "crop"))[0], array[::-1, ::-1]
    )


def read(path, channels=3):
    return decode_images([path], ImageFormat(12, channels, "crop"))[0]


def test_black_and_white_palettes_and_low_bit_depths_are_read(tmp_path):
    bits = noise(12, 12) > 127
    path = tmp_path / "bits.png"
    Image.fromarray(bits).save(path)  # one bit a pixel
    np.testing.assert_array_equal(read(path, 1)[..., 0], bits * np.uint8(255))
    gray = noise(12, 12) // 17  # four bits a pixel
    image = Image.fromarray(gray, "P")
    image.putpalette([v for n in range(16) for v in (17 * n, 0, 255)])
    image.save(tmp_path / "palette.png", bits=4)
    expected = np.stack([17 * gray, 0 * gray, 0 * gray + 255], axis=-1)
    np.testing.assert_array_equal(read(tmp_path / "palette.png"), expected)


def test_cmyk_is_read_as_ink_on_white(tmp_path):
    ink = noise(12, 12, 4)
    path = tmp_path / "a.tiff"
    Image.fromarray(ink, "CMYK").save(path)
    c, k = 255 - ink[..., :3].astype(float), 255 - ink[..., 3:].astype(float)
    np.testing.assert_allclose(read(path), c * k / 255, atol=1)


def test_ycbcr_is_read_by_itu_r_601(tmp_path):
    values = np.full((12, 12, 3), (150, 100, 180), np.uint8)
    path = tmp_path / "a.tif"
    Image.fromarray(values, "YCbCr").save(path)
    y, cb, cr = 150, 100 - 128, 180 - 128
    expected = [y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb]
    np.testing.assert_allclose(read(path)[0, 0], expected, atol=1.5)


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.swapaxes(0, 1)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].swapaxes(0, 1)),
        (8, np.rot90),
        (0, lambda a: a),
        (9, lambda a: a),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_each_exif_orientation_is_applied(orientation, turn, suffix, tmp_path):
    array = noise(12, 12, 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, f"a.{suffix}", array, exif=exif)
    np.testing.assert_array_equal(read(path), turn(array))


@pytest.mark.parametrize(
    "record",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x02up\0\0\0\0\0\0",
    ],
)
def test_a_damaged_exif_record_is_ignored(record, tmp_path):
    path = saved(tmp_path, "a.jpg", noise(12, 12, 3), quality=95)
    plain = read(path)
    whole = path.read_bytes()
    path.write_bytes(
        whole[:2] + b"\xff\xe1" + struct.pack(">H", len(record) + 2) + record + whole[2:]
    )
    np.testing.assert_array_equal(read(path), plain)


def deep_png(path, values):
    """Write 16 bits a channel, (H, W), (H, W, 2), (H, W, 3) or (H, W, 4), which Pillow cannot."""
    H, W = values.shape[:2]
    kind = {2: 0, 3: {2: 4, 3: 2, 4: 6}.get(values.shape[-1])}[values.ndim]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(name, content):
        sums = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + sums

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 16, kind, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b""))
    return path


def deep_tiff(path, values):
    """Write an uncompressed TIFF of 16 bits a channel, (H, W, C)."""
    H, W, C = values.shape
    raw = values.astype("<u2").tobytes()
    tags = [(256, 4, 1, W), (257, 4, 1, H), (258, 3, C, 16), (259, 3, 1, 1)]
    tags += [(262, 3, 1, 2 if C == 3 else 1), (273, 4, 1, 8), (277, 3, 1, C), (278, 4, 1, H)]
    tags += [(279, 4, 1, len(raw))]
    end = 8 + len(raw)
    bits = end + 2 + 12 * len(tags) + 4
    directory = struct.pack("<H", len(tags))
    for tag, kind, count, value in tags:
        offset = bits if tag == 258 and C == 3 else value
        directory += struct.pack("<HHII", tag, kind, count, offset)
    more = struct.pack("<3H", 16, 16, 16)
    path.write_bytes(b"II*\0" + struct.pack("<I", end) + raw + directory + b"\0" * 4 + more)
    return path


def deep_ppm(path, values):
    magic = b"P6" if values.shape[-1] == 3 else b"P5"
    head = magic + b" %d %d 65535\n" % (values.shape[1], values.shape[0])
    path.write_bytes(head + values.astype(">u2").tobytes())
    return path


@pytest.mark.parametrize(
    ("write", "shape"),
    [
        (deep_png, (12, 12)),
        (deep_png, (12, 12, 2)),
        (deep_png, (12, 12, 3)),
        (deep_png, (12, 12, 4)),
        (deep_tiff, (12, 12, 1)),
        (deep_tiff, (12, 12, 3)),
        (deep_ppm, (12, 12, 1)),
        (deep_ppm, (12, 12, 3)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_more_than_8_bits_are_refused_gray_and_color_alike(write, shape, channels, tmp_path):
    path = write(tmp_path / "deep", RNG.integers(0, 65536, shape, np.uint16))
    with Image.open(path) as image:
        image.load()  # Pillow reads it: ablab refuses it
    with pytest.raises(DataError, match=r"deep: it must have 8 bits a channel, got .*-depth 8"):
        read(path, channels)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_of_more_than_8_bits_are_refused(dtype, tmp_path):
    path = saved(tmp_path, "a.tiff", noise(12, 12).astype(dtype))
    with pytest.raises(DataError, match=r"it must have 8 bits a channel, got"):
        read(path)


def test_an_unsupported_color_space_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(noise(12, 12, 3), "LAB").save(path)
    with pytest.raises(DataError, match=r"a.tif: it must be gray, RGB, YCbCr or CMYK, got LAB"):
        read(path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.gif", "GIF"), ("a.tif", "TIFF"), ("a.png", "PNG"), ("a.webp", "WEBP"), ("a.jpg", "MPO")],
)
def test_more_than_one_picture_in_a_file_is_refused(name, kind, tmp_path):
    first, *others = (Image.fromarray(noise(12, 12, 3)) for _ in range(3))
    first.save(tmp_path / name, kind, save_all=True, append_images=others)
    with pytest.raises(DataError, match=f"{name}: it must be one picture, got 3 in one file"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.gif", "a.tif", "a.png", "a.webp"])
def test_one_picture_is_read_in_a_format_for_several(name, tmp_path):
    array = np.zeros((12, 12, 3), np.uint8)
    array[:6] = 255
    Image.fromarray(array).save(tmp_path / name, save_all=True, lossless=True)
    np.testing.assert_array_equal(read(tmp_path / name), array)


def transparent(mode):
    image = Image.fromarray(noise(12, 12, 4), "RGBA").convert(mode)
    if mode == "P":
        image.info["transparency"] = int(np.asarray(image)[0, 0])
    return image


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_refused(mode, tmp_path):
    transparent(mode).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: it must be opaque, got transparent pixels"):
        read(tmp_path / "a.png")


def test_all_unreadable_files_are_reported_at_once(tmp_path):
    good = saved(tmp_path, "good.png", noise(12, 12, 3))
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:200])
    words = tmp_path / "words.txt"
    words.write_text("no image")
    deep = saved(tmp_path, "deep.png", noise(12, 12).astype(np.uint16) * 256)
    with pytest.raises(DataError, match="3 of 4 that are not") as caught:
        decode_images([good, cut, words, deep], ImageFormat(12, 3, "crop"))
    assert all(str(path) in str(caught.value) for path in (cut, words, deep))
    assert f"{words}: it is none of these" in str(caught.value)
    assert "8 bits a channel" in str(caught.value)
    assert str(good) not in str(caught.value)


def test_the_number_of_further_unreadable_files_is_reported(tmp_path):
    with pytest.raises(DataError, match=r"and 13 more"):
        decode_images([tmp_path / f"{n}.png" for n in range(33)], ImageFormat(12, 3, "crop"))


def labeled(*counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    return np.arange(len(labels)).astype(np.uint8).reshape(-1, 1, 1, 1), labels


def test_the_test_part_has_the_same_share_of_each_class():
    images, labels = labeled(10, 30, 3)
    arrays = hold_out_test({"train": (images, labels)}, 0.2, 0)
    assert np.bincount(arrays["test_labels"]).tolist() == [2, 6, 1]
    assert np.bincount(arrays["train_labels"]).tolist() == [8, 24, 2]
    together = np.concatenate([arrays["train_images"], arrays["test_images"]]).ravel()
    assert sorted(together.tolist()) == list(range(43))
    for part in ("train", "test"):
        np.testing.assert_array_equal(
            labels[arrays[f"{part}_images"].ravel()], arrays[f"{part}_labels"]
        )


def test_the_test_part_is_a_function_of_the_seed():
    parts = {"train": labeled(40, 40)}
    first, again, other = (hold_out_test(parts, 0.25, seed)["test_images"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert set(first.ravel()) != set(other.ravel())


def test_a_class_of_one_image_is_refused():
    with pytest.raises(DataError, match=r"test_fraction must leave each class .* 1 of class 1"):
        hold_out_test({"train": labeled(9, 1)}, 0.2, 0)


def test_existing_parts_are_kept():
    parts = {part: labeled(3, 3) for part in ("train", "val", "test")}
    arrays = hold_out_test(parts, 0.5, 0)
    for part, (images, labels) in parts.items():
        np.testing.assert_array_equal(arrays[f"{part}_images"], images)
        np.testing.assert_array_equal(arrays[f"{part}_labels"], labels)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "tif", "webp", "ppm"])
def test_a_truncated_file_is_refused_in_every_format(suffix, tmp_path):
    path = saved(tmp_path, f"a.{suffix}", noise(40, 40, 3))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="1 of 1 that are not"):
        read(path)


def test_empty_and_unreadable_files_are_reported(tmp_path, monkeypatch):
    (tmp_path / "empty.png").touch()
    closed = saved(tmp_path, "closed.png", noise(12, 12, 3))
    original = Image.open

    def opened(path, **options):
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, **options)

    monkeypatch.setattr(Image, "open", opened)
    with pytest.raises(DataError) as caught:
        decode_images([tmp_path / "empty.png", closed], ImageFormat(12, 3, "crop"))
    assert f"{tmp_path / 'empty.png'}: it is empty" in str(caught.value)
    assert f"{closed}: Permission denied" in str(caught.value)


def test_a_name_that_is_not_utf8_is_escaped(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9\x1b[31m.png")
    path.write_bytes(b"no image")
    with pytest.raises(DataError) as caught:
        read(path)
    assert r"caf\udce9\x1b[31m.png: it is none of these" in str(caught.value)
    assert str(caught.value).replace("\n", "").isprintable()
