import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from ablab.data.errors import DataError
from ablab.data.parted import parted
from ablab.data.pictures import Form, decoded

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
    (image,) = decoded([saved(tmp_path, "a.png", array)], Form(16, 3, "stretch"))
    np.testing.assert_allclose(image, interpolated(array, (16, 16)), atol=1.01)  # 8 bits each way


@pytest.mark.parametrize("shape", [(48, 32, 3), (32, 48, 3)])
def test_cropped_images_keep_the_middle_and_their_proportions(shape, tmp_path):
    array = noise(*shape)
    (image,) = decoded([saved(tmp_path, "a.png", array)], Form(16, 3, "crop"))
    H, W = shape[0] // 2, shape[1] // 2
    top, left = (H - 16) // 2, (W - 16) // 2
    whole = interpolated(array, (H, W))
    inner = (slice(2, -2), slice(2, -2))  # at its edge a crop has no neighbours to average with
    expected = whole[top : top + 16, left : left + 16]
    np.testing.assert_allclose(image[inner], expected[inner], atol=1.01)


@pytest.mark.parametrize("suffix", ["png", "bmp", "ppm", "tiff"])
def test_images_of_the_right_size_are_kept_byte_for_byte(suffix, tmp_path):
    array = noise(12, 12, 3)
    path = saved(tmp_path, f"a.{suffix}", array)
    for resize in ("crop", "stretch"):
        np.testing.assert_array_equal(decoded([path], Form(12, 3, resize))[0], array)


def test_grey_is_that_of_itu_r_601(tmp_path):
    array = noise(12, 12, 3)
    image = decoded([saved(tmp_path, "a.png", array)], Form(12, 1, "crop"))[0]
    np.testing.assert_allclose(image[..., 0], array @ [0.299, 0.587, 0.114], atol=1)


def test_grey_images_become_colour_and_an_opaque_channel_is_left_out(tmp_path):
    grey, alpha = noise(12, 12), noise(12, 12, 4)
    alpha[..., 3] = 255
    paths = [saved(tmp_path, "a.png", grey), saved(tmp_path, "b.png", alpha)]
    images = decoded(paths, Form(12, 3, "crop"))
    np.testing.assert_array_equal(images[0], np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(images[1], alpha[..., :3])


def test_images_are_turned_as_the_camera_says(tmp_path):
    array = noise(12, 12, 3)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    path = saved(tmp_path, "a.png", array, exif=exif)
    np.testing.assert_array_equal(decoded([path], Form(12, 3, "crop"))[0], array[::-1, ::-1])


def test_all_unreadable_files_are_named_at_once(tmp_path):
    good = saved(tmp_path, "good.png", noise(12, 12, 3))
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:200])
    words = tmp_path / "words.txt"
    words.write_text("no image")
    deep = saved(tmp_path, "deep.png", noise(12, 12).astype(np.uint16) * 256)
    with pytest.raises(DataError, match="3 of 4 that are not") as caught:
        decoded([good, cut, words, deep], Form(12, 3, "crop"))
    assert all(str(path) in str(caught.value) for path in (cut, words, deep))
    assert f"{words}: it is none of these" in str(caught.value)
    assert "8 bits a channel" in str(caught.value)
    assert str(good) not in str(caught.value)


def test_of_many_unreadable_files_the_number_is_told(tmp_path):
    with pytest.raises(DataError, match=r"and 13 more"):
        decoded([tmp_path / f"{n}.png" for n in range(33)], Form(12, 3, "crop"))


def labelled(*counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    return np.arange(len(labels)).astype(np.uint8).reshape(-1, 1, 1, 1), labels


def test_the_test_takes_its_share_of_each_class():
    images, labels = labelled(10, 30, 3)
    arrays = parted({"train": (images, labels)}, 0.2, 0)
    assert np.bincount(arrays["test_labels"]).tolist() == [2, 6, 1]
    assert np.bincount(arrays["train_labels"]).tolist() == [8, 24, 2]
    together = np.concatenate([arrays["train_images"], arrays["test_images"]]).ravel()
    assert sorted(together.tolist()) == list(range(43))
    for part in ("train", "test"):
        np.testing.assert_array_equal(
            labels[arrays[f"{part}_images"].ravel()], arrays[f"{part}_labels"]
        )


def test_the_draw_is_the_seeds():
    parts = {"train": labelled(40, 40)}
    first, again, other = (parted(parts, 0.25, seed)["test_images"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert set(first.ravel()) != set(other.ravel())


def test_a_class_of_one_image_cannot_be_tested():
    with pytest.raises(DataError, match=r"test_fraction must leave each class .* 1 of class 1"):
        parted({"train": labelled(9, 1)}, 0.2, 0)


def test_parts_that_are_there_stay():
    parts = {part: labelled(3, 3) for part in ("train", "val", "test")}
    arrays = parted(parts, 0.5, 0)
    for part, (images, labels) in parts.items():
        np.testing.assert_array_equal(arrays[f"{part}_images"], images)
        np.testing.assert_array_equal(arrays[f"{part}_labels"], labels)
