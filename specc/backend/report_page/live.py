"""A run as a page while it is trained, from what lies in its folder; nothing is written, and no image is looked at."""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from threading import Lock
from time import time
from typing import Any

from specc.backend.evaluation.figures import Estimate
from specc.backend.progress import epoch_text
from specc.backend.report_page.curves import curves_of
from specc.backend.report_page.html import Section, facts, fold, page, paragraph, part, sentence, text, tiles
from specc.backend.report_page.network import network
from specc.backend.report_page.several import Compared, labels_of, several_sections
from specc.backend.report_page.spec import spec_section
from specc.backend.report_page.subject import epochs_in
from specc.backend.run.files import INFO, METRICS, SPEC
from specc.backend.run.load import read_spec
from specc.backend.run.manifest import read_info
from specc.backend.run.metrics import EpochResult, Selection, epoch_result, selection
from specc.backend.run.now import Now, read_now
from specc.backend.run.summary import DAMAGED, FINISHED, TRAINING, Summary, runs_in, summary_of
from specc.check import Trainable
from specc.errors import SpeccError, counted
from specc.files import is_number
from specc.ir.weights import frozen_parameters
from specc.report.study import duration
from specc.tasks import LOSS

LATEST = 8  # epochs, by which the time that is left is judged
SHOWN = 30  # epochs that stand as lines
RUNS = "runs"  # where a study keeps its runs
FOOT = "Served by specc watch on this machine: the page asks nobody else."

Lines = Sequence[dict[str, Any]]


