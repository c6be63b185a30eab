"""The result of one batch through a fresh network: as a table for people and as plain data for programs."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from specc.errors import counted
from specc.fit import fitted
from specc.report.columns import columns

NO_VARIANT = "(none)"  # the spec without a variant
HEADINGS = ("layer", "op", "mean", "deviation", "varies", "dead", "saturated", "gradient", "predicted")
GUIDE = """\
varies: share that differs from image to image; dead: channels that are zero for all
images; saturated: numbers where the activation is nearly flat; gradient: root mean
square over the kernel; predicted: the same, from the graph alone"""


class Figures(NamedTuple):
    """Statistics of one tensor. mean, std: of all its numbers.

    variation: how much of it differs from image to image: the root mean square of the deviation over the images at each
    place, over the root mean square of the numbers. dead: the share of channels that are zero for the whole batch.
    """

    mean: float
    std: float
    variation: float
    dead: float


class Layer(NamedTuple):
    """One layer. gives: its output. saturated: of an activation that is flat on both sides, the share of numbers where
    its slope is below 1% of the steepest; None for others. flow: root mean square of the loss's gradient by the output.
    norm, rms: of the gradient of its kernel; predicted: rms as predicted from the graph, given that of the last kernel;
    None without a kernel. rectifies: whether it is a kind of relu. on_trunk: whether everything has to pass it.
    """

    name: str
    op: str
    line: int
    head: str
    gives: Figures
    saturated: float | None
    flow: float | None
    norm: float | None
    rms: float | None
    predicted: float | None
    rectifies: bool
    on_trunk: bool


class Verdict(NamedTuple):
    """What will happen. kind: `fine`, or one word for what is wrong. learns: whether training has a chance.
    where: the layer at which it goes wrong, or "". cause: why it goes wrong, where a trial may still show that the
    network learns; else ""."""

    kind: str
    learns: bool
    text: str
    where: str = ""
    cause: str = ""


class Trial(NamedTuple):
    """A few real steps on some images of the batch.

    images: how many. steps: taken, by what. is_whole: there were as many as it takes to tell, which a very large
    network is not given. constant: the loss of the best answer that is the same for all of these images. losses: before
    each step. fits: they ended clearly below that.
    """

    images: int
    steps: int
    by: str
    is_whole: bool
    constant: float
    losses: tuple[float, ...]
    fits: bool

    @property
    def text(self) -> str:
        """`40 steps of adam(lr=0.001) on 16 images took their loss from 2.34 to 0.65, below the 2.23 of the best
        constant answer`."""
        last = self.losses[-1]
        where = "below" if self.fits else "near" if 0.9 < last / self.constant < 1.1 else "against"
        return (
            f"{self.how} on {counted(self.images, 'image')} took their loss from {self.losses[0]:.3g} to {last:.3g}, "
            f"{where} the {self.constant:.3g} of the best constant answer"
        )

    @property
    def how(self) -> str:
        """`40 steps of adam(lr=0.001)`."""
        return f"{counted(self.steps, 'step')} of {self.by}"


class Probed(NamedTuple):
    """One batch through a network before its first step. asked: images in a batch of the training; batch: in this one.
    start: the weights that `train.start` names, and what became of them, in words; "" where all are drawn.
    images: what flowed in. gradient_ratio, predicted_ratio: rms of the gradient at the first layer's kernel over that
    at the last layer's, as measured and as predicted from the graph; None where there is none. end_scale: how
    large `init=auto` lets the last kernel start, with he_normal's start as the unit; it is divided out of both ratios.
    guess: the loss of outputs that do not depend on the image; about_guess: what these are. trial: the first steps;
    None where they could show nothing."""

    network: str
    variant: str | None
    source: str
    device: str
    seed: int
    asked: int
    batch: int
    start: str
    guess: float
    about_guess: str
    images: Figures
    layers: list[Layer]
    loss: float
    gradient_ratio: float | None
    predicted_ratio: float | None
    end_scale: float
    trial: Trial | None
    verdict: Verdict

    @property
    def kernels(self) -> list[Layer]:
        """The layers with kernels, without those of auxiliary classifiers."""
        return [layer for layer in self.layers if layer.rms is not None and not layer.head]

    @property
    def title(self) -> str:
        """`Deck, variant he`."""
        return f"{self.network}, variant {self.variant}" if self.variant else self.network


def probe_json(probed: Probed) -> dict[str, Any]:
    """What `specc probe --json` prints, without its `format`. What is not a finite number is null."""
    return {
        "network": probed.network,
        "variant": probed.variant,
        "source": probed.source,
        "device": probed.device,
        "seed": probed.seed,
        "batch": probed.batch,
        "start": probed.start or None,
        "loss": _number(probed.loss),
        "loss_of_a_guess": _number(probed.guess),
        "gradient_ratio": _number(probed.gradient_ratio),
        "predicted_ratio": _number(probed.predicted_ratio),
        "end_scale": probed.end_scale,
        "trial": _trial(probed.trial),
        "verdict": probed.verdict.text,
        "kind": probed.verdict.kind,
        "learns": probed.verdict.learns,
        "where": probed.verdict.where or None,
        "images": _figures(probed.images),
        "layers": [_layer(layer) for layer in probed.layers],
    }


def _trial(trial: Trial | None) -> dict[str, Any] | None:
    if trial is None:
        return None
    return {
        "images": trial.images,
        "steps": trial.steps,
        "by": trial.by,
        "whole": trial.is_whole,
        "loss_of_best_constant": _number(trial.constant),
        "losses": [_number(loss) for loss in trial.losses],
        "fits": trial.fits,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "op": layer.op,
        "line": layer.line,
        "head": layer.head or None,
        **_figures(layer.gives),
        "saturated": _number(layer.saturated),
        "gradient_norm": _number(layer.norm),
        "gradient_rms": _number(layer.rms),
        "predicted_rms": _number(layer.predicted),
        "output_gradient_rms": _number(layer.flow),
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "activation_mean": _number(figures.mean),
        "activation_std": _number(figures.std),
        "variation": _number(figures.variation),
        "dead": _number(figures.dead),
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def probe_table(probed: Probed) -> str:
    """The layers in columns, and the verdict."""
    rows = [("images", "", *_cells(probed.images), "", "", ""), *map(_row, probed.layers)]
    lines = columns([HEADINGS, *rows], range(2, len(HEADINGS)))
    ratio = "" if probed.gradient_ratio is None else f"; gradient, first over last layer: {probed.gradient_ratio:.2g}"
    if ratio and probed.predicted_ratio is not None:
        ratio += f" (predicted {probed.predicted_ratio:.2g})"
    if ratio and probed.end_scale != 1 and len(probed.kernels) > 1:
        ratio += f", divided by {probed.end_scale:.2g}, the last one's start over he_normal's"
    batch = counted(probed.batch, "image")
    of = "" if probed.batch == probed.asked else f" (of a batch of {probed.asked})"
    guess = f"{probed.about_guess} gives {probed.guess:.2f}"
    notes = [
        "",
        GUIDE,
        "",
        f"{probed.title}: {batch}{of} from {probed.source}, seed {probed.seed}, on {probed.device}",
        *([probed.start] if probed.start else []),
        f"loss {probed.loss:.3g} ({guess}){ratio}",
        f"verdict: {probed.verdict.text}",
    ]
    return "\n".join([*lines, *map(fitted, notes)])


def verdict_line(name: str, ratio: float | str | None, text: str, names: Sequence[str]) -> str:
    """One of the lines for several variants, whose `names` are known before they are probed."""
    width = max(map(len, (*names, NO_VARIANT)))
    shown = ratio if isinstance(ratio, str) else _short(ratio)
    return fitted(f"{name:<{width}}  {shown:>7}  {text}", more=" " * 4)


def _row(layer: Layer) -> tuple[str, ...]:
    name = f"{layer.name} ({layer.head})" if layer.head else layer.name
    saturated = _percent(layer.saturated) if layer.saturated is not None else ""
    return name, layer.op, *_cells(layer.gives), saturated, _short(layer.rms), _short(layer.predicted)


def _cells(figures: Figures) -> tuple[str, ...]:
    varies = f"{figures.variation:.0%}" if figures.variation >= 0.01 else _short(figures.variation)
    return _short(figures.mean), _short(figures.std), varies, _percent(figures.dead)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share else ""


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"
