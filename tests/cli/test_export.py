"""`specc export`, `specc verify`, and the same classes from a run and from its exported file."""

import hashlib
import json
import shutil
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.helpers.tiny_run import trained

DRAW = np.random.default_rng(7)
RGB = DRAW.integers(0, 256, (16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with its exported file."""
    from specc.backend.onnx.export import export_run

    path = trained(tmp_path_factory.mktemp("tiny"))
    export_run(path, device="cpu")
    return path


def test_export_shows_the_figures(specc, run, tmp_path):
    answer = specc("export", run, "--out", tmp_path / "net.onnx", "--device", "cpu")
    assert answer.status == 0
    assert answer.out.startswith(f"{tmp_path / 'net.onnx'}\n")
    assert "CPUExecutionProvider" in answer.out and "same class on 100.00%" in answer.out
    assert {path.name for path in tmp_path.iterdir()} == {"net.onnx", "net.certificate.json", "net.card.md"}


def test_export_gives_its_certificate_as_json(specc, run, tmp_path):
    answer = specc("export", run, "--out", tmp_path / "net.onnx", "--json")
    found = json.loads(answer.out)
    assert found["format"] == 1 and found["validation_images"] == 36
    assert found["file"] == str(tmp_path / "net.onnx")


def test_precisions_are_shown_in_one_table(specc, run, tmp_path):
    out = tmp_path / "net.onnx"
    specc_options = ("--device", "cpu", "--precision", "fp16", "--precision", "fp32")
    answer = specc("export", run, "--out", out, *specc_options)
    assert answer.status == 0
    head, *rows = answer.out.partition("one image at a time:\n")[2].splitlines()
    assert head.split() == ["accuracy", "lost", "same", "class", "size", "latency", "of", "fp32's"]
    rows = [row for row in rows if row.startswith("  fp")]  # the last line says how the epoch was chosen
    assert [row.split()[0] for row in rows] == ["fp32", "fp16"]
    assert rows[0].split()[1:4] == [rows[0].split()[1], "0.00%", "100.00%"] and rows[0].endswith("100%")
    assert (tmp_path / "net.fp16.onnx").exists() and (tmp_path / "net.fp16.certificate.json").exists()


@pytest.fixture
def refuses_int8(monkeypatch):
    """No conversion to int8 passes."""
    from specc.backend.onnx import export
    from specc.backend.onnx.precision import convert
    from specc.errors import SpeccError

    def only_fp16(model, precision, training):
        if precision == "int8":
            raise SpeccError("E462", "int8 loses too much", status=1)
        return convert(model, precision, training)

    monkeypatch.setattr(export, "convert", only_fp16)


def test_a_refused_precision_withholds_no_other(specc, run, tmp_path, refuses_int8):
    precisions = ("--precision", "int8", "--precision", "fp16")
    answer = specc("export", run, "--out", tmp_path / "net.onnx", "--for", "triton", *precisions)
    assert answer.status == 1 and "error[E462]: int8 loses too much" in answer.err
    assert f"{tmp_path / 'net.onnx'}\n" in answer.out and f"{tmp_path / 'net.fp16.onnx'}\n" in answer.out
    names = {"net.onnx", "net.certificate.json", "net.fp16.onnx", "net.fp16.certificate.json", "net.card.md", "triton"}
    assert {path.name for path in tmp_path.iterdir()} == names
    answer = specc("export", run, "--out", tmp_path / "net.onnx", "--json", *precisions)
    assert answer.status == 1
    found = json.loads(answer.out)
    assert found["refused"] == [{"code": "E462", "message": "int8 loses too much"}]
    assert [other["precision"] for other in found["others"]] == ["fp16"]


def test_training_keeps_what_passes_where_a_precision_is_refused(specc, run, tmp_path, refuses_int8):
    spec = (run / "spec.cnn").read_text().replace("export {", "export {\n  precision = int8")
    (run.parent / "int8.cnn").write_text(spec)
    answer = specc("train", run.parent / "int8.cnn", "--out", tmp_path / "run", "--device", "cpu", "--quiet")
    assert answer.status == 1 and "error[E462]" in answer.err
    assert answer.out.startswith("best validation accuracy") and f"{tmp_path / 'run' / 'model.onnx'}\n" in answer.out
    assert {"model.onnx", "certificate.json", "card.md"} <= {path.name for path in (tmp_path / "run").iterdir()}


def test_unknown_precision_is_refused(specc, run):
    answer = specc("export", run, "--precision", "int4")
    assert answer.status == 2 and "int4" in answer.err


def test_export_for_triton_says_where(specc, run, tmp_path):
    answer = specc("export", run, "--out", tmp_path / "model.onnx", "--for", "triton", "--json")
    assert answer.status == 0
    assert json.loads(answer.out)["for"] == [str(tmp_path / "triton" / "Tiny")]
    assert (tmp_path / "triton" / "Tiny" / "1" / "model.onnx").read_bytes() == (tmp_path / "model.onnx").read_bytes()


def test_export_for_web_says_where(specc, run, tmp_path, monkeypatch):
    from specc.backend.onnx.web.runtime import GLUE, WASM

    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in (GLUE, WASM)}
    monkeypatch.setattr("specc.backend.onnx.web.runtime.HASHES", sums)
    for name in sums:
        (tmp_path / name).write_text(name)
    options = ("--out", tmp_path / "model.onnx", "--for", "web", "--runtime", tmp_path)
    answer = specc("export", run, *options, "--precision", "fp16", "--json")
    assert answer.status == 0
    assert json.loads(answer.out)["for"] == [str(tmp_path / "web" / "index.html")]
    assert (tmp_path / "web" / "index.html").read_text().startswith("<!doctype html>")


def test_what_a_web_page_needs_is_looked_for_first(specc, run, tmp_path):
    answer = specc("export", run, "--out", tmp_path / "model.onnx", "--for", "web", "--runtime", tmp_path / "none")
    assert answer.status == 2 and "error[E463]" in answer.err and "it is not there" in answer.err
    assert not (tmp_path / "model.onnx").exists()


def test_runtime_goes_with_web_only(specc, run, tmp_path):
    answer = specc("export", run, "--runtime", tmp_path)
    assert answer.status == 2 and "error[E475]: --runtime only works with --for web" in answer.err


def test_graph_of_a_spec(specc, tmp_path):
    spec = tmp_path / "net.cnn"
    spec.write_text("network Net { input(3, 8x8) -> conv(4) -> relu -> flatten -> dense(3) }")
    answer = specc("export", spec, "--provider", "cpu")
    assert answer.status == 0
    assert (
        answer.out.startswith(f"{tmp_path / 'net.onnx'}: untrained weights") and "batches of 1, 2, 7, 16" in answer.out
    )
    answer = specc("export", spec, "--out", tmp_path / "other.onnx", "--json")
    assert json.loads(answer.out)["graph_only"] is True and (tmp_path / "other.onnx").exists()


def test_graph_of_a_spec_with_errors(specc, tmp_path):
    (tmp_path / "net.cnn").write_text("network Net { input(3, 8x8) -> conv(0) }")
    answer = specc("export", tmp_path / "net.cnn")
    assert answer.status == 1 and "error[E207]" in answer.err and not (tmp_path / "net.onnx").exists()


def test_graph_of_a_spec_has_no_other_precision(specc, tmp_path):
    (tmp_path / "net.cnn").write_text("network Net { input(3, 8x8) -> flatten -> dense(3) }")
    answer = specc("export", tmp_path / "net.cnn", "--precision", "int8")
    assert answer.status == 2 and "error[E475]: --precision needs a run" in answer.err


def test_export_of_what_is_no_run(specc, tmp_path):
    answer = specc("export", tmp_path)
    assert answer.status == 2 and "error[E439]" in answer.err and answer.out == ""


def test_device_that_is_not_there(specc, run):
    assert "error[E430]" in specc("export", run, "--device", "tpu").err


def test_verify_says_what_it_checked(specc, run):
    answer = specc("verify", run / "model.onnx", "--device", "cpu")
    assert answer.status == 0
    lines = answer.out.splitlines()
    assert all(line.startswith("ok ") for line in lines[:-1]) and lines[-1].endswith(": verified")
    assert "same class on 100.00%" in answer.out


def test_verify_as_json(specc, run, tmp_path):
    shutil.copy(run / "model.onnx", tmp_path)
    answer = specc("verify", tmp_path / "model.onnx", "--data-dir", run.parent, "--json")
    found = json.loads(answer.out)
    assert answer.status == 0 and found["format"] == 1 and found["verified"] is True
    assert {"name", "passed", "detail"} == set(found["findings"][0])


def test_changed_file_is_not_verified(specc, run, tmp_path):
    content = (run / "model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(content.replace(b'["red", "green", "blue"]', b'["blue", "green", "red"]'))
    answer = specc("verify", tmp_path / "model.onnx", "--data-dir", run.parent)
    assert answer.status == 1 and "error[E456]" in answer.err and "changed after it was certified" in answer.err


def test_other_data_are_not_verified(specc, run, tmp_path):
    from tests.helpers.tiny_run import write_pictures

    shutil.copy(run / "model.onnx", tmp_path)
    write_pictures(tmp_path, seed=9)
    answer = specc("verify", tmp_path / "model.onnx", "--data-dir", tmp_path)
    assert answer.status == 1 and answer.out.endswith("NOT as certified\n")


def pictures(folder):
    """One file of each kind; the turned one is higher than the others are wide."""
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = DRAW.integers(0, 65536, (16, 16)).astype(np.uint16)
    kinds: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "rgb.png": (Image.fromarray(RGB), {}),
        "turned.jpg": (Image.fromarray(np.repeat(RGB, 2, axis=1)), {"exif": turned}),
        "gray.png": (Image.fromarray(RGB[..., 0]), {}),
        "palette.png": (Image.fromarray(RGB).quantize(8), {}),
        "rgba.png": (Image.fromarray(np.dstack([RGB, RGB[..., 0]])), {}),
        "deep.png": (Image.fromarray(deep), {}),
        "large.webp": (Image.fromarray(np.kron(RGB, np.ones((5, 3, 1), np.uint8))), {}),
    }
    for name, (image, options) in kinds.items():
        image.save(folder / name, **options)
    return [folder / name for name in kinds]


def test_run_and_file_give_the_same_classes_for_every_kind_of_image(specc, run, tmp_path):
    files = pictures(tmp_path)
    answers = [specc("predict", model, *files, "--json") for model in (run, run / "model.onnx")]
    assert [answer.status for answer in answers] == [0, 0]
    assert answers[0].err == answers[1].err
    assert "turned.jpg is 32x16; resized to 16x16" in answers[0].err
    ours, theirs = (json.loads(answer.out)["predictions"] for answer in answers)
    assert len(ours) == len(files)
    for one, other in zip(ours, theirs, strict=True):
        assert one["image"] == other["image"]
        assert [entry["name"] for entry in one["classes"]] == [entry["name"] for entry in other["classes"]]
        for entry, same in zip(one["classes"], other["classes"], strict=True):
            assert entry["probability"] == pytest.approx(same["probability"], abs=1e-5)


def test_prediction_with_a_run_that_does_not_exist(specc, tmp_path):
    answer = specc("predict", tmp_path / "none", tmp_path / "a.png")
    assert answer.status == 2 and "error[E450]" in answer.err


def test_nothing_is_written_over_a_spec(specc, run, tmp_path):
    spec = tmp_path / "net.cnn"
    spec.write_text("network N { input(1, 8x8); flatten -> dense(10) }\n")
    for given in ("export", run), ("export", spec), ("emit", spec):
        answer = specc(*given, "--out", spec)
        assert answer.status == 2 and "error[E480]" in answer.err
    assert spec.read_text().startswith("network N") and list(tmp_path.iterdir()) == [spec]
