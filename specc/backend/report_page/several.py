"""The page of several runs: curves over each other, and what differs in specs and figures, paired by seed."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from specc.backend.evaluation.figures import Estimate
from specc.backend.report_page.curves import drawn_figures, points_of, value_axis
from specc.backend.report_page.html import Section, figures, page, paragraph, table, text
from specc.backend.report_page.plot import COLORS, Axis, Line, axis, key, line_chart
from specc.backend.run.metrics import selection
from specc.backend.study.statistics import Gain, gain, holm
from specc.check import Trainable
from specc.errors import SpeccError, counted
from specc.report.diff import compare
from specc.report.study import duration, gain_text
from specc.tasks import CLASSIFICATION, LOSS, TASKS, Figure, Task

SEED = "train.seed"
LEVEL = 0.05


class Compared(NamedTuple):
    """A run among several. label: what it is called on the page."""

    label: str
    info: dict[str, Any]
    spec: Trainable
    lines: list[dict[str, Any]]

    @property
    def task(self) -> Task:
        return TASKS[self.info.get("task", CLASSIFICATION.name)]

    @property
    def figure(self) -> Figure:
        """By which its best epoch was chosen."""
        return selection(self.spec.train.best, self.task).figure

    def estimate(self, figure: Figure, part: str = "validation") -> Estimate:
        """A figure of the best epoch, as run.json has it; unknown where it was not measured."""
        measured = self.info.get("figures", {}).get(part) or {}
        known = measured.get("figures")
        found = known.get(figure.name) if isinstance(known, dict) else None
        return Estimate.of(found if isinstance(found, dict) else None)


def labels_of(paths: Sequence[Path]) -> list[str]:
    """The names of the folders; their paths where two have the same name."""
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def refuse_other_tasks(runs: Sequence[Compared]) -> None:
    """Raise SpeccError E531 where runs have learned different tasks: they have no figure in common."""
    first = runs[0]
    other = next((run for run in runs if run.task != first.task), None)
    if other is not None:
        message = f"{first.label} was trained for {first.task.name}, {other.label} for {other.task.name}"
        raise SpeccError("E531", message, help="report runs of one task together", status=1)


def several_page(runs: Sequence[Compared]) -> str:
    """The page. Raises SpeccError E531 as `refuse_other_tasks` does."""
    refuse_other_tasks(runs)
    return page(f"{len(runs)} runs compared", _lead(runs), several_sections(runs))


def several_sections(runs: Sequence[Compared]) -> list[Section]:
    """What the page of runs of one task shows."""
    return [_curves(runs), _figures(runs), _settings(runs), _paired(runs)]


def _lead(runs: Sequence[Compared]) -> str:
    figure = runs[0].figure
    known = [run for run in runs if run.estimate(figure).value is not None]
    if not known:
        return paragraph("None of these runs has figures in its run.json yet.", "warn")
    if not _are_comparable(runs):
        words = "These runs are not validated on the same images, so that their figures cannot be compared."
        return f'<p class="verdict">{text(words)}</p>' + paragraph(
            "In parentheses: 95% intervals over the images.", "q"
        )
    values = [run.estimate(figure).value or 0.0 for run in known]
    best = known[values.index(min(values) if figure.is_error else max(values))]
    estimate = best.estimate(figure)
    words = f"{best.label} has the best {figure.title} of {counted(len(known), 'run')}: {estimate.text(figure)}."
    notes = [f'<p class="verdict">{text(words)}</p>', paragraph("In parentheses: 95% intervals over the images.", "q")]
    alike = [run.label for run in known if run is not best and _overlap(run.estimate(figure), estimate)]
    if alike:
        notes.append(paragraph(f"Its interval overlaps with that of {', '.join(alike)}.", "q"))
    if any((run.info.get("figures", {}).get("validation") or {}).get("optimistic") for run in runs):
        words = (
            "Each figure is that of the run's best epoch, chosen on the same images, so optimistic; choosing the best "
        )
        notes.append(paragraph(f"{words}run by it is optimistic once more.", "warn"))
    return "".join(notes)


def _are_comparable(runs: Sequence[Compared]) -> bool:
    """Whether all are validated on the same images."""
    return len({(run.info["data_sha256"], run.info["validated_on"]) for run in runs}) == 1


def _overlap(one: Estimate, other: Estimate) -> bool:
    a, b = one.interval, other.interval
    return a is not None and b is not None and a.low <= b.high and b.low <= a.high


def _curves(runs: Sequence[Compared]) -> Section:
    trained = [run for run in runs if run.lines]
    if not trained:
        return Section("curves", "Curves", paragraph("No run has finished an epoch."))
    last = max(line["epoch"] for run in trained for line in run.lines)
    x = Axis(0.0, float(last) or 1.0, "epoch", whole=last >= 1)
    wanted = [
        figure for figure in trained[0].task.figures if all(drawn_figures(run.lines, [figure]) for run in trained)
    ]
    charts = []
    for figure in [*wanted[:1], LOSS, *wanted[1:]]:
        lines = _lines(runs, f"val_{figure.name}")
        charts.append(line_chart(f"Validation {figure.title}", x, value_axis(lines, figure), lines, with_key=False))
    losses, rates = _lines(runs, "train_loss"), _lines(runs, "lr")
    charts.append(line_chart("Training loss", x, value_axis(losses, LOSS), losses, with_key=False))
    scale = axis([0.0, *(value for line in rates for _, value in line.points)])
    charts.append(line_chart("Learning rate", x, scale, rates, with_key=False))
    return Section("curves", "Curves", key(_lines(runs, "val_loss")) + figures(charts))


def _lines(runs: Sequence[Compared], key: str) -> list[Line]:
    return [
        Line(run.label, points_of(run.lines, key), number % COLORS, dashed=number >= COLORS)
        for number, run in enumerate(runs)
        if points_of(run.lines, key)
    ]


def _figures(runs: Sequence[Compared]) -> Section:
    task, figure = runs[0].task, runs[0].figure
    others = [one for one in task.figures if one != figure and any(run.estimate(one).value is not None for run in runs)]
    with_test = any(run.estimate(figure, "test").value is not None for run in runs)
    head = ["run", "variant", "seed", "epochs", figure.title, *(one.title for one in others), "loss"]
    head += [f"test {figure.title}"] if with_test else []
    rows = [_row(run, [figure, *others], with_test) for run in runs]
    return Section("figures", "Figures", table([*head, "parameters", "time"], rows, texts=2, raw=True))


def _row(run: Compared, wanted: Sequence[Figure], with_test: bool) -> list[str]:
    seconds = sum(line["seconds"] for line in run.lines if isinstance(line.get("seconds"), int | float))
    loss = run.estimate(LOSS).value
    return [
        text(run.label),
        text(run.info.get("variant") or ""),
        str(run.spec.train.seed),
        f"{run.lines[-1]['epoch']:g}" if run.lines else "0",
        *(_estimate(figure, run.estimate(figure)) for figure in wanted),
        "–" if loss is None else f"{loss:.4f}",
        *([_estimate(wanted[0], run.estimate(wanted[0], "test"))] if with_test else []),
        f"{run.spec.graph.parameters:,}",
        duration(seconds),
    ]


def _estimate(figure: Figure, estimate: Estimate) -> str:
    """A figure, and below it its interval."""
    interval = estimate.interval
    ends = f"({figure.text(interval.low)} to {figure.text(interval.high)})" if interval else ""
    return f'{text(figure.text(estimate.value))}<br><span class="q">{text(ends)}</span>'


def _settings(runs: Sequence[Compared]) -> Section:
    """A row for each setting and count that is not the same everywhere."""
    first, *others = runs
    found = [compare(first.spec, run.spec) for run in others]
    columns: dict[str, list[str]] = {}
    for place, difference in enumerate(found, 1):
        pairs = [(one.name, one.a, one.b) for one in difference.settings]
        pairs += [(one.name, f"{one.a:,}", f"{one.b:,}") for one in difference.totals if one.a != one.b]
        for name, a, b in pairs:
            shown = ["(absent)" if side is None else side for side in (a, b)]
            columns.setdefault(name, [shown[0]] * len(runs))[place] = shown[1]
    if not columns:
        return Section("settings", "Differences", paragraph("All have the same network and the same settings."))
    rows = [[name, *values] for name, values in columns.items()]
    return Section("settings", "Differences", table(["", *(run.label for run in runs)], rows, texts=1 + len(runs)))


class Series(NamedTuple):
    """Runs of one spec with different seeds: the figure of each by its seed."""

    label: str
    values: dict[int, float]


def series_of(runs: Sequence[Compared], figure: Figure) -> list[Series]:
    """The runs, together where they differ in nothing but their seed; those without the figure are left out."""
    groups: list[list[Compared]] = []
    for run in runs:
        if run.estimate(figure).value is None:
            continue
        same = next((group for group in groups if _is_same_spec(group[0], run)), None)
        if same is None:
            groups.append([run])
        else:
            same.append(run)
    return [
        Series(
            group[0].label + (f" and {len(group) - 1} more" if len(group) > 1 else ""),
            {run.spec.train.seed: value for run in group if (value := run.estimate(figure).value) is not None},
        )
        for group in groups
    ]


def _is_same_spec(one: Compared, other: Compared) -> bool:
    difference = compare(one.spec, other.spec)
    return not difference.layers and all(change.name == SEED for change in difference.settings)


def _paired(runs: Sequence[Compared]) -> Section:
    figure = runs[0].figure
    if not _are_comparable(runs):
        words = "Nothing is paired: these runs are not validated on the same images."
        return Section("paired", "Paired by seed", paragraph(words))
    gains: list[tuple[Series, Series, Gain]] = []
    for one, other in combinations(series_of(runs, figure), 2):
        found = gain(other.values, one.values)
        if found is not None:
            gains.append((one, other, found))
    if not gains:
        words = (
            "No two specs share a seed, so that nothing can be paired. specc study trains variants with the same seeds."
        )
        return Section("paired", "Paired by seed", paragraph(words))
    corrected = iter(holm([found.p for _, _, found in gains if found.p is not None]))
    unit = "percentage points" if figure.unit == "share" else "in its own unit"
    rows = [
        [
            other.label,
            one.label,
            f"{found.pairs:,}",
            gain_text({"mean": found.mean, "low": found.low, "high": found.high}, figure),
            _chance(found, None if found.p is None else next(corrected)),
        ]
        for one, other, found in gains
    ]
    head = ["run", "compared with", "seeds", f"difference of {figure.title}, {unit}", "more than chance"]
    note = (
        "Runs that differ in nothing but their seed are taken together; a difference is that of runs with one seed, "
        "with the 95% interval of the paired t-test. More than chance: at 95% after Holm's correction for "
        f"{counted(len(rows), 'comparison')}."
    )
    return Section("paired", "Paired by seed", table(head, rows, texts=2) + paragraph(note, "q"))


def _chance(found: Gain, p: float | None) -> str:
    return "one seed says nothing" if p is None else "yes" if p < LEVEL else "no"
