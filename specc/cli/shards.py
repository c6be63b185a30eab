"""`train.shards` of a spec that does not set it: one for each of the processes that are asked for."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from specc.check import Checked
from specc.cli.common import report
from specc.errors import counted

if TYPE_CHECKING:
    from specc.backend.ranks import Ranks


def with_shards(again: Callable[[str], Checked], checked: Checked, shards: int) -> Checked | None:
    """The spec with `train.shards` where it does not set it itself; None where it does not fit, which is printed.

    again: checks the same spec with one more setting.
    """
    if shards < 2 or "train.shards" in checked.written:
        return checked
    cut = again(f"train.shards={shards}")
    if cut.errors:
        print(f"train.shards = {shards} stands for the number of processes: the spec does not set it", file=sys.stderr)
    return None if report(cut.errors) else cut


def tell_shards(spec: Checked) -> None:
    """Say what `with_shards` has set."""
    train = spec.trainable().train
    each = f"each batch is cut into {counted(train.shards, 'shard')} of {counted(train.part, 'image')}"
    words = f"train.shards = {train.shards}, one for each process, since the spec does not set it"
    print(f"{words}: {each}", file=sys.stderr)


def wanted_shards(ranks: "Ranks | None", run: Path | None) -> int:
    """The shards of a training whose spec does not say it: those of its run, or one for each process at first."""
    from specc.backend.launch.watch import SHARDS

    if run is not None:
        return shards_of(run)
    return int(os.environ.get(SHARDS, "0")) or ranks.world if ranks is not None else 1


def shards_of(run: Path) -> int:
    """Those that a run is trained with. Raises SpeccError as `read_info` and `read_spec` do."""
    from specc.backend.run.load import read_spec
    from specc.backend.run.manifest import read_info

    return read_spec(run, read_info(run)).train.shards
