"""The losses of every task: against torch's own, against loops, and over any cut into batches."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from specc.backend.evaluation.losses import Loss, loss_function
from specc.backend.evaluation.totals import Totals
from specc.backend.tasks.bound import BoundTask, bind
from specc.tasks import ALL, CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION, TASKS, Task
from specc.values import Bound
from specc.vocabulary import family
from specc.vocabulary.registry import COMPONENTS, component

CPU = torch.device("cpu")
IMAGES, OUTPUTS, IGNORE = 23, 3, 255
WEIGHTS = (0.5, 4.0, 2.0)
CUTS = [[23], [1] * 23, [5, 5, 5, 5, 3], [1, 22], [7, 2, 13, 1]]


def draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bound(task: Task) -> BoundTask:
    return bind(task, ("a", "b", "c"), ignore=IGNORE if task == SEGMENTATION else None)


def call(name: str, **args: Any) -> Bound:
    return component(family.Loss, name).call(**args)


def make(task: Task, *losses: Bound) -> Loss:
    return loss_function(losses, bound(task), CPU)


def outputs_of(task: Task) -> Tensor:
    size = (6, 5) if task.per_pixel else ()
    return 2 * torch.randn(IMAGES, OUTPUTS, *size, generator=draw(1), dtype=torch.float64)


def labels_of(task: Task) -> Tensor:
    """Labels of which one class is rare. In masks some pixels do not count, and in one of them no pixel does."""
    if task == CLASSIFICATION:
        return (torch.arange(IMAGES) >= IMAGES - 2).long() * 2 + torch.arange(IMAGES) % 2 * (torch.arange(IMAGES) < 20)
    if task == MULTILABEL:
        return (torch.rand(IMAGES, OUTPUTS, generator=draw(2)) < 0.3).float()
    if task == REGRESSION:
        return torch.randn(IMAGES, OUTPUTS, generator=draw(3))
    masks = torch.randint(0, 2, (IMAGES, 6, 5), generator=draw(4))
    masks[::4, :2, :2] = 2
    masks[torch.rand(masks.shape, generator=draw(5)) < 0.2] = IGNORE
    masks[9] = IGNORE
    return masks.to(torch.uint8)


TAGS, TAG_LOGITS = labels_of(MULTILABEL).double(), outputs_of(MULTILABEL)
NUMBERS, PREDICTIONS = labels_of(REGRESSION).double(), outputs_of(REGRESSION)
MASKS, MAPS = labels_of(SEGMENTATION), outputs_of(SEGMENTATION)
SOFT = 0.7 * TAGS + 0.3 * TAGS.roll(1, 0)  # as mixup gives them


@pytest.mark.parametrize("tags", [TAGS, SOFT], ids=["hard", "mixed"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_binary_cross_entropy_of_tags_equals_torchs(weights: tuple[float, ...] | None, tags: Tensor) -> None:
    """A tag's weight is what its presence counts: torch's `pos_weight`."""
    ours = make(MULTILABEL, call("binary_cross_entropy", weights=weights))(TAG_LOGITS, tags)
    theirs = functional.binary_cross_entropy_with_logits(
        TAG_LOGITS, tags, pos_weight=torch.tensor(weights) if weights else None
    )
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_focal_of_tags_is_its_formula(weights: tuple[float, ...] | None, gamma: float) -> None:
    """Lin et al., 2017, equation 4, for each tag: -(1 - p_t)^gamma log p_t."""
    total = 0.0
    for logits, tags in zip(TAG_LOGITS.tolist(), TAGS.tolist(), strict=True):
        for number, (logit, tag) in enumerate(zip(logits, tags, strict=True)):
            p = torch.sigmoid(torch.tensor(logit if tag else -logit, dtype=torch.float64))
            weight = weights[number] if weights and tag else 1.0
            total += weight * float(-((1 - p) ** gamma) * p.log())
    ours = make(MULTILABEL, call("focal", gamma=gamma, weights=weights))(TAG_LOGITS, TAGS)
    assert float(ours) == pytest.approx(total / (IMAGES * OUTPUTS), rel=1e-6)


def test_losses_of_mixed_tags_are_the_mixed_losses() -> None:
    for name in ("binary_cross_entropy", "focal"):
        loss = make(MULTILABEL, call(name, weights=WEIGHTS))
        torch.testing.assert_close(
            loss(TAG_LOGITS, SOFT), 0.7 * loss(TAG_LOGITS, TAGS) + 0.3 * loss(TAG_LOGITS, TAGS.roll(1, 0))
        )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_of_tags_and_its_gradient_stay_finite(gamma: float) -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]], requires_grad=True)
    loss = make(MULTILABEL, call("focal", gamma=gamma))(logits, torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss.isfinite() and gradient.isfinite().all()


@pytest.mark.parametrize(
    ("loss", "theirs"),
    [
        (call("mse"), functional.mse_loss(PREDICTIONS, NUMBERS)),
        (call("mae"), functional.l1_loss(PREDICTIONS, NUMBERS)),
        (call("huber"), functional.huber_loss(PREDICTIONS, NUMBERS)),
        (call("huber", delta=0.3), functional.huber_loss(PREDICTIONS, NUMBERS, delta=0.3)),
    ],
)
def test_losses_of_numbers_equal_torchs(loss: Bound, theirs: Tensor) -> None:
    torch.testing.assert_close(make(REGRESSION, loss)(PREDICTIONS, NUMBERS), theirs)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy_of_pixels_equals_torchs(smoothing: float, weights: tuple[float, ...] | None) -> None:
    ours = make(SEGMENTATION, call("cross_entropy", weights=weights, smoothing=smoothing))(MAPS, MASKS)
    theirs = functional.cross_entropy(
        MAPS,
        MASKS.long(),
        torch.tensor(weights).double() if weights else None,
        ignore_index=IGNORE,
        label_smoothing=smoothing,
    )
    torch.testing.assert_close(ours, theirs)


def dice_by_hand(maps: Tensor, masks: Tensor) -> float:
    """1 - 2 sum(p g) / sum(p + g): the mean over the classes in a mask, and over the masks with pixels that count."""
    costs: list[float] = []
    for p, mask in zip(maps.softmax(1), masks, strict=True):
        counts = mask != IGNORE
        of_classes: list[float] = []
        for number in range(OUTPUTS):
            truth = mask[counts] == number
            if truth.any():
                share = p[number][counts]
                of_classes.append(1 - 2 * float(share[truth].sum()) / float(share.sum() + truth.sum()))
        if of_classes:
            costs.append(sum(of_classes) / len(of_classes))
    assert len(costs) == IMAGES - 1  # one mask is ignored as a whole
    return sum(costs) / len(costs)


def test_dice_is_its_formula() -> None:
    assert float(make(SEGMENTATION, call("dice"))(MAPS, MASKS)) == pytest.approx(dice_by_hand(MAPS, MASKS), rel=1e-9)


def test_dice_of_a_perfect_network_is_0_and_its_gradient_is_finite() -> None:
    truth = torch.where(MASKS == IGNORE, 0, MASKS).long()
    maps = (1e3 * functional.one_hot(truth, OUTPUTS).movedim(-1, 1).float()).requires_grad_()
    loss = make(SEGMENTATION, call("dice"))(maps, MASKS)
    (gradient,) = torch.autograd.grad(loss, maps)
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6) and gradient.isfinite().all()


def test_ignored_pixels_change_nothing() -> None:
    loss = make(SEGMENTATION, call("cross_entropy", smoothing=0.1, weights=WEIGHTS), call("dice", weight=0.5))
    others = torch.where((MASKS == IGNORE)[:, None], torch.full_like(MAPS, 7.0), MAPS)
    torch.testing.assert_close(loss(MAPS, MASKS), loss(others, MASKS))
    (gradient,) = torch.autograd.grad(loss(maps := MAPS.clone().requires_grad_(), MASKS), maps)
    assert (gradient.movedim(1, -1)[MASKS == IGNORE] == 0).all()


@pytest.mark.parametrize("losses", [["cross_entropy"], ["dice"], ["cross_entropy", "dice"]])
def test_masks_in_which_nothing_counts_have_no_loss_and_no_gradient(losses: list[str]) -> None:
    maps = MAPS.clone().requires_grad_()
    loss = make(SEGMENTATION, *map(call, losses))(maps, torch.full_like(MASKS, IGNORE))
    (gradient,) = torch.autograd.grad(loss, maps)
    assert float(loss.detach()) == 0 and (gradient == 0).all()


def test_a_list_is_the_weighted_sum() -> None:
    crossed, dice = make(SEGMENTATION, call("cross_entropy")), make(SEGMENTATION, call("dice"))
    both = make(SEGMENTATION, call("cross_entropy", weight=2.0), call("dice", weight=0.5))
    torch.testing.assert_close(both(MAPS, MASKS), 2 * crossed(MAPS, MASKS) + 0.5 * dice(MAPS, MASKS))


def losses_of_all_tasks() -> list[tuple[str, list[Bound]]]:
    """Of each task each loss, with weights of classes too, and all of them as a list."""
    found: list[tuple[str, list[Bound]]] = []
    for task in ALL:
        calls: list[Bound] = []
        for name, word in COMPONENTS["loss"].items():
            if isinstance(word, family.Loss) and word.implements(task):
                params = {param.name for param in word.params}
                calls += [word.call(), *([word.call(weights=WEIGHTS)] if "weights" in params else [])]
                calls += [word.call(smoothing=0.1, weights=WEIGHTS)] if "smoothing" in params else []
                assert "weight" in params, name
        found += [(task.name, [one]) for one in calls]
        found.append((task.name, [one._replace(args=one.args) for one in calls]))
    return found


@pytest.mark.parametrize(("name", "losses"), losses_of_all_tasks())
def test_the_mean_over_a_set_does_not_depend_on_its_batches(name: str, losses: Sequence[Bound]) -> None:
    task, factors = TASKS[name], [0.5 + number for number in range(len(losses))]
    calls = [component(family.Loss, one).call(**{**one.args.as_dict(), "weight": factor})
             for one, factor in zip(losses, factors, strict=True)]  # fmt: skip
    loss, outputs, labels = make(task, *calls), outputs_of(task), labels_of(task)
    whole = float(loss(outputs, labels))
    for cut in CUTS:
        totals = Totals(bound(task), loss, CPU)
        for some, wanted in zip(outputs.split(cut), labels.split(cut), strict=True):
            parts = loss.parts(some, wanted)
            totals.update(parts, some, some, wanted)
            for part, weight in zip(parts, loss.weights(wanted), strict=True):
                assert float(part.weight) == float(weight)
        assert totals.compute().loss == pytest.approx(whole, rel=1e-9), cut
