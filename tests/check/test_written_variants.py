"""Variants and searches as they are written, for whoever trains many of them."""

from pathlib import Path

import pytest

from specc.check import check
from specc.check.variants import lineage, samples_of, variants_of
from specc.source import Source

BASE = """
data { source = digits }
network N(width=8, act=relu) { conv(width) -> act -> global_avg_pool -> dense(10) }
variant big { network.width = max(4,
  8); train.epochs = 2 }
variant soft extends big { network.act = gelu -> dropout(10%) }
"""
SEARCH = (
    BASE
    + """
search {
  network.width = choice(4, 2 * 4)
  network.act = choice(relu, gelu -> dropout(10%))
  train.optimizer.lr = log_uniform(1e-4, 1e-1)
  train.ema = uniform(0.5, 0.9)
}
"""
)


def test_a_variant_as_it_is_written() -> None:
    found = variants_of(Source("n.cnn", BASE))
    assert found["big"] == ("big", "", (("network.width", "max(4,\n  8)"), ("train.epochs", "2")))
    assert found["soft"] == ("soft", "big", (("network.act", "gelu -> dropout(10%)"),))
    assert lineage(found, "soft") == ["big", "soft"]


def test_its_settings_give_the_same_spec(examples: Path) -> None:
    source = Source("deck.cnn", (examples / "deck_cifar10.cnn").read_text())
    found = variants_of(source)
    assert len(found) == 17
    for name in ("cropped", "capacity"):
        sets = [f"{path}={value}" for step in lineage(found, name) for path, value in found[step].settings]
        assert check(source, sets=sets).resolved == check(source, variant=name).resolved


def test_variants_of_what_a_file_extends() -> None:
    source = Source("more.cnn", 'extends "n.cnn"\nvariant last extends soft { train.epochs = 7 }')
    found = variants_of(source, lambda path, _: Source(path, BASE))
    assert list(found) == ["big", "soft", "last"] and lineage(found, "last") == ["big", "soft", "last"]


def test_a_circle_is_cut_and_what_cannot_be_parsed_has_none() -> None:
    found = variants_of(Source("n.cnn", "variant a extends b { } \n variant b extends a { }"))
    assert lineage(found, "a") == ["b", "a"]
    assert variants_of(Source("n.cnn", "data {")) == {}


def test_samples_check_and_are_within_their_ranges() -> None:
    source = Source("n.cnn", SEARCH)
    samples = samples_of(source, 40, seed=0)
    assert len(set(samples)) > 30
    for sample in samples:
        found = dict(sample)
        assert found["network.width"] in ("4", "2 * 4")
        assert found["network.act"] in ("relu", "gelu -> dropout(10%)")
        assert 1e-4 <= float(found["train.optimizer.lr"]) <= 1e-1
        assert 0.5 <= float(found["train.ema"]) <= 0.9
    rates = sorted(float(dict(sample)["train.optimizer.lr"]) for sample in samples)
    assert 1e-3 < rates[20] < 1e-2  # the middle of a logarithmic range
    for sample in samples[:5]:
        assert not check(source, sets=[f"{path}={value}" for path, value in sample]).errors


def test_more_samples_are_more_of_the_same() -> None:
    source = Source("n.cnn", SEARCH)
    assert samples_of(source, 2, seed=1) == samples_of(source, 5, seed=1)[:2] != samples_of(source, 2, seed=2)


@pytest.mark.parametrize("text", [BASE, "network {", SEARCH.replace("choice(4, 2 * 4)", "choice(nothing_there)")])
def test_no_search_no_samples(text: str) -> None:
    assert len(samples_of(Source("n.cnn", text), 3, seed=0)) in (0, 3)
    assert samples_of(Source("n.cnn", BASE), 3, seed=0) == []
