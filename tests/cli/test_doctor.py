"""`specc doctor` sees what is there, and says what is wrong and how to mend it."""

import json
import tomllib
from pathlib import Path

import pytest

from specc.backend import doctor


def findings(specc, *arguments):
    answer = specc("doctor", "--json", *arguments)
    found = json.loads(answer.out)
    assert found["format"] == 1 and found["healthy"] == (answer.status == 0)
    return answer.status, {finding["name"]: finding for finding in found["findings"]}


def test_this_machine_is_sound(specc):
    status, found = findings(specc)
    assert status == 0
    assert found["torch"]["state"] == "fine" and found["CPUExecutionProvider"]["value"] == "loads"
    assert {"version", "lark", "cpu", "threads", "disk, this folder", "output"} <= set(found)


def test_table_for_people(specc):
    answer = specc("doctor")
    assert answer.status == 0 and "execution providers\n" in answer.out


def test_data_sets_are_found_where_they_lie(specc, tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name in [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]:
        (folder / name).touch()
    found = findings(specc, "--data-dir", tmp_path)[1]
    assert found["cifar10"]["value"] == str(folder)
    assert found["looked in"]["value"].startswith(str(tmp_path))


def test_missing_package_is_broken(specc, monkeypatch):
    monkeypatch.setitem(doctor.OLDEST, "no-such-package", "1.0")
    status, found = findings(specc)
    assert status == 1
    assert found["no-such-package"]["help"] == "pip install 'no-such-package>=1.0'"


def test_old_package_is_broken(specc, monkeypatch):
    monkeypatch.setitem(doctor.OLDEST, "torch", "99.1")
    status, found = findings(specc)
    assert status == 1 and found["torch"]["value"].endswith("too old")
    assert "cpu" not in found, "what stands on a broken package is not looked at"


def test_package_that_cannot_be_imported_is_broken(specc, monkeypatch):
    monkeypatch.setitem(doctor.MODULES, "pillow", "no_such_module")
    status, found = findings(specc)
    assert status == 1 and "cannot be imported" in found["pillow"]["value"]


def test_both_runtimes_at_once_are_a_warning(specc, monkeypatch):
    real = doctor.installed
    monkeypatch.setattr(doctor, "installed", lambda name: "1.31.1" if name in doctor.RUNTIMES else real(name))
    status, found = findings(specc)
    assert status == 0
    assert found["onnxruntime and onnxruntime-gpu"]["state"] == "warning"
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in found["onnxruntime and onnxruntime-gpu"]["help"]


def test_little_memory_is_a_warning(specc, monkeypatch):
    monkeypatch.setattr(doctor, "available_memory", lambda: 100 * 2**20)
    assert findings(specc)[1]["memory"]["state"] == "warning"


def test_oldest_versions_are_those_of_the_project():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = dict(line.partition(";")[0].partition(",")[0].strip().split(">=") for line in project["dependencies"])
    asked.pop("onnxruntime-gpu")
    assert asked == doctor.OLDEST
    assert project["requires-python"] == ">=" + ".".join(map(str, doctor.PYTHON))


@pytest.mark.parametrize(("version", "numbers"), [("2.13.0+cpu", (2, 13, 0)), ("11", (11,)), ("1.2rc1", (1, 2))])
def test_versions_are_compared_by_their_numbers(version, numbers):
    assert doctor._numbers(version) == numbers
