"""`ablab data` and `doctor`: data sets, and checks of the machine."""

import argparse
import sys
from typing import TYPE_CHECKING

from ablab.cli.command import add, add_allow, add_overrides
from ablab.errors import InputError
from ablab.folders import lab_folder
from ablab.text import escape_controls

if TYPE_CHECKING:
    from ablab.cli.command import Commands


def add_to(commands: "Commands") -> None:
    """Add the commands to the parser."""
    data = add(commands, "data", _data, "download or verify a data set")
    data.add_argument(
        "action",
        choices=("fetch", "verify"),
        help="download the data set, or check what is there",
    )
    data.add_argument("dataset", help="name of a data set")
    add_allow(data)
    add_overrides(data, "for your own data: dataset.path=PATH dataset.image_size=64")
    text = "check the lab, its store, data, disk and devices: what is wrong, and what to do"
    doctor = add(commands, "doctor", _doctor, text)
    doctor.add_argument(
        "--fix",
        action="store_true",
        help="do what is safe: remove what killed processes left, recreate a damaged store of the "
        "lab and keep the old one; without this, nothing is changed",
    )
    doctor.add_argument(
        "--thorough", action="store_true", help="compare every byte of weights too, not their size"
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON document")


def _data(options: argparse.Namespace) -> int:
    from ablab.data.fetch import DATASETS, fetch, verify

    is_published = options.dataset in ("digits", *DATASETS)
    if options.overrides and (is_published or options.action == "fetch"):
        raise InputError(
            f"override must be left out except to verify your own data, got {options.overrides[0]}"
        )
    if options.action == "fetch":
        sys.stdout.writelines(f"{line}\n" for line in fetch(options.dataset))
        return 0
    if not is_published:
        from ablab.catalogue.data_check import check_data

        lines = check_data(options.dataset, options.overrides)
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return 0
    checks = verify(options.dataset)
    for check in checks:
        sys.stdout.write(f"{'ok ' if check.ok else 'BAD'} {check.file} {check.detail}\n")
    return 0 if all(check.ok for check in checks) else 1


def _doctor(options: argparse.Namespace) -> int:
    from ablab.catalogue.doctor import examine, to_json, to_lines
    from ablab.tracking.lab import Lab

    diagnosis = examine(Lab(lab_folder()), fix=options.fix, thorough=options.thorough)
    if options.json:
        sys.stdout.write(to_json(diagnosis))
    else:
        sys.stdout.writelines(f"{escape_controls(line)}\n" for line in to_lines(diagnosis))
    return 1 if diagnosis.num_left else 0
