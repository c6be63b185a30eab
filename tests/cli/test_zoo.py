import json

import pytest

from specc.zoo import models
from tests.helpers.tiny_data import write_folder


def test_lists_every_model_with_its_figures(specc):
    answer = specc("zoo")
    assert answer.status == 0
    head, *rows = [line.split() for line in answer.out.partition("\n\n")[0].splitlines()]
    assert head == ["model", "family", "parameters", "MACs", "weights", "published"]
    assert [row[0] for row in rows] == list(models())
    assert ["resnet18", "resnet", "11,689,512", "1,814,073,344"] in [row[:4] for row in rows]


def test_lists_a_family(specc):
    rows = json.loads(specc("zoo", "vgg", "--json").out)["models"]
    first = {"model": "vgg11", "family": "vgg", "parameters": 132863336, "macs": 7609090048}
    assert rows[0] == first | {"weights": rows[0]["weights"], "accuracy": rows[0]["accuracy"]}
    assert {row["family"] for row in rows} == {"vgg"}


@pytest.mark.parametrize(("model", "source"), [("resnet18", "folder("), ("fcn_resnet50", "masks(")])
def test_shows_a_model_and_a_spec_that_uses_it(specc, tmp_path, model, source):
    page = specc("zoo", model).out
    one = json.loads(specc("zoo", model, "--json").out)
    assert one["title"] in page and one["papers"][0] in page and f"{one['parameters']:,}" in page
    assert source in one["example"]
    assert all(
        f"  {line}\n" in f"{page}" for text in (one["spec"].strip(), one["example"]) for line in text.splitlines()
    )
    spec = tmp_path / "mine.cnn"
    spec.write_text(one["example"])
    assert specc("check", spec).status == 0


def test_lists_trained_weights_with_their_licenses(specc):
    (row,) = [one for one in json.loads(specc("zoo", "--json").out)["models"] if one["model"] == "resnet18"]
    assert "timm/resnet18.a1_in1k" in row["weights"]
    page = specc("zoo", "resnet18").out
    assert "  timm/resnet18.a1_in1k (apache-2.0)\n    https://" in page
    assert "  torchvision/resnet18.IMAGENET1K_V1 (BSD-3-Clause, as torchvision, 69.8%)\n" in page


@pytest.mark.parametrize(
    "command",
    [
        "zoo resnet5",
        "zoo zoo:resnet5",
        "check zoo:resnet5",
        "show zoo:resnet5",
        "export zoo:resnet5",
        "import net.pth --as resnet5",
        "import net.pth --as zoo:resnet5",
        "new net --data photos --like resnet5",
    ],
)
def test_an_unknown_name_is_one_error_with_the_nearest_one(specc, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "photos", classes=2, each=4)
    answer = specc(*command.split())
    assert (answer.status, answer.out) == (2, "")
    assert "error[E470]: the zoo has no `resnet5`\n  = help: did you mean `resnet50`?\n" in answer.err


@pytest.mark.parametrize("command", ["import net.pth --as resnet", "new net --data photos --like resnet"])
def test_a_family_is_not_one_of_its_models(specc, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "photos", classes=2, each=4)
    assert "error[E470]: `resnet` is a family of networks" in specc(*command.split()).err
