"""`specc predict` with an exported file: nothing else is needed, and every image has an answer or a reason."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from PIL import Image

from tests.helpers.tiny_model import reference, sealed, tiny_body

PIXELS = np.random.default_rng(5).integers(0, 256, (4, 4, 3), dtype=np.uint8)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(sealed(tiny_body()))
    return path


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(PIXELS).save(path)
    return path


def predictions(answer):
    found = json.loads(answer.out)
    assert found["format"] == 1
    return found["predictions"]


def test_classes_with_probabilities_the_likeliest_first(specc, model, picture):
    answer = specc("predict", model, picture, "--json")
    assert (answer.status, answer.err) == (0, "")
    (found,) = predictions(answer)
    truth = dict(zip(["cat", "dog", "eel"], reference(PIXELS.transpose(2, 0, 1)[None])[0], strict=True))
    assert found["image"] == str(picture)
    assert [entry["name"] for entry in found["classes"]] == sorted(truth, key=truth.__getitem__, reverse=True)
    for entry in found["classes"]:
        assert entry["probability"] == pytest.approx(truth[entry["name"]], abs=1e-5)


def test_table_shows_as_many_classes_as_asked_for(specc, model, picture):
    lines = specc("predict", model, picture, picture, "--top", "2").out.splitlines()
    assert len(lines) == 6 and lines[0] == lines[3] == str(picture)
    assert lines[1].endswith("%")


def test_logits_become_probabilities(specc, tmp_path, picture, model):
    gives = json.dumps({"name": "logits", "activation": "softmax"})
    stripped = onnx.load_from_string(tiny_body({"specc.output": gives}))
    stripped.graph.node.pop()
    stripped.graph.output[0].name = "logits"
    path = tmp_path / "logits.onnx"
    path.write_bytes(stripped.SerializeToString())
    ours, theirs = (predictions(specc("predict", file, picture, "--json"))[0]["classes"] for file in (path, model))
    assert [entry["name"] for entry in ours] == [entry["name"] for entry in theirs]
    assert ours[0]["probability"] == pytest.approx(theirs[0]["probability"], abs=1e-5)


def test_image_of_another_size_is_resized_with_a_note(specc, model, tmp_path):
    large = tmp_path / "large.png"
    Image.fromarray(np.kron(PIXELS, np.ones((3, 3, 1), np.uint8))).save(large)
    answer = specc("predict", model, large, "--json")
    assert answer.status == 0 and answer.err == f"note: {large} is 12x12; resized to 4x4\n"
    assert len(predictions(answer)) == 1


def test_bad_images_are_named_and_the_others_answered(specc, model, picture, tmp_path):
    text = tmp_path / "text.png"
    text.write_text("no image")
    answer = specc("predict", model, text, tmp_path / "missing.png", tmp_path, picture, "--json")
    assert answer.status == 2
    assert f"error[E461]: {text} is not a readable image" in answer.err
    assert f"error[E460]: {tmp_path / 'missing.png'} does not exist" in answer.err
    assert f"error[E460]: {tmp_path} is a folder" in answer.err
    assert [found["image"] for found in predictions(answer)] == [str(picture)]


def test_damaged_image_alone_is_the_users_error(specc, model, picture):
    picture.write_bytes(picture.read_bytes()[:60])
    assert specc("predict", model, picture).status == 1


@pytest.mark.parametrize(("name", "code"), [("missing.onnx", "E450"), ("picture.png", "E451")])
def test_what_is_no_model_is_refused(specc, picture, tmp_path, name, code):
    answer = specc("predict", tmp_path / name, picture)
    assert answer.status in (1, 2) and f"error[{code}]" in answer.err and answer.out == ""


LIES = {
    "specc.classes": ('["cat"]', "E457"),
    "specc.input": ('{"channels": 3, "size": [5, 5]}', "E457"),
    "specc.output": ("[]", "E451"),
    "specc.certificate": ("[1]", "E451"),
}


@pytest.mark.parametrize("key", LIES)
def test_file_whose_metadata_lies_is_refused(specc, tmp_path, picture, key):
    path = tmp_path / "liar.onnx"
    lie, code = LIES[key]
    path.write_bytes(tiny_body({key: lie}))
    answer = specc("predict", path, picture)
    assert answer.status == 1 and f"error[{code}]" in answer.err and answer.out == ""


def test_changed_file_answers_with_a_warning(specc, model, picture):
    model.write_bytes(model.read_bytes().replace(b'["cat", "dog", "eel"]', b'["dog", "cat", "eel"]'))
    answer = specc("predict", model, picture)
    assert answer.status == 0 and "was changed after it was certified" in answer.err


def test_torch_is_not_imported(model, picture):
    program = (
        "import sys\nfrom specc.cli.app import run\n"
        f"status = run(['predict', {str(model)!r}, {str(picture)!r}])\n"
        "assert status == 0 and 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
