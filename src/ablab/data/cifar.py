"""The binary format of CIFAR-10 and CIFAR-100: records of labels and a 32x32 RGB image.

A record of CIFAR-10 has one label, a record of CIFAR-100 a coarse and a fine one. The releases for
Python are pickles, which can run code, and are never read.

Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

from collections.abc import Mapping

import numpy as np

from ablab.data import content
from ablab.data.errors import DataError
from ablab.data.image_set import Bytes
from ablab.data.sources import CIFAR10, CIFAR100, Source

# Names of the classes, in the order of their labels.
_CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"

_COARSE = """
    aquatic_mammals fish flowers food_containers fruit_and_vegetables
    household_electrical_devices household_furniture insects large_carnivores
    large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
    medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1
    vehicles_2
"""

_FINE = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch
    crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo
    keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain
    mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain
    plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
    skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
    television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""

CIFAR10_CLASSES = tuple(_CIFAR10.split())
COARSE_CLASSES = tuple(_COARSE.split())
FINE_CLASSES = tuple(_FINE.split())

_SIZE = 32
LABELS_10 = {"labels": len(CIFAR10_CLASSES)}
LABELS_100 = {"coarse": len(COARSE_CLASSES), "fine": len(FINE_CLASSES)}


def decode(raw: bytes, name: str, num_classes: Mapping[str, int]) -> dict[str, Bytes]:
    """Return the images and labels of one file.

    Args:
        raw: the whole file.
        name: of the file, for error messages.
        num_classes: number of classes of each label of a record, in order.

    Returns:
        ``images`` (N, 32, 32, 3), and the labels (N,), each below its number of classes.

    Raises:
        DataError: it does not consist of whole records, or has a label out of range.
    """
    record = len(num_classes) + 3 * _SIZE * _SIZE
    if not raw or len(raw) % record:
        raise DataError(f"{name} must be records of {record} bytes, got {len(raw)} bytes")
    records = np.frombuffer(raw, np.uint8).reshape(-1, record)
    arrays = {kind: records[:, column] for column, kind in enumerate(num_classes)}
    for kind, labels in arrays.items():
        if labels.max() >= num_classes[kind]:
            which = "labels" if kind == "labels" else f"{kind} labels"
            rule = f"{name}'s {which} must be below {num_classes[kind]}"
            raise DataError(f"{rule}, got {labels.max()}")
    planes = records[:, len(num_classes) :].reshape(-1, 3, _SIZE, _SIZE)
    return {"images": planes.transpose(0, 2, 3, 1), **arrays}


def read10() -> dict[str, Bytes]:
    """Return CIFAR-10: ``images`` and ``labels``, each of ``train_`` and ``test_``.

    Raises:
        DataError: a file is missing or not the published one.
    """
    return _read(CIFAR10, LABELS_10)


def read100() -> dict[str, Bytes]:
    """Return CIFAR-100: ``images``, ``coarse`` and ``fine``, each of ``train_`` and ``test_``.

    Raises:
        DataError: a file is missing or not the published one.
    """
    return _read(CIFAR100, LABELS_100)


def _read(source: Source, num_classes: Mapping[str, int]) -> dict[str, Bytes]:
    """Return the arrays of a release; its last file is the test part."""
    files = [decode(content.read(source, f), f.name, num_classes) for f in source.files]
    arrays = {}
    for part, some in (("train", files[:-1]), ("test", files[-1:])):
        for kind in some[0]:
            arrays[f"{part}_{kind}"] = np.concatenate([file[kind] for file in some])
    return arrays
