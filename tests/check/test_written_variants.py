"""Variants and searches as they are written, for whoever trains many of them."""

from pathlib import Path

import pytest

from specc.check import check
from specc.check.extension import extension, with_search
from specc.check.variants import lineage, searched_in, variants_of
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
  train.ema = uniform(0.51234, 0.98765)
  train.optimizer.weight_decay = integers(2, 4)
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
    assert len(found) == 22
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


def test_what_is_drawn_checks_and_is_within_its_range() -> None:
    source = Source("n.cnn", SEARCH)
    width, act, rate, ema, number = searched_in(source)
    assert (width.path, width.values, width.written) == ("network.width", ("4", "2 * 4"), "choice(4, 2 * 4)")
    assert act.values == ("relu", "gelu -> dropout(10%)") and act.text(1) == "gelu -> dropout(10%)"
    shares = [share / 40 for share in range(41)]
    for share in shares:
        assert 1e-4 <= float(rate.text(share)) <= 1e-1
        assert 0.51234 <= float(ema.text(share)) <= 0.98765  # four digits would lead out of it at both ends
    assert rate.text(0.5) == "0.003162"  # the middle of a logarithmic range
    assert [number.text(share) for share in (0.0, 0.33, 0.34, 0.66, 0.67, 1.0)] == ["2", "2", "3", "3", "4", "4"]
    for share in (0.0, 0.4, 1.0):
        drawn = [one.text(share if one.number else round(share)) for one in (width, act, rate, ema)]
        paths = [one.path for one in (width, act, rate, ema)]
        assert not check(source, sets=[f"{path}={value}" for path, value in zip(paths, drawn, strict=True)]).errors


@pytest.mark.parametrize("text", [BASE, "network {"])
def test_no_search(text: str) -> None:
    assert searched_in(Source("n.cnn", text)) == []


def test_a_spec_that_extends_the_searched_one_with_what_was_found() -> None:
    sets = ["network.width=2 * 4", "network.act=gelu -> dropout(10%)", "train.optimizer.lr=0.05", "train.ema=0.6"]
    resolved = check(Source("n.cnn", SEARCH), sets=sets).resolved
    text = extension("n.cnn", resolved, [one.partition("=")[0] for one in sets], "# the best\n")
    assert text.startswith('# the best\nextends "n.cnn"\n')
    base = Source("n.cnn", SEARCH)
    extended = check(Source("best.cnn", text), load=lambda path, source: base)
    assert not extended.errors and extended.train is not None
    assert extended.train.optimizer.args.lr == 0.05 and extended.train.ema == 0.6
    assert "width=2 * 4, act=gelu -> dropout(10%)" in extended.resolved


def test_a_resolved_spec_gets_its_search_back() -> None:
    source = Source("n.cnn", SEARCH)
    resolved = check(source, sets=["train.epochs=3"]).resolved
    assert searched_in(Source("n.cnn", resolved)) == []
    text = with_search(resolved, searched_in(source))
    paths = [(one.path, one.written) for one in searched_in(source)]
    assert [(one.path, one.written) for one in searched_in(Source("n.cnn", text))] == paths
    assert with_search(SEARCH, searched_in(source)) == SEARCH
