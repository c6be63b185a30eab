"""`specc check`: its options, what it prints, and what it does to files."""

import json
import stat
from pathlib import Path

import numpy as np
import pytest

FINE = "network Net {\n  input(3, 32x32)\n  conv(8) -> relu\n  flatten -> dense(10)\n}\n"
WARNED = FINE.replace("conv(8)", "conv(8, bias=true) -> batch_norm")
WRONG = FINE.replace("conv(8)", "conv(8, strde=2)")


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("fine", FINE), ("warned", WARNED), ("wrong", WRONG)):
        (tmp_path / f"{name}.cnn").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("fine.cnn", 0),
        ("warned.cnn", 0),
        ("warned.cnn --strict", 1),
        ("fine.cnn --strict", 0),
        ("wrong.cnn", 1),
        ("fine.cnn wrong.cnn warned.cnn", 1),
        ("fine.cnn missing.cnn", 2),
        ("fine.cnn --json --sarif", 2),
    ],
)
def test_status(specc, arguments, status):
    assert specc("check", *arguments.split()).status == status


def test_problems_go_to_standard_error(specc):
    answer = specc("check", "warned.cnn", "wrong.cnn")
    assert answer.out == ""
    assert "warning[W504]" in answer.err and "error[E203]" in answer.err
    assert answer.err.endswith("1 error, 1 warning\n")
    assert specc("check", "fine.cnn").out == "fine.cnn: no problems\n"
    assert specc("check", "warned.cnn", "--short").err.startswith("warned.cnn:3:11: warning[W504]: ")


def test_an_archive_tells_the_shape_of_its_images_once_it_is_there(specc, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "net.cnn").write_text(
        'data { source = npz("a.npz") }\nnetwork N { conv(8) -> relu -> flatten -> dense(2) }'
    )
    answer = specc("check", "own/net.cnn")
    assert answer.status == 1 and "error[E308]" in answer.err and "there is no file a.npz" in answer.err
    np.savez(tmp_path / "own" / "a.npz", images=np.zeros((4, 5, 7, 3), np.uint8), labels=np.arange(4) % 2)
    assert specc("check", "own/net.cnn").status == 0
    assert "3 x 5 x 7" in specc("show", "own/net.cnn").out
    assert specc("emit", "own/net.cnn").status == 0


def test_json(specc):
    answer = json.loads(specc("check", "warned.cnn", "wrong.cnn", "--json").out)
    assert (answer["format"], answer["errors"], answer["warnings"], answer["fixed"]) == (1, 1, 1, [])
    assert [(d["code"], d["severity"], d["fixable"]) for d in answer["diagnostics"]] == [
        ("W504", "warning", True),
        ("E203", "error", True),
    ]


def test_warnings_are_errors_where_it_is_strict(specc):
    answer = json.loads(specc("check", "warned.cnn", "--strict", "--json").out)
    assert (answer["errors"], answer["warnings"]) == (1, 0)
    assert [(d["code"], d["severity"]) for d in answer["diagnostics"]] == [("W504", "error")]
    assert "error[W504]" in specc("check", "warned.cnn", "--strict").err


