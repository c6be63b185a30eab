"""A spec that begins from trained weights."""

import numpy as np
import pytest
from PIL import Image

from specc.backend.starter.draft import draft
from specc.backend.starter.request import Request
from specc.errors import SpeccError
from tests.helpers.tiny_data import levels, write_folder


def test_its_text(tmp_path):
    write_folder(tmp_path / "photos", classes=3, each=5)
    text = draft(Request("Net", "net.cnn", str(tmp_path), str(tmp_path / "photos"), like="resnet18")).text
    assert 'extends "zoo:resnet18"\n\nnetwork {\n  classes = 3\n}\n' in text
    assert 'start = pretrained("' in text and "/resnet18." in text
    assert "freeze = freeze(backbone, until=3)" in text
    assert "resize" not in text.replace("crop_and_resize", "") and "normalize" not in text


def test_an_archive_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=levels(8, 9, 9), labels=np.arange(8) % 2)
    with pytest.raises(SpeccError) as caught:
        draft(Request("Net", "net.cnn", ".", str(tmp_path / "a.npz"), like="resnet18"))
    assert caught.value.code == "E475"


def test_weights_that_nobody_publishes(tmp_path):
    write_folder(tmp_path / "photos")
    with pytest.raises(SpeccError) as caught:
        draft(Request("Net", "net.cnn", ".", str(tmp_path / "photos"), like="legacy_xception"))
    assert caught.value.code == "E475"


@pytest.mark.parametrize("is_masked", [False, True])
def test_a_network_of_another_task_is_refused_with_what_fits(tmp_path, is_masked):
    write_folder(tmp_path / "photos", classes=3, each=5)
    if is_masked:
        for part, high in (("images", 255), ("masks", 2)):
            (tmp_path / "cells" / part).mkdir(parents=True)
            for number in range(6):
                image = levels(9, 9, seed=number) % high
                Image.fromarray(image).save(tmp_path / "cells" / part / f"{number}.png")
    data, like = ("cells", "resnet18") if is_masked else ("photos", "fcn_resnet50")
    fits = "fcn_resnet50" if is_masked else "--like alexnet"
    with pytest.raises(SpeccError) as caught:
        draft(Request("Net", "net.cnn", ".", str(tmp_path / data), like=like))
    assert caught.value.code == "E475" and f"--like {like}: it classifies" in str(caught.value.message)
    assert fits in caught.value.help
