"""Trainings as `specc train` does them, for a study and for the workers of a search."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specc.check import Checked
from specc.cli.export import export_what_passes
from specc.errors import clean

if TYPE_CHECKING:
    from specc.backend.data.dataset import DataSet
    from specc.backend.progress import ProgressListener


class Trainings(NamedTuple):
    """What trains, resumes and exports. base: the folder that relative paths in the spec start from."""

    device: str
    data_dir: Path | None
    base: Path
    command: Sequence[str]
    subset: int | None
    exports: bool = False

    def begin(self, checked: Checked, run: Path, dataset: "DataSet", listener: "ProgressListener") -> int:
        from specc.backend.train.job import train

        return train(
            checked,
            out=run,
            device=self.device,
            data_dir=self.data_dir,
            base=self.base,
            command=self.command,
            subset=self.subset,
            dataset=dataset,
            listener=listener,
        ).status

    def resume(self, run: Path, dataset: "DataSet", listener: "ProgressListener") -> int:
        from specc.backend.train.resume import resume

        return resume(run, device=self.device, data_dir=self.data_dir, dataset=dataset, listener=listener).status

    def export(self, run: Path) -> None:
        if self.exports:
            _, refusal = export_what_passes(run, data_dir=self.data_dir, device=self.device)
            if refusal:
                print(f"{clean(str(run))}: {refusal.message}", file=sys.stderr)
