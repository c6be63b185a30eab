"""What a sink is told of a run, from what lies in its folder: at its beginning, of its epochs, and at its end."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from specc.backend.run.files import CERTIFICATE, METRICS, MODEL, SPEC
from specc.backend.run.load import read_spec
from specc.backend.run.manifest import read_info
from specc.backend.run.metrics import is_epoch_line, read_lines
from specc.backend.run.summary import summary_of
from specc.backend.sinks.sink import About, Sink, flat
from specc.files import is_number
from specc.report.diff import all_settings
from specc.report.layers import layers_table
from specc.report.picture import picture_file

REPORT = "report.html"


def about_run(path: Path) -> About:
    """What a run is called. Raises SpeccError E439 and on as `read_info` does."""
    info = read_info(path)
    name, variant = info.get("name") or path.resolve().name, info.get("variant")
    return About(f"{name}-{variant}" if variant else str(name), path)


def tell_begin(sink: Sink, path: Path) -> None:
    """The settings, the text of the spec, the layers."""
    spec = read_spec(path, read_info(path))
    sink.settings(all_settings(spec))
    sink.text("spec", f"```\n{spec.resolved}\n```")
    sink.text("layers", f"```\n{layers_table(spec, spec.graph)}\n```")


def epochs_of(path: Path) -> list[dict[str, Any]]:
    """The lines of all epochs that have ended."""
    return [line for line in read_lines(path / METRICS) if is_epoch_line(line)]


def tell_epochs(sink: Sink, lines: Sequence[dict[str, Any]]) -> None:
    for line in lines:
        sink.scalars(line["step"], flat(line))


def tell_end(sink: Sink, path: Path) -> None:
    """The figures of the epoch that was kept, pictures, and the model where it is exported."""
    from specc.backend.pictures.run import run_figure  # which imports Matplotlib
    from specc.backend.pictures.style import look, save

    summary = summary_of(path)
    step = summary.info.get("step", 0)
    results = {
        f"{part}_{name}{'' if end == 'value' else f'_{end}'}": value
        for part in ("validation", "test")
        for name, ends in summary.figures(part).items()
        for end, value in ends.items()
        if is_number(value)
    }
    if results:
        sink.results(step, {name: float(value) for name, value in results.items() if value is not None})
    spec = read_spec(path, summary.info)
    lines = epochs_of(path)
    with TemporaryDirectory(prefix="specc-") as folder:
        if lines:
            with look():
                curves = save(run_figure(lines, summary.task, summary.name), Path(folder) / "curves.png")
            sink.picture("curves", curves[0])
        network = Path(folder) / "network.svg"
        network.write_text(picture_file(spec.graph), encoding="utf-8")
        for file in (path / SPEC, path / MODEL, path / CERTIFICATE, path / REPORT, network):
            if file.is_file():
                sink.file(file)


def tell_all(sink: Sink, path: Path) -> None:
    """The whole run."""
    tell_begin(sink, path)
    tell_epochs(sink, epochs_of(path))
    tell_end(sink, path)