def test_sarif(specc):
    answer = specc("check", "warned.cnn", "wrong.cnn", "--sarif")
    assert answer.status == 1
    [run] = json.loads(answer.out)["runs"]
    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [("W504", "warning"), ("E203", "error")]
    rules = {rule["id"]: rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert rules["W504"] == "bias before norm" and rules["E203"]


def test_fix(specc, files):
    answer = specc("check", "--fix", "warned.cnn", "wrong.cnn", "fine.cnn")
    assert answer.status == 0
    bias = "`batch_norm` subtracts the mean, which cancels the bias of `conv`"
    assert answer.out.splitlines() == [
        f"fixed warned.cnn:3:11: W504: {bias}: removed `bias=true`",
        "fixed wrong.cnn:3:11: E203: `conv` has no argument `strde`: replaced `strde` with `stride`",
        "3 specs: no problems",
    ]
    assert (files / "warned.cnn").read_text() == WARNED.replace(", bias=true", "")
    assert (files / "wrong.cnn").read_text() == WRONG.replace("strde", "stride")
    assert (files / "fine.cnn").read_text() == FINE
    assert sorted(path.name for path in files.iterdir()) == ["fine.cnn", "warned.cnn", "wrong.cnn"]


def test_fix_says_what_is_left(specc, files):
    (files / "wrong.cnn").write_text(WRONG.replace("relu", "rel"))
    answer = specc("check", "--fix", "wrong.cnn", "--json")
    assert answer.status == 1
    told = json.loads(answer.out)
    assert [d["code"] for d in told["fixed"]] == ["E203"]
    assert [d["code"] for d in told["diagnostics"]] == ["E201"]
    assert (files / "wrong.cnn").read_text() == WRONG.replace("relu", "rel").replace("strde", "stride")


def test_without_fix_nothing_is_written(specc, files):
    before = (files / "wrong.cnn").stat()
    specc("check", "wrong.cnn")
    assert (files / "wrong.cnn").read_text() == WRONG
    assert (files / "wrong.cnn").stat().st_mtime_ns == before.st_mtime_ns


def test_fix_leaves_what_is_fine_alone(specc, files):
    before = (files / "fine.cnn").stat()
    specc("check", "--fix", "fine.cnn")
    after = (files / "fine.cnn").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_fix_keeps_line_endings_mark_mode_and_link(specc, files):
    real = files / "real.cnn"
    real.write_bytes(b"\xef\xbb\xbf" + WRONG.replace("\n", "\r\n").encode())
    real.chmod(0o640)
    (files / "link.cnn").symlink_to(real)
    assert specc("check", "--fix", "link.cnn").status == 0
    assert real.read_bytes() == b"\xef\xbb\xbf" + WRONG.replace("strde", "stride").replace("\n", "\r\n").encode()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert (files / "link.cnn").is_symlink()


def test_a_file_that_cannot_be_written_is_left_as_it_is(specc, files, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("specc.cli.common.write_atomic", full)
    answer = specc("check", "--fix", "wrong.cnn")
    assert answer.status == 2 and "error[E481]: `wrong.cnn` cannot be written: No space left" in answer.err
    assert (files / "wrong.cnn").read_text() == WRONG


def test_a_file_that_cannot_be_read_does_not_hide_the_problems_of_the_others(specc):
    answer = specc("check", "missing.cnn", "wrong.cnn", "fine.cnn", "--short")
    assert answer.status == 2
    assert "E203" in answer.err and "file `missing.cnn` not found" in answer.err


@pytest.mark.parametrize("how", ["--json", "--sarif"])
def test_what_cannot_be_checked_is_among_the_problems(specc, tmp_path, monkeypatch, how):
    monkeypatch.chdir(tmp_path)
    Path("large.cnn").write_text("#" * 1_000_001)
    Path("nul.cnn").write_bytes(b"network N {\0}")
    Path("folder.cnn").mkdir()
    Path("fine.cnn").write_text("network N { input(3, 8x8) -> conv(4) }\n")
    answer = specc("check", how, "large.cnn", "nul.cnn", "folder.cnn", "missing.cnn", "fine.cnn")
    assert (answer.status, answer.err) == (2, "")
    found = json.loads(answer.out)
    if how == "--json":
        places = [(one["file"], one["code"], one["line"]) for one in found["diagnostics"]]
        assert found["errors"] == 4
    else:
        places = [
            (one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], one["ruleId"], 1)
            for one in found["runs"][0]["results"]
        ]
    names = ("large.cnn", "nul.cnn", "folder.cnn", "missing.cnn")
    assert places == [(name, code, 1) for name, code in zip(names, ("E103", "E472", "E471", "E470"), strict=True)]


def test_a_file_that_cannot_be_mended_is_among_the_problems(specc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.cnn").write_text("network N {\n  input(3, 8x8)\n  conv(8, kernl=3)\n}\n")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("specc.cli.common.write_atomic", refuse)
    answer = specc("check", "--json", "--fix", "net.cnn")
    found = json.loads(answer.out)
    assert answer.status == 2 and [one["code"] for one in found["diagnostics"]] == ["E481"]
