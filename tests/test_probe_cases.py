"""Cases of benchmarks/probe_cases.py: what `specc probe` says of networks whose training is known."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks come with a checkout only")


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("probe_cases", BENCHMARKS / "probe_cases.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["probe_cases"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("key", "learns"),
    [
        ("digits, 14 layers, init=glorot_uniform, adam(lr=1e-3)", True),
        ("digits, 14 layers, init=glorot_uniform, sgd(lr=0.05, momentum=0.9)", False),
        ("digits, 8 layers, init=he_normal, adam(lr=1e-3)", True),
        ("digits, 6 layers, init=normal(0.01), adam(lr=1e-3)", False),
        ("digits, 14 layers, act=tanh, init=glorot_uniform, sgd(lr=0.1)", True),
        ("digits, 10 layers, act=sigmoid, sgd(lr=0.1)", False),
    ],
)
def test_the_verdict_is_what_training_did(bench: ModuleType, key: str, learns: bool) -> None:
    (case,) = (case for case in bench.cases() if case.key == key)
    trained = json.loads((BENCHMARKS / "probe_cases.json").read_text(encoding="utf-8"))
    assert bench.has_learned(trained[key]) == learns
    assert bench.probe_case(case, bench.Data()).verdict.learns == learns


def test_every_case_was_trained_once(bench: ModuleType) -> None:
    keys = [case.key for case in bench.cases()]
    assert len(keys) == len({*keys}) >= 60
    assert {*json.loads((BENCHMARKS / "probe_cases.json").read_text(encoding="utf-8"))} == {*keys}


def test_the_page_tells_the_count(bench: ModuleType) -> None:
    page = (BENCHMARKS.parent / "docs/probe.md").read_text(encoding="utf-8")
    assert f"| all | {len(list(bench.cases()))} |" in page
