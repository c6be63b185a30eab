"""SARIF, held against the parts of the standard's schema that are used (OASIS, SARIF 2.1.0, sections 3.13 to 3.57).

The schema itself is not here: `SHAPES` lists, for each object that specc writes, the properties that the schema
requires, and all that specc may write, with their types. The schema allows no others.
"""

import json
from typing import Any

import pytest

from specc.check import check
from specc.check.lint import LINTS
from specc.report.sarif import sarif
from specc.source import Source, Span

# object: (required, allowed with the type or the object that each holds; a list holds one kind)
SHAPES: dict[str, tuple[set[str], dict[str, Any]]] = {
    "log": ({"version", "runs"}, {"$schema": str, "version": str, "runs": ["run"]}),
    "run": ({"tool"}, {"tool": "tool", "columnKind": str, "results": ["result"]}),
    "tool": ({"driver"}, {"driver": "component"}),
    "component": ({"name"}, {"name": str, "version": str, "rules": ["rule"]}),
    "rule": ({"id"}, {"id": str, "shortDescription": "text", "help": "text", "defaultConfiguration": "configuration"}),
    "configuration": (set(), {"level": str}),
    "result": (
        {"message"},
        {
            "ruleId": str,
            "ruleIndex": int,
            "level": str,
            "message": "text",
            "locations": ["location"],
            "relatedLocations": ["location"],
            "fixes": ["fix"],
        },
    ),
    "text": ({"text"}, {"text": str}),
    "location": (set(), {"id": int, "physicalLocation": "place", "message": "text"}),
    "place": ({"artifactLocation"}, {"artifactLocation": "artifact", "region": "region"}),
    "artifact": (set(), {"uri": str}),
    "region": (set(), {"startLine": int, "startColumn": int, "endLine": int, "endColumn": int}),
    "fix": ({"artifactChanges"}, {"description": "text", "artifactChanges": ["change"]}),
    "change": ({"artifactLocation", "replacements"}, {"artifactLocation": "artifact", "replacements": ["replacement"]}),
    "replacement": ({"deletedRegion"}, {"deletedRegion": "region", "insertedContent": "text"}),
}


def conforms(value: Any, shape: Any) -> None:
    """Assert that a value has the shape that the schema asks for."""
    if isinstance(shape, type):
        assert type(value) is shape
    elif isinstance(shape, list):
        assert isinstance(value, list)
        assert len({json.dumps(item) for item in value}) == len(value)  # uniqueItems
        for item in value:
            conforms(item, shape[0])
    else:
        required, allowed = SHAPES[shape]
        assert isinstance(value, dict)
        assert required <= value.keys() <= allowed.keys()
        for name, inner in value.items():
            conforms(inner, allowed[name])
        if shape == "region":
            assert min(value.values()) >= 1
            assert (value["startLine"], value["startColumn"]) <= (value["endLine"], value["endColumn"])
        if shape in ("rule", "result"):
            assert value.get("level", "error") in ("none", "note", "warning", "error")


def log_of(text: str, path: str = "net.cnn") -> dict[str, Any]:
    return sarif(check(Source(path, text), everything=True).diagnostics, {"E301": "branches of different shapes"})


MISTAKES = """\
network Net {
  input(3, 16x16)
  add {
    | conv(16)
    | conv(8, strde=2)
    | conv(8)
  }
  conw(16) -> batch_norm
}
"""


@pytest.mark.parametrize("text", [MISTAKES, "", "network", *(lint.bad for lint in LINTS)])
def test_it_conforms(text):
    log = log_of(text)
    conforms(log, "log")
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] == ("warning" if result["ruleId"].startswith("W") else "error")
    json.dumps(log)


def test_a_clean_file_has_no_results():
    [run] = log_of(LINTS[0].good)["runs"]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def test_places_count_from_one_and_end_behind():
    [run] = log_of("train { epoch = 3 }\nnetwork N { input(1, 8x8)\nflatten -> dense(10) }")["runs"]
    [result] = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 1, "startColumn": 9, "endLine": 1, "endColumn": 14}
    [change] = result["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [{"deletedRegion": place["region"], "insertedContent": {"text": "epochs"}}]
    assert "did you mean `epochs`?" in result["message"]["text"]


def test_branches_are_related_places():
    [run] = log_of(MISTAKES.replace("strde=2", "stride=2").replace("conw", "conv"))["runs"]
    [result] = run["results"]
    assert result["ruleId"] == "E301"
    assert [related["message"]["text"] for related in result["relatedLocations"]] == [
        "16 x 16 x 16",
        "8 x 8 x 8",
        "8 x 16 x 16",
    ]
    assert run["tool"]["driver"]["rules"][0]["shortDescription"]["text"] == "branches of different shapes"


@pytest.mark.parametrize(
    ("path", "uri"),
    [("net.cnn", "net.cnn"), ("my specs/n#1.cnn", "my%20specs/n%231.cnn"), ("/data/é.cnn", "file:///data/%C3%A9.cnn")],
)
def test_paths_become_uris(path, uri):
    source = Source(path, "x")
    [run] = sarif(check(source).diagnostics, {})["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
    assert Span(source, 0, 1).place.startswith(path)
