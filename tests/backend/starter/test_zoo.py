"""A spec that begins from trained weights."""

import numpy as np
import pytest

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
        draft(Request("Net", "net.cnn", ".", str(tmp_path / "photos"), like="resnet81"))
    assert caught.value.code == "E475" and "resnet18" in caught.value.help
