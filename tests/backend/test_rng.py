"""Draws are uniform, and functions of the image alone: not of its batch, its order, or what was drawn before."""

import pytest
import torch
from scipy import stats
from torch import Tensor

from specc.backend import rng

IMAGES = torch.arange(20_000)


def flat(values: Tensor) -> list[float]:
    return values.flatten().double().tolist()


def test_the_mixer_on_tensors_is_the_published_one() -> None:
    # lowbias32 written once more, in plain integers, as its author gives it in C
    def lowbias32(x: int) -> int:
        x ^= x >> 16
        x = x * 0x7FEB352D % 2**32
        x ^= x >> 15
        x = x * 0x846CA68B % 2**32
        return x ^ x >> 16

    values = [0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xDEADBEEF]
    assert [rng.mix(x) for x in values] == [lowbias32(x) for x in values]
    assert rng._mix(torch.tensor(values)).tolist() == [lowbias32(x) for x in values]


@pytest.mark.parametrize("stream", [0, 1, 17])
def test_uniform_is_uniform(stream: int) -> None:
    values = rng.uniform(3, 5, IMAGES, stream, 4)
    assert values.dtype == torch.float32 and values.shape == (20_000, 4)
    assert values.min() >= 0 and values.max() < 1
    for column in values.T:
        assert stats.kstest(flat(column), "uniform", method="asymp").pvalue > 1e-3


def test_every_bit_of_the_draws_is_even() -> None:
    levels = (rng.uniform(0, 0, IMAGES, 2, 4) * 2**24).long().flatten()
    for bit in range(24):
        share = ((levels >> bit) & 1).double().mean().item()
        assert abs(share - 0.5) < 4 * 0.5 / len(levels) ** 0.5


def test_draws_do_not_depend_on_the_batch_or_its_order() -> None:
    whole = rng.uniform(7, 2, IMAGES, 3, 5)
    some = torch.tensor([19_999, 4, 4, 1234])
    assert torch.equal(rng.uniform(7, 2, some, 3, 5), whole[some])


def test_more_numbers_do_not_change_the_first() -> None:
    assert torch.equal(rng.uniform(7, 2, IMAGES, 3, 2), rng.uniform(7, 2, IMAGES, 3, 9)[:, :2])


@pytest.mark.parametrize(
    "other",
    [(8, 2, 3), (7, 3, 3), (7, 2, 4), (7 + 2**32, 2, 3), (2, 7, 3)],
    ids=["seed", "epoch", "use", "high", "swap"],
)
def test_another_seed_epoch_or_use_gives_other_numbers(other: tuple[int, int, int]) -> None:
    seed, epoch, stream = other
    one, two = rng.uniform(7, 2, IMAGES, 3, 1)[:, 0], rng.uniform(seed, epoch, IMAGES, stream, 1)[:, 0]
    assert (one == two).double().mean() < 1e-3
    assert abs(torch.corrcoef(torch.stack([one, two]))[0, 1]) < 0.03


def test_draws_of_neighboring_images_epochs_and_counters_are_uncorrelated() -> None:
    values = rng.uniform(0, 0, IMAGES, 0, 3).double()
    later = rng.uniform(0, 1, IMAGES, 0, 1).double()
    pairs = [
        (values[:-1, 0], values[1:, 0]),
        (values[:, 0], values[:, 1]),
        (values[:, 1], values[:, 2]),
        (values[:, 0], later[:, 0]),
        (values[1:, 0], later[:-1, 0]),
    ]
    for one, two in pairs:
        assert abs(torch.corrcoef(torch.stack([one, two]))[0, 1]) < 4 / 20_000**0.5
        cells = torch.histogramdd(torch.stack([one, two], 1), bins=[8, 8], range=[0.0, 1.0, 0.0, 1.0]).hist
        assert stats.chisquare(flat(cells)).pvalue > 1e-3


def test_tables_give_the_same_numbers_and_hold_no_more_than_they_may() -> None:
    tables, some = rng.Tables(20_000), torch.tensor([19_999, 4, 4, 1234])
    for epoch in (0, 1, 0):  # streams of their own, more than fit, in epochs that come and go
        for stream in range(300):
            assert torch.equal(tables.uniform(7, epoch, some, stream, 2), rng.uniform(7, epoch, some, stream, 2))
    assert sum(table.numel() for _, table in tables._made.values()) <= rng.Tables.MOST


@pytest.mark.parametrize(("kind", "law"), [("normal", "norm"), ("uniform", "uniform")])
def test_dense_noise_has_its_law_and_is_each_image_s_own(kind: str, law: str) -> None:
    place = rng.uniform(1, 4, IMAGES[:500], rng.PLACE, 1)[:, 0]
    noise = rng.dense(1, 4, place, (3, 4, 5), kind)
    assert noise.shape == (500, 3, 4, 5)
    assert stats.kstest(flat(noise), law, method="asymp").pvalue > 1e-3
    assert torch.equal(rng.dense(1, 4, place[[499, 0]], (3, 4, 5), kind), noise[[499, 0]])
    assert not torch.equal(noise[0], noise[1])
    assert not torch.equal(rng.dense(1, 5, place[:1], (3, 4, 5), kind), noise[:1])


def test_a_generator_is_a_function_of_its_key() -> None:
    one, same, other = (rng.generator(5, epoch, rng.ORDER) for epoch in (1, 1, 2))
    first = torch.randperm(100, generator=one)
    assert torch.equal(first, torch.randperm(100, generator=same))
    assert not torch.equal(first, torch.randperm(100, generator=other))
