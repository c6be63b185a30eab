"""A run's best weights on a part of its images."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from specc.backend.data.dataset import DataSet, load
from specc.backend.data.loader import validation_batches
from specc.backend.data.split import Split
from specc.backend.data.subset import subset_of
from specc.backend.device import exact, find
from specc.backend.evaluation.activation import probabilities
from specc.backend.evaluation.caveats import caveats
from specc.backend.evaluation.evaluate import evaluate, refuse_not_finite
from specc.backend.evaluation.figures import Figures, figures_of
from specc.backend.evaluation.losses import loss_of
from specc.backend.evaluation.totals import Evaluation
from specc.backend.evaluation.words import optimism
from specc.backend.precision import Precision
from specc.backend.run.files import BEST, METRICS
from specc.backend.run.load import Run
from specc.backend.run.looks import read_looks, write_look
from specc.backend.run.manifest import about_data, now
from specc.backend.run.metrics import read_lines
from specc.backend.run.same_data import refuse_other_data, refuse_other_test
from specc.backend.tasks.bound import BoundTask, Records
from specc.errors import SpeccError
from specc.files import is_number, read_file

PartName = Literal["validation", "test", "train"]
TRAINING, EVAL = "specc train", "specc eval"  # who looks
DATA_PLACE = "give the folder of the data set with --data-dir"


class Measured(NamedTuple):
    """A run's figures on a part of its images.

    words: which images, such as `the test part, 355 images`. optimistic: why the figures are too good; "" where they
    are not. caveats: what else keeps them from saying what they seem to. look: of the test part, as it stands in
    looks.jsonl. looks: how many there are by now. images: those that were measured. probabilities: N x outputs; None
    where the network gives numbers or maps.
    """

    part: PartName
    words: str
    task: BoundTask
    evaluation: Evaluation
    figures: Figures
    optimistic: str
    caveats: list[str]
    look: dict[str, Any] | None = None
    looks: int = 0
    images: Split | None = None
    probabilities: Records | None = None

    @property
    def costs(self) -> Records:
        """How wrong the answer for each image is, N; 0 for one that is right."""
        return self.task.costs(self.evaluation.records, self.probabilities)

    def worst(self, most: int) -> list[int]:
        """The numbers of the images whose answers are the most wrong, the worst first; none whose answer is right."""
        costs = self.costs
        order = np.argsort(-costs, kind="stable")[:most]
        return [number for number in order.tolist() if costs[number] > 0]

    def rows(self, numbers: Sequence[int] | None = None) -> list[dict[str, Any]]:
        """What is known of some images, or of all: the name, the loss, what is true and what the network says."""
        names, losses, shares = self.names, self.evaluation.loss_of_each, self.probabilities
        rows = []
        for number in range(len(names)) if numbers is None else numbers:
            loss = None if losses is None or not np.isfinite(losses[number]) else float(losses[number])
            own = None if shares is None else shares[number]
            answer = self.task.row(self.evaluation.records[number], own)
            rows.append({"image": names[number], "loss": loss, **answer})
        return rows

    @property
    def names(self) -> Sequence[str]:
        """What each image is called."""
        names = self.images.names if self.images is not None else ()
        return names or [f"{self.part}[{number}]" for number in range(len(self.evaluation.records))]


def evaluate_run(
    run: Run,
    *,
    device: str = "auto",
    data_dir: Path | None = None,
    part: PartName = "validation",
    dataset: DataSet | None = None,
) -> Measured:
    """The best weights of a run on its validation, test or training images, in fp32. A look at the test part is
    recorded in the run's looks.jsonl. dataset: what `dataset_of` gave, where the data are loaded already.

    Raises SpeccError: E430 no such device, E408 no such part, E441 the data have changed, E465 answers that are not
    finite, E481 the look cannot be recorded, E401 and on.
    """
    place = find(device)
    if dataset is None:
        dataset = dataset_of(run, data_dir, with_test=part == "test")
    if part == "test":
        return look_at_test(run, dataset, place, by=EVAL)
    if part == "train":
        subset = run.info.get("subset")
        dataset = dataset if subset is None else subset_of(dataset, subset)
        return _measure(run, dataset._replace(validation=dataset.train), place, part, _trained_on(dataset))
    return _measure(run, dataset, place, part, dataset.validated_on)._replace(caveats=caveats(dataset, part))


def dataset_of(run: Run, data_dir: Path | None = None, *, with_test: bool = False) -> DataSet:
    """The data that a run was trained on. Raises SpeccError E441 where they have changed, E401 and on."""
    dataset = load(run.spec.data, data_dir=data_dir or run.data_dir, base=run.base, with_test=with_test)
    refuse_other_data(run.path, run.info, about_data(dataset), DATA_PLACE)
    return dataset


def look_at_test(run: Run, dataset: DataSet, place: torch.device, by: str) -> Measured:
    """The best weights of a run on the test part, recorded before it is shown. by: who looks.

    A training that looks with the weights and images of an earlier look of its own gets what that one found.

    Raises SpeccError: E408 there is no test part, E441, E465, E481.
    """
    held_out = dataset.test
    if dataset.part == "test":
        words, images, digest = dataset.validated_on, dataset.validation, dataset.hash
    elif held_out is None or held_out.images is None:
        message = f"`{dataset.name}` has no labeled test part to measure on"
        raise SpeccError("E408", message, help="give it one; `--part validation` measures on the images that chose")
    else:
        refuse_other_test(run.path, run.info, held_out, DATA_PLACE)
        words, images, digest = held_out.words, held_out.images, held_out.hash
    measured = _measure(run, dataset._replace(validation=images), place, "test", words)
    measured = measured._replace(caveats=caveats(dataset, "test"))
    look = {
        "at": now(),
        "by": by,
        "measured_on": words,
        "images": measured.figures.images,
        "weights_sha256": _hash_of(run.path / BEST),
        "data_sha256": digest,
        "caveats": measured.caveats,
        "figures": measured.figures.as_dict(),
    }
    return measured._replace(look=look, looks=write_look(run.path, look))


def earlier_look(run: Path, dataset: DataSet) -> dict[str, Any] | None:
    """The look that the training of a run has had at this test part with its best weights; None where it had none."""
    if dataset.test is None:
        return None
    known = {"by": TRAINING, "weights_sha256": _hash_of(run / BEST), "data_sha256": dataset.test.hash}
    return next((look for look in read_looks(run) if known.items() <= look.items() and _is_whole(look)), None)


def test_figures(run: Run) -> dict[str, Any] | None:
    """What run.json says of the test part, where that was measured with the best weights that are there now."""
    look = run.info.get("figures", {}).get("test")
    if not look or not _is_whole(look) or look.get("weights_sha256") != _hash_of(run.path / BEST):
        return None
    kept = {name: look[name] for name in ("measured_on", "images", "data_sha256", "figures")}
    return {**kept, "caveats": look["caveats"]} if look.get("caveats") else kept


def _is_whole(look: dict[str, Any]) -> bool:
    """Whether a look from a file has what is printed of it."""
    if not all(isinstance(look.get(name), str) for name in ("measured_on", "data_sha256")):
        return False
    if type(look.get("images")) is not int:
        return False
    caveats = look.get("caveats", [])
    if not isinstance(caveats, list) or not all(isinstance(line, str) for line in caveats):
        return False
    figures = look.get("figures")
    return isinstance(figures, dict) and all(map(_is_figure, figures.values()))


def _is_figure(value: Any) -> bool:
    """Whether a value from a file is a figure with its interval, either of which may be null."""
    return isinstance(value, dict) and all(
        value.get(name) is None or is_number(value[name]) for name in ("value", "low", "high")
    )


def _hash_of(path: Path) -> str:
    return hashlib.sha256(read_file(path)).hexdigest()


def _trained_on(dataset: DataSet) -> str:
    return f"the images that it was trained on, {len(dataset.train):,} of them, as they are"


def _measure(run: Run, dataset: DataSet, place: torch.device, part: PartName, words: str) -> Measured:
    """The best weights of a run on the validation images of a data set."""
    exact(place)
    train, data = run.spec.train, run.spec.data
    net = run.net.to(place)
    loss = loss_of(train, dataset, place)
    tta = train.evaluate.args if train.evaluate else None

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        return validation_batches(dataset, data, train.batch, place)

    precision = Precision("fp32", "exact")
    evaluation = evaluate(net, batches(), dataset.task, loss, precision, tta, keep_each=True)
    what = "training" if part == "train" else part
    refuse_not_finite(evaluation, net, batches(), f"the {what} images")
    chosen = part == "validation" or (part == "test" and dataset.part == "test")
    why = optimism(dataset.part, epochs_of(run.path)) if chosen else ""
    figures, shares = figures_of(evaluation, dataset.task), probabilities(evaluation, run.spec, dataset.task.facts)
    return Measured(
        part, words, dataset.task, evaluation, figures, why, [], images=dataset.validation, probabilities=shares
    )


def epochs_of(run: Path) -> int:
    """How many epochs of a run were evaluated, and one of them chosen; 0 where nothing says so."""
    return sum(1 for _ in read_lines(run / METRICS))
