"""A small trial of each architecture, each with other options than its neighbors.

Networks train for one epoch on a few digits, in the digits' own 8 pixels where the architecture
takes them. They are narrow, but have every kind of their layers.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from sklearn.datasets import load_digits

from ablab.folders import shipped_folder

SHORT = ("trainer.max_epochs=1", "batch_size=32", "devices=cpu", "launcher.threads=1")
NUM_TEST_IMAGES = 51
FEW = ("data.train_images=96", "data.val_images=20", f"data.test_images={NUM_TEST_IMAGES}")
GRAY, COLOR, LARGE = "dataset.path=digits.npz", "dataset.path=pictures", "dataset=digits"
BATCH, DOUBLE, BFLOAT16 = "normalization=batch", "trainer.precision=64-true", "bf16-mixed"

# Options of each architecture, without `architecture.` before those that are its own.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "alexnet": (LARGE, ".channels=[8,16,16,16,16]", ".hidden=[16]", "normalization=local_response"),
    "alexnet_cifar": (LARGE, ".channels=[8,16,16,16,16]", "pooling=lp", "dropout=spatial"),
    "cnn": (
        *(COLOR, ".channels=[4,8]", ".conv=locally_connected"),
        *("data.permute_pixels=true", "seed=3"),
    ),
    "cnn1d": (".channels=[8,8]", "pooling=mean"),
    "convnext_tiny": (
        *(".blocks=[1,1,2,1]", ".widths=[8,8,16,16]"),
        *("activation=gelu", "normalization=layer", "normalization.over=channels"),
        "dropout=stochastic_depth",
    ),
    "densenet100": (".blocks=[2,2]", ".growth=4", "pooling=mean", BATCH),
    "densenet121": (".blocks=[2,2,2]", ".growth=4", "normalization=instance"),
    "googlenet": (".auxiliary=true",),
    "gru": (".hidden=8", ".bidirectional=true", "data.permute_pixels=true", "seed=4"),
    "inception_v3": (),
    "lenet5": (
        *(LARGE, "pooling=trainable_subsampling"),
        *("data.test_shift=[2]", "data.test_noise=[0.5]", "data.test_contrast=[0.5]"),
    ),
    "lenet5_1998": (LARGE,),
    "lenet5_s0": (LARGE, "loss=mse", "data.standardize=false"),
    "lstm": (".hidden=8", f"trainer.precision={BFLOAT16}"),
    "mlp": (".widths=[8]", "dropout=dropout", "data.standardize=false", BATCH),
    "mobilenet": (".width=0.1", BATCH),
    "narx": (".hidden=8",),
    "one_conv": (COLOR, ".channels=2", ".widths=[8]", DOUBLE),
    "plain20": (".depth=8", BATCH, f"trainer.precision={BFLOAT16}"),
    "plain56": (".depth=8", BATCH, DOUBLE),
    "resnet110": (".depth=8", BATCH, "dropout=stochastic_depth"),
    "resnet18": (".blocks=[1,1,1,1]", ".width=8", "normalization=group"),
    "resnet20": (".depth=8", "normalization=layer", "normalization.placement=after"),
    "resnet34": (".blocks=[1,1,1,1]", ".width=8", ".shortcut=padded", BATCH),
    "resnet50": (".blocks=[1,1,1,1]", ".width=8", BATCH),
    "resnet56": (".depth=8", ".shortcut=projected", "activation=prelu"),
    "srn": (".hidden=8", "activation=tanh"),
    "tdnn": (".channels=[8,8]", ".delays=[1,2]", ".readout=statistics"),
    "vgg": (LARGE, ".depth=11", "pooling=mixed"),
    "wide_resnet": (".depth=10", ".width=1", "normalization=group", "dropout=dropout"),
}


def overrides(name: str) -> list[str]:
    """Return the overrides of an architecture's trial; one without options is trained as it is."""
    own = ["architecture" + o if o.startswith(".") else o for o in OPTIONS.get(name, ())]
    if COLOR in own:
        own = ["dataset=folder", "dataset.image_size=8", *own]
    elif LARGE not in own:
        own = ["dataset=folder", GRAY, *own]
    return [f"architecture={name}", *own, *SHORT, *FEW]


def architectures() -> list[str]:
    """Return the names of all architectures."""
    return sorted(path.stem for path in (shipped_folder("conf") / "architecture").rglob("*.yaml"))


def one_of_each_class() -> list[str]:
    """Return the first of the architectures that share a class."""
    folder = shipped_folder("conf") / "architecture"
    targets: dict[str, str] = {}
    for name in architectures():
        target = yaml.safe_load((folder / f"{name}.yaml").read_text())["_target_"]
        targets.setdefault(target, name)
    return list(targets.values())


def write_data(folder: Path) -> None:
    """Write the digits in their own size, gray in one file, and in colors as pictures."""
    digits = load_digits()
    images, labels = (digits.images * 255 / 16).astype(np.uint8), digits.target
    parts = {"train": slice(0, 300), "test": slice(300, 400)}
    arrays = {f"{part}_images": images[s] for part, s in parts.items()}
    np.savez(
        folder / "digits.npz",
        **arrays,
        **{f"{part}_labels": labels[s] for part, s in parts.items()},
    )
    for number, (image, label) in enumerate(zip(images[:300], labels[:300], strict=True)):
        class_folder = folder / "pictures" / str(label)
        class_folder.mkdir(parents=True, exist_ok=True)
        colored = np.stack([image, image // 2, 255 - image], -1)
        Image.fromarray(colored).save(class_folder / f"{number}.png")
