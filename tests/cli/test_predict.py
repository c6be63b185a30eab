"""`specc predict` with an exported file: nothing else is needed, and every image has an answer or a reason."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from PIL import Image

from tests.helpers.task_runs import trained
from tests.helpers.tiny_model import reference, sealed, tiny_body
from tests.helpers.tiny_run import resizing_trained
from tests.helpers.tiny_run import trained as tiny_trained

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
    answer = specc("predict", model, text, tmp_path / "missing.png", picture, "--json")
    assert answer.status == 2
    assert f"error[E461]: {text} is not a readable image" in answer.err
    assert f"error[E460]: {tmp_path / 'missing.png'} does not exist" in answer.err
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


def test_folders_and_a_list_on_standard_input(specc, model, picture, tmp_path, monkeypatch):
    for name in ("photos/b/10.png", "photos/b/2.PNG", "photos/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(picture.read_bytes())
    (tmp_path / "photos" / "readme.txt").write_text("x")
    (tmp_path / "photos" / ".hidden.png").write_text("x")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{picture}\n\n{tmp_path / 'photos' / 'a.png'}\r\n"))
    answer = specc("predict", model, tmp_path / "photos", "-", "--json")
    assert answer.status == 0
    assert answer.err == f"note: {tmp_path / 'photos'}: 1 file skipped that are no image files by their names\n"
    expected = ["photos/a.png", "photos/b/2.PNG", "photos/b/10.png", "picture.png", "photos/a.png"]
    assert [found["image"] for found in predictions(answer)] == [str(tmp_path / name) for name in expected]


def test_folders_and_lists_without_images(specc, model, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert "error[E460]: standard input lists no image files" in specc("predict", model, "-").err
    answer = specc("predict", model, tmp_path / "empty")
    assert answer.status == 2 and f"error[E460]: {tmp_path / 'empty'} holds no image files" in answer.err
    assert "error[E475]: `-` is given more than once" in specc("predict", model, "-", "-").err


def test_csv_has_a_row_for_each_image(specc, model, picture, tmp_path):
    file = tmp_path / "answers.csv"
    answer = specc("predict", model, picture, picture, "--top", "2", "--csv", file)
    assert (answer.status, answer.out) == (0, f"{file}: 2 rows\n")
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    classes = predictions(specc("predict", model, picture, "--json"))[0]["classes"]
    assert len(rows) == 2 and list(rows[0]) == ["image", "class_1", "probability_1", "class_2", "probability_2"]
    assert rows[0]["image"] == str(picture) and rows[0]["class_2"] == classes[1]["name"]
    assert float(rows[0]["probability_1"]) == classes[0]["probability"]
    answer = specc("predict", model, picture, "--csv", file, "--json")
    assert len(predictions(answer)) == 1 and answer.err == f"{file}: 1 row\n"


def test_heat_maps_of_a_run(specc, tmp_path):
    run = resizing_trained(tmp_path)
    image = tmp_path / "wide.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 80, 3), dtype=np.uint8)).save(image)
    answer = specc("predict", run, image, "--heat", tmp_path / "heat", "--json")
    assert answer.status == 0, answer.err
    (found,) = predictions(answer)
    assert found["heat"] == str(tmp_path / "heat" / "wide-heat.png")
    assert found["heat_of"] == found["classes"][0]["name"]
    with Image.open(found["heat"]) as heat:
        assert heat.size == (80, 30) and heat.mode == "RGB"
        colors = np.asarray(heat).astype(int)
    assert (colors.max(axis=2) - colors.min(axis=2)).max() > 60  # something is hot


def test_a_file_and_a_mask_have_no_heat_maps(specc, model, picture, tmp_path):
    answer = specc("predict", model, picture, "--heat", tmp_path / "heat")
    assert answer.status == 2 and "error[E530]" in answer.err and "which has no gradients" in answer.err
    run = trained(tmp_path / "masks", "segmentation")
    answer = specc("predict", run, picture, "--heat", tmp_path / "heat")
    assert answer.status == 2 and "error[E530]: there are no heat maps of masks" in answer.err
    assert not (tmp_path / "heat").exists()


def test_two_heat_maps_of_one_name_are_refused(specc, tmp_path, picture):
    run = tiny_trained(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "picture.png").write_bytes(picture.read_bytes())
    answer = specc("predict", run, picture, tmp_path / "other", "--heat", tmp_path / "heat")
    assert answer.status == 2 and "error[E475]" in answer.err and "would both be written to" in answer.err


def test_files_for_nested_folders_lie_as_the_images_do_and_are_named(specc, tmp_path, picture):
    run = tiny_trained(tmp_path)
    for folder in ("one", "two"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        (tmp_path / "photos" / folder / "a.png").write_bytes(picture.read_bytes())
    answer = specc("predict", run, tmp_path / "photos", "--heat", tmp_path / "heat")
    assert answer.status == 0, answer.err
    for folder in ("one", "two"):
        path = tmp_path / "heat" / folder / "a-heat.png"
        assert path.is_file() and f": {path}\n" in answer.out
    answer = specc("predict", run, tmp_path / "photos", "--heat", tmp_path / "again", "--csv", tmp_path / "a.csv")
    assert f"{tmp_path / 'again'}: 2 heat maps\n" in answer.out, answer.out
