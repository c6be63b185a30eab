"""Rules of names: numbers and words are carried over, calculated, and held to."""

from typing import Any

import pytest

from specc.zoo import families
from specc.zoo.naming import read_naming, read_namings


def naming(rules, **more):
    return read_naming({"libraries": ["there"], "rules": rules, **more}, ["net"])


@pytest.mark.parametrize(
    ("rule", "ours", "theirs"),
    [
        ("conv{i} features.{i}", "conv3.weight", "features.3.weight"),
        ("conv{i} features.{3*i-2}", "conv3.bias", "features.7.bias"),
        ("conv{i} features.{i:0,3,6}", "conv3.bias", "features.6.bias"),
        ("conv{i} features.{i:0,3,6}", "conv4.bias", None),
        ("stage{s}.{block}{b}.conv1 layer{s}.{b-1}.{block}", "stage2.basic10.conv1.weight", "layer2.9.basic.weight"),
        ("grn1.scale grn.weight", "grn1.scale", "grn.weight"),
        ("conv{i} features.{i}", "conv3.x.weight", None),
        ("a{i}.b{i} c{i}", "a1.b2.weight", None),
    ],
)
def test_a_rule_gives_the_name_there(rule, ours, theirs):
    assert naming(rule).name_of(ours) == theirs


def test_the_first_rule_that_fits_holds():
    assert naming("conv1 stem\nconv{i} body.{i}").name_of("conv1.weight") == "stem.weight"


def test_a_beginning_is_renamed_first_and_once():
    names = naming("a{i}.* b{i+1}.*\nb{i}.conv c{i}.0\nb{i}.* d{i}.*\ndense1 fc")
    assert names.name_of("a1.conv.weight") == "c2.0.weight"
    assert names.name_of("b1.conv.weight") is None
    assert names.name_of("dense1.bias") == "fc.bias"


def test_what_several_tables_say_about_a_model_adds_up():
    tables: list[dict[str, Any]] = [
        {"libraries": ["here", "there"], "rules": "conv1 stem"},
        {"libraries": ["there"], "models": {"large": "big"}, "rules": "dense1 head", "ignored": ["aux*"]},
    ]
    names = {(one.libraries, *one.models.items()): one for one in read_namings(tables, ["small", "large"])}
    assert list(names) == [
        (("here",), ("small", "small"), ("large", "large")),
        (("there",), ("small", "small")),
        (("there",), ("large", "big")),
    ]
    assert [one.name_of("dense1.bias") for one in names.values()] == [None, None, "head.bias"]
    assert [one.name_of("conv1.bias") for one in names.values()] == ["stem.bias"] * 3
    assert [one.ignores("aux1.bias") for one in names.values()] == [False, False, True]


def test_counters_and_what_is_listed_are_ignored():
    names = naming("conv1 a", ignored=["aux*"])
    ignored = [name for name in ("bn.num_batches_tracked", "aux1.fc.weight", "a.weight") if names.ignores(name)]
    assert ignored == ["bn.num_batches_tracked", "aux1.fc.weight"]


@pytest.mark.parametrize(
    "rule", ["conv{i-1} a{i}", "conv{i:0,3} a{i}", "conv{i} a{k}", "conv1 a.{rest}", "conv1.* a", "conv1 a.*"]
)
def test_a_rule_that_means_nothing_is_refused(rule):
    with pytest.raises(ValueError, match=r"left|one side"):
        naming(rule)


@pytest.mark.parametrize("family", families().values(), ids=list(families()))
def test_a_family_names_its_own_models_only(family):
    assert all(set(naming.models) <= set(family.models) for naming in family.namings)
