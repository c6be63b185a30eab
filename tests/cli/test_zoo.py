import json

import pytest

from specc.zoo import models


def test_lists_every_model_with_its_figures(specc):
    answer = specc("zoo")
    assert answer.status == 0
    head, *rows = [line.split() for line in answer.out.splitlines()]
    assert head == ["model", "family", "parameters", "MACs"]
    assert [row[0] for row in rows] == list(models())
    assert ["resnet18", "resnet", "11,689,512", "1,814,073,344"] in rows


def test_lists_a_family(specc):
    rows = json.loads(specc("zoo", "vgg", "--json").out)["models"]
    assert rows[0] == {"model": "vgg11", "family": "vgg", "parameters": 132863336, "macs": 7609090048}
    assert {row["family"] for row in rows} == {"vgg"}


@pytest.mark.parametrize(("model", "source"), [("resnet18", "folder("), ("fcn_resnet50", "masks(")])
def test_shows_a_model_and_a_spec_that_uses_it(specc, tmp_path, model, source):
    page = specc("zoo", model).out
    one = json.loads(specc("zoo", model, "--json").out)
    assert one["title"] in page and one["papers"][0] in page and f"{one['parameters']:,}" in page
    assert source in one["example"]
    assert all(f"  {line}\n" in f"{page}" for text in (one["spec"], one["example"]) for line in text.splitlines())
    spec = tmp_path / "mine.cnn"
    spec.write_text(one["example"])
    assert specc("check", spec).status == 0


def test_names_the_nearest(specc):
    answer = specc("zoo", "resnet5")
    assert (answer.status, answer.out) == (2, "")
    assert "E477]: the zoo has no `resnet5`; did you mean `resnet50`?" in answer.err
