"""SARIF, validated against a JSON Schema of what specc writes of it (OASIS, SARIF 2.1.0, sections 3.8 to 3.57).

`sarif-subset.schema.json` is not the official schema, but written from the standard's text. That it makes up no names
and leaves out nothing that is required is tested too: against the classes of sarif-om, which Microsoft generated from
the official schema.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import attr
import pytest
import sarif_om
from jsonschema import Draft202012Validator

from specc.check import check
from specc.check.lint import LINTS
from specc.report.sarif import sarif
from specc.source import Source, Span

SCHEMA = json.loads((Path(__file__).parent / "sarif-subset.schema.json").read_text(encoding="utf-8"))
OBJECTS = {name: shape for name, shape in SCHEMA["$defs"].items() if shape.get("type") == "object"}


def mistakes_in(log: Any) -> list[str]:
    """Where a log does not have the form that the schema asks for."""
    return [error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(log)]


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
    log = json.loads(json.dumps(log_of(text)))
    assert mistakes_in(log) == []
    [run] = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] == ("warning" if result["ruleId"].startswith("W") else "error")
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", OBJECTS)
def test_the_schema_has_the_names_of_the_official_one_and_requires_what_that_requires(name):
    official = attr.fields_dict(getattr(sarif_om, name[0].upper() + name[1:]))
    named = {field.metadata["schema_property_name"]: field.default is attr.NOTHING for field in official.values()}
    assert OBJECTS[name]["properties"].keys() <= named.keys()
    assert set(OBJECTS[name].get("required", ())) == {one for one, is_required in named.items() if is_required}


def first(log: dict[str, Any]) -> dict[str, Any]:
    """The first result of a log."""
    result: dict[str, Any] = log["runs"][0]["results"][0]
    return result


WRONG: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("$", lambda log: log.pop("version")),
    ("$.version", lambda log: log.update(version="2.2.0")),
    ("$", lambda log: log.update(comment="")),
    ("$.runs[0]", lambda log: log["runs"][0].pop("tool")),
    ("$.runs[0].columnKind", lambda log: log["runs"][0].update(columnKind="bytes")),
    ("$.runs[0].tool.driver", lambda log: log["runs"][0]["tool"]["driver"].pop("name")),
    (
        "$.runs[0].tool.driver.rules",
        lambda log: log["runs"][0]["tool"]["driver"]["rules"].append(log["runs"][0]["tool"]["driver"]["rules"][0]),
    ),
    ("$.runs[0].tool.driver.rules[0]", lambda log: log["runs"][0]["tool"]["driver"]["rules"][0].pop("id")),
    ("$.runs[0].results[0]", lambda log: first(log).pop("message")),
    ("$.runs[0].results[0].message", lambda log: first(log).update(message={"markdown": "wrong"})),
    ("$.runs[0].results[0].message", lambda log: first(log).update(message="wrong")),
    ("$.runs[0].results[0].level", lambda log: first(log).update(level="fatal")),
    ("$.runs[0].results[0].ruleIndex", lambda log: first(log).update(ruleIndex="0")),
    ("$.runs[0].results[0]", lambda log: first(log).update(help="mend it")),
    (
        "$.runs[0].results[0].locations[0].physicalLocation",
        lambda log: first(log)["locations"][0]["physicalLocation"].pop("artifactLocation"),
    ),
    (
        "$.runs[0].results[0].locations[0].physicalLocation.region.startLine",
        lambda log: first(log)["locations"][0]["physicalLocation"]["region"].update(startLine=0),
    ),
    (
        "$.runs[0].results[0].relatedLocations",
        lambda log: first(log)["relatedLocations"].append(first(log)["relatedLocations"][0]),
    ),
]


@pytest.mark.parametrize(("place", "spoil"), WRONG)
def test_the_schema_finds_what_is_wrong(place, spoil):
    log = log_of(MISTAKES.replace("strde=2", "stride=2").replace("conw", "conv"))
    assert mistakes_in(log) == []
    wrong = deepcopy(log)
    spoil(wrong)
    assert set(mistakes_in(wrong)) == {place}


@pytest.mark.parametrize(
    ("place", "spoil"),
    [
        ("artifactChanges", lambda fix: fix.update(artifactChanges=[])),
        ("", lambda fix: fix.pop("artifactChanges")),
        ("artifactChanges[0]", lambda fix: fix["artifactChanges"][0].pop("artifactLocation")),
        ("artifactChanges[0].replacements", lambda fix: fix["artifactChanges"][0].update(replacements=[])),
        (
            "artifactChanges[0].replacements[0]",
            lambda fix: fix["artifactChanges"][0]["replacements"][0].pop("deletedRegion"),
        ),
    ],
)
def test_the_schema_finds_what_is_wrong_in_a_fix(place, spoil):
    log = log_of("train { epoch = 3 }\nnetwork N { input(1, 8x8)\nflatten -> dense(10) }")
    assert mistakes_in(log) == []
    spoil(first(log)["fixes"][0])
    assert mistakes_in(log) == [f"$.runs[0].results[0].fixes[0].{place}".rstrip(".")]


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
