"""Where the published data sets come from, and the sums that their files must have.

The SHA-256 are those of the decompressed content: a .gz differs from mirror to mirror in the time
stamp of its header.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """A published file: its name, the bytes of its content and their SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """A published data set.

    Attributes:
        name: what `ablab data fetch` calls it.
        folder: inside the data folder.
        files: what the reader needs.
        mirrors: addresses that end in a slash, the official one first.
        archive: the file that is fetched from a mirror and holds ``<folder>/<file>`` for each of
            the files; without one each is fetched as ``<file>.gz``.
    """

    name: str
    folder: str
    files: tuple[SourceFile, ...]
    mirrors: tuple[str, ...]
    archive: SourceFile | None = None

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that stand for the content of all files."""
        sums = "/".join(file.sha256 for file in self.files)
        return hashlib.sha256(sums.encode()).hexdigest()[:16]


MNIST = Source(
    name="mnist",
    folder="mnist",
    files=(
        SourceFile(
            "train-images-idx3-ubyte",
            47_040_016,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        SourceFile(
            "train-labels-idx1-ubyte",
            60_008,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        SourceFile(
            "t10k-images-idx3-ubyte",
            7_840_016,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        SourceFile(
            "t10k-labels-idx1-ubyte",
            10_008,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)

# No other public address is known to carry the same bytes.
CIFAR100 = Source(
    name="cifar100",
    folder="cifar-100-binary",
    files=(
        SourceFile(
            "train.bin",
            153_700_000,
            "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
        ),
        SourceFile(
            "test.bin",
            30_740_000,
            "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
        ),
    ),
    mirrors=("https://www.cs.toronto.edu/~kriz/",),
    archive=SourceFile(
        "cifar-100-binary.tar.gz",
        168_513_733,
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    ),
)

SOURCES = {source.name: source for source in (MNIST, CIFAR100)}