class Watched:
    """A run, or a folder of runs, that is looked at again and again. It need not be there yet.

    What does not change while it trains, the picture of the network and the text of the spec, is made once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._specs: dict[Path, tuple[object, Trainable]] = {}
        self._fixed: tuple[object, list[Section]] = (None, [])

    def page(self) -> str:
        """The page as things stand now. It never raises: what is damaged or not there yet is said on it."""
        with self._lock:
            try:
                return self._page()
            except SpeccError as error:
                help = [paragraph(error.help, "q")] if error.help else []
                return _page(str(self.path), "".join([_warning(error.message), *help]), [])

    def _page(self) -> str:
        runs = _runs_of(self.path)
        if not runs:
            begins = "the page shows the run as soon as it begins"
            words = f"{self.path} is a file" if self.path.is_file() else f"There is no run in {self.path} yet: {begins}"
            return _page(str(self.path), paragraph(f"{words}.", "verdict"), [])
        return self._one(runs[0]) if runs == [self.path] else self._several(runs)

    def _one(self, path: Path) -> str:
        if not (path / INFO).exists():
            return _page(path.resolve().name, paragraph("It is beginning.", "verdict"), [])
        summary, lines = summary_of(path), epochs_in(path)
        if not summary.info:
            return _page(path.resolve().name, _warning(summary.why), [])
        spec = self._spec(path, summary.info)
        result = _kept(spec, summary, lines)
        curves = curves_of(lines, summary.task, spec.train.best, None if result is None else result.epoch)
        if not lines:
            curves = Section("curves", "Curves", paragraph("The curves begin when the first epoch ends."))
        if self._fixed[0] is not spec:
            drawn = network(spec.graph, frozen_parameters(spec.graph, spec.train.frozen))
            self._fixed = spec, [drawn, spec_section(spec, None)]
        sections = [curves, _epochs(spec, lines), _how(summary.info), *self._fixed[1]]
        now = read_now(path) if summary.state == TRAINING else None
        if now and lines and now.step <= lines[-1]["step"]:
            now = None
        return _page(f"{summary.name}: {_state(summary)}", _lead(summary, spec, lines, result, now), sections)

    def _several(self, paths: Sequence[Path]) -> str:
        compared, notes = [], []
        summaries = [summary_of(path) for path in paths]
        for path, label in zip(paths, labels_of(paths), strict=True):
            try:
                info = read_info(path)
                compared.append(Compared(label, info, self._spec(path, info), epochs_in(path)))
            except SpeccError as error:
                notes.append(f"Not shown: {label}, since {error.message}")
        shown = [run for run in compared if run.task == compared[0].task]
        if len(shown) < len(compared):
            others = [run.label for run in compared if run not in shown]
            notes.append(f"Of another task than the first run, and not shown: {', '.join(others)}")
        states = [summary.state for summary in summaries]
        counts = ", ".join(f"{states.count(state):,} {state}" for state in dict.fromkeys(states))
        lead = paragraph(f"{counted(len(paths), 'run')}: {counts}.", "verdict") + "".join(map(_warning, notes))
        return _page(str(self.path), lead, several_sections(shown) if shown else [])

    def _spec(self, path: Path, info: dict[str, Any]) -> Trainable:
        """The spec of a run, checked once as long as its file and its run.json are the same."""
        seen = [(path / name).stat().st_mtime_ns if (path / name).exists() else 0 for name in (SPEC, INFO)]
        if path not in self._specs or self._specs[path][0] != seen:
            self._specs[path] = seen, read_spec(path, info)
        return self._specs[path][1]


def _runs_of(path: Path) -> list[Path]:
    """The run at a path, or the runs in it; none where there is none yet."""
    if (path / SPEC).exists() and (path / METRICS).exists():
        return [path]
    for folder in (path, path / RUNS):
        try:
            return runs_in(folder)
        except SpeccError:
            continue
    return []


def _page(title: str, lead: str, sections: Sequence[Section]) -> str:
    link = '<p id="link" class="warn" role="status"></p>'
    return page(title, link + lead, sections, script=part("live.js"), foot=FOOT)


def _warning(words: str) -> str:
    return paragraph(f"{sentence(words)}.", "warn")


def _lead(summary: Summary, spec: Trainable, lines: Lines, kept: EpochResult | None, now: Now | None) -> str:
    """How it stands, in a sentence, and in the few numbers that matter."""
    verdict, notes = _verdict(summary, spec, lines), []
    if summary.state not in (FINISHED, TRAINING):
        notes.append(_warning(summary.why or f"`specc train --resume {summary.path}` continues it"))
    if resumed := [one for one in summary.info.get("resumed", ()) if isinstance(one, dict)]:
        last = resumed[-1]
        times = "once" if len(resumed) == 1 else f"{len(resumed)} times"
        notes.append(
            paragraph(f"Resumed {times}, last after step {last.get('step')} at {_clock(last.get('at'))}.", "q")
        )
    where = f"{summary.path}, begun {_clock(summary.info.get('started'))}"
    cells = _cells(summary, spec, lines, kept) if lines else []
    if now and (steps := summary.info.get("steps")):
        cells.insert(0, _now_cell(now, steps, spec.train.epochs))
    shown = [f'<p class="verdict">{text(verdict)}</p>', *notes, tiles(cells) if cells else "", paragraph(where, "q")]
    return "".join(shown)


def _clock(moment: object) -> str:
    return f"{str(moment or '').replace('T', ' ')[:19]} UTC"


def _state(summary: Summary) -> str:
    if summary.state in (FINISHED, TRAINING, DAMAGED):
        return summary.state
    return "killed" if _was_killed(summary.info) else "stopped"


def _was_killed(info: dict[str, Any]) -> bool:
    """Whether a training that nobody carries on has ended without a word: a stop, unlike a kill, stands in run.json."""
    resumed = [one["at"] for one in info.get("resumed", ()) if isinstance(one, dict) and "at" in one]
    return "ended" not in info or any(at > info["ended"] for at in resumed)


def _verdict(summary: Summary, spec: Trainable, lines: Lines) -> str:
    epochs, done = spec.train.epochs, summary.epochs
    progress = f"{done:g} of {counted(epochs, 'epoch')}"
    if summary.state == FINISHED:
        return f"Finished after {progress}{_figures_text(summary)}."
    if summary.state != TRAINING:
        return f"{sentence(_state(summary))} after {progress}."
    if not lines:
        return f"Training: the first figures are there when epoch {min(epochs, 1):g} of {epochs:g} ends."
    if done >= epochs:
        return f"Training: {progress} done; the result is measured now."
    return f"Training: {progress}, about {_rough(_left(summary, spec, lines))} left."


def _rough(seconds: float) -> str:
    """A time that is an estimate: without tenths of a second, and not broken at the end of a line."""
    return (f"{seconds:.0f} s" if seconds < 60 else duration(seconds)).replace(" ", "\N{NO-BREAK SPACE}")


def _figures_text(summary: Summary) -> str:
    """`: validation accuracy 97.2% (95.0% to 98.5%)`, and that of the test part."""
    first = summary.task.figures[0]
    known = [(part, summary.figures(part).get(first.name)) for part in ("validation", "test")]
    texts = [f"{part} {first.title} {Estimate.of(values).text(first)}" for part, values in known if values]
    return f": {', '.join(texts)}" if texts else ""


def _left(summary: Summary, spec: Trainable, lines: Lines) -> float:
    """The seconds until the last epoch ends, if each takes as long as the latest ones; early stopping ends sooner."""
    pairs = [(line, before) for before, line in zip([None, *lines], lines, strict=False)]
    paces = [
        line["seconds"] / (line["epoch"] - (before["epoch"] if before else 0))
        for line, before in pairs[-LATEST:]
        if is_number(line.get("seconds")) and line["epoch"] > (before["epoch"] if before else 0)
    ]
    if not paces:
        return 0.0
    whole = (spec.train.epochs - summary.epochs) * median(paces)
    since = time() - (summary.path / METRICS).stat().st_mtime  # of the epoch that is trained now
    return float(max(whole - min(max(since, 0.0), median(paces)), 0.0))


def _kept(spec: Trainable, summary: Summary, lines: Lines) -> EpochResult | None:
    """The epoch whose weights are kept so far."""
    chosen = selection(spec.train.best, summary.task)
    return chosen.best([epoch_result(line) for line in lines if _has(line, chosen)])


def _has(line: dict[str, Any], chosen: Selection) -> bool:
    return chosen.figure == LOSS or is_number(line.get(f"val_{chosen.figure.name}"))


def _cells(summary: Summary, spec: Trainable, lines: Lines, kept: EpochResult | None) -> list[tuple[str, str, str]]:
    last, steps = lines[-1], summary.info.get("steps")
    cells = [("Epoch", f"{last['epoch']:g} of {spec.train.epochs:g}", f"step {last['step']:,} of {steps or 0:,}")]
    for figure in [one for one in summary.task.figures if is_number(last.get(f"val_{one.name}"))][:2]:
        known = kept.figures.get(figure.name) if kept else None
        word = f"kept: {figure.text(known)}, epoch {kept.epoch:g}" if kept and known is not None else ""
        cells.append((sentence(figure.title), figure.text(last[f"val_{figure.name}"]), word))
    trained = last.get("train_loss")
    loss = f"training {trained:.4f}" if is_number(trained) else ""
    cells.append(("Validation loss", f"{last['val_loss']:.4f}", loss))
    if is_number(last.get("images_per_second")):
        cells.append(
            ("Images per second", f"{last['images_per_second']:,.0f}", str(summary.info.get("device_name", "")))
        )
    cells.append(("Trained", duration(summary.seconds), "without validation"))
    return cells


def _now_cell(now: Now, steps: int, epochs: float) -> tuple[str, str, str]:
    """The epoch that is trained now, as far as it is. steps: of the training, which lasts so many epochs."""
    whole = math.floor((now.step - 1) * epochs / steps)
    share = now.step * epochs / steps - whole
    return f"Epoch {whole + 1}", f"{min(share, 1):.0%}", f"loss {now.loss:.4f}, {now.figure} so far"


def _epochs(spec: Trainable, lines: Lines) -> Section:
    """The lines that `specc train` prints, the latest first."""
    words = [f"epoch {line['epoch']:g}/{spec.train.epochs:g}  {_line_text(line)}" for line in lines]
    if not words:
        return Section("epochs", "Epochs", paragraph("No epoch has ended yet."))
    latest = "\n".join(map(text, reversed(words[-SHOWN:])))
    left = len(words) - SHOWN
    more = paragraph(f"{left:,} earlier epochs stand in the table above.", "q") if left > 0 else ""
    return Section("epochs", "Epochs", f'<pre tabindex="0">{latest}</pre>{more}')


def _line_text(line: dict[str, Any]) -> str:
    try:
        return epoch_text(line, best=False)
    except (KeyError, TypeError, ValueError):  # a line that another version wrote
        return f"val_loss {line['val_loss']:.4f}"


def _how(info: dict[str, Any]) -> Section:
    """Where it is trained, and what was said when it began."""
    pairs = [
        ("Device", f"{info.get('device_name', info.get('device', ''))}, {info.get('precision', 'fp32')}"),
        ("Validated on", str(info.get("validated_on", ""))),
        ("Parameters", f"{info.get('parameters', 0):,}"),
    ]
    applied = [str(line) for line in info.get("applied", ())]
    notes = fold("What settings applied to", "".join(map(paragraph, applied))) if applied else ""
    return Section("how", "Where it runs", facts(pairs) + notes)
