"""A run's best weights on its validation images."""

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from specc.backend.data.dataset import load
from specc.backend.data.loader import validation_batches
from specc.backend.device import exact, find
from specc.backend.evaluation.evaluate import evaluate, refuse_not_finite
from specc.backend.evaluation.losses import loss_of
from specc.backend.evaluation.totals import Evaluation
from specc.backend.precision import Precision
from specc.backend.run.load import Run
from specc.backend.run.manifest import about_data, refuse_other_data


def evaluate_run(run: Run, *, device: str = "auto", data_dir: Path | None = None) -> Evaluation:
    """The best weights of a run on its validation images, in fp32.

    Raises SpeccError: E430 no such device, E441 the data have changed, E465 answers that are not finite, E401 and on.
    """
    place = find(device)
    exact(place)
    train, data = run.spec.train, run.spec.data
    dataset = load(data, data_dir=data_dir or run.data_dir, base=run.base)
    refuse_other_data(run.path, run.info, about_data(dataset), "give the folder of the data set with --data-dir")
    net = run.net.to(place)
    loss = loss_of(train, dataset, place)
    tta = train.evaluate.args if train.evaluate else None

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        return validation_batches(dataset, data, train.batch, place)

    evaluation = evaluate(net, batches(), dataset.task, loss, Precision("fp32", "exact"), tta)
    refuse_not_finite(evaluation, net, batches(), "the validation images")
    return evaluation
