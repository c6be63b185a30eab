"""A run, or several, as one HTML page: all that it shows lies within it, and it needs neither network nor script."""

from collections.abc import Sequence
from pathlib import Path

from specc.backend.report_page.one import run_page
from specc.backend.report_page.several import Compared, labels_of, several_page
from specc.backend.report_page.spec import Origin
from specc.backend.report_page.subject import epochs_in, subject_of
from specc.backend.run.load import open_run, read_spec
from specc.backend.run.manifest import read_info


def page_of_run(path: Path, *, device: str, data_dir: Path | None, origin: Origin | None) -> str:
    """The page of a run; its best weights are measured on its validation images, and looked at in their mistakes.

    origin: the spec that its own was made from, where that is known.

    Raises SpeccError E439 to E445 as `open_run` does, E430, E441 and on as `evaluate_run` does.
    """
    run = open_run(path)
    return run_page(subject_of(run, epochs_in(path), device, data_dir), origin)


def page_of_runs(paths: Sequence[Path]) -> str:
    """The page of several runs, from what lies in their folders; no image is looked at.

    Raises SpeccError: E439 and on as `read_info` and `read_spec` do, E531 they are of different tasks.
    """
    infos = [read_info(path) for path in paths]
    return several_page(
        [
            Compared(label, info, read_spec(path, info), epochs_in(path))
            for path, label, info in zip(paths, labels_of(paths), infos, strict=True)
        ]
    )
