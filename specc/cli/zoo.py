"""`specc zoo`: the networks that come with specc."""

from typing import Annotated, Any

import typer

from specc.check import check
from specc.cli.common import print_json
from specc.fit import fitted
from specc.ir.graph import Graph
from specc.reading import load_base, read_source
from specc.report.columns import columns
from specc.vocabulary.shape import size_text
from specc.zoo import FAMILIES, PREFIX, Family, families, models, unknown
from specc.zoo.figures import figures
from specc.zoo.weights import Published, published

HEAD = ("model", "family", "parameters", "MACs", "weights", "published")


def zoo(
    name: Annotated[str, typer.Argument(help="A model, or a family of models.", show_default=False)] = "",
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> None:
    """List the published networks that come with specc, or show one: its papers, its size, its spec and how to use it.

    Examples:

      specc zoo
      specc zoo vgg
      specc zoo resnet50
    """
    name = name.removeprefix(PREFIX).removeprefix(f"{FAMILIES}/")
    if name in models():
        one = _about(name, models()[name])
        if json:
            print_json(one)
        else:
            print(_page(one))
        return
    if name and name not in families():
        raise unknown(name)
    listed = [(model, family) for model, family in models().items() if name in ("", family.name)]
    if json:
        print_json({"models": [_row(model, family) for model, family in listed]})
    else:
        print(_table([_row(model, family) for model, family in listed]))


def _row(model: str, family: Family) -> dict[str, Any]:
    size, weights = figures().get(model), _weights(model)
    return {
        "model": model,
        "family": family.name,
        **(size._asdict() if size else {}),
        "weights": [one.name for one in weights],
        "accuracy": max((one.accuracy for one in weights if one.accuracy is not None), default=None),
    }


def _weights(model: str) -> list[Published]:
    """The published sets of trained weights of a model."""
    return [one for one in published().values() if one.model == model]


def _table(rows: list[dict[str, Any]]) -> str:
    numbers = [[f"{row[key]:,}" if key in row else "" for key in ("parameters", "macs")] for row in rows]
    cells = [
        HEAD,
        *(
            (row["model"], row["family"], *pair, str(len(row["weights"]) or ""), _percent(row["accuracy"]))
            for row, pair in zip(rows, numbers, strict=True)
        ),
    ]
    about = "published: the best top-1 accuracy on ImageNet of these weights, or mean IoU, where their library gives it"
    return "\n".join([*columns(cells, range(2, len(HEAD)), ruled=False), "", fitted(about)])


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}%"


def _about(model: str, family: Family) -> dict[str, Any]:
    graph = check(read_source(f"{PREFIX}{model}"), load=load_base).graph
    assert graph is not None  # the specs of the zoo have no errors
    return {
        "model": model,
        "family": family.name,
        "title": family.title,
        "papers": list(family.papers),
        "input": list(graph.input),
        "parameters": graph.parameters,
        "macs": graph.total_macs,
        "weights": [
            {"name": one.name, "license": one.license, "accuracy": one.accuracy, "url": one.url}
            for one in _weights(model)
        ],
        "spec": read_source(f"{PREFIX}{model}").text,
        "example": _example(model, graph),
    }


def _example(model: str, graph: Graph) -> str:
    """A spec that trains this network."""
    source = 'folder("photos")' if len(graph.output_shape) == 1 else 'masks("images", "masks")'
    return f'extends "{PREFIX}{model}"\nnetwork {{ classes = 5 }}\ndata {{ source = {source} }}\n'


def _terms(weights: dict[str, Any]) -> str:
    accuracy = "" if weights["accuracy"] is None else f", {weights['accuracy']:.1f}%"
    return f"{weights['license'] or 'no license stated'}{accuracy}"


def _page(one: dict[str, Any]) -> str:
    size = f"{one['parameters']:,} parameters, {one['macs']:,} multiply-accumulates for {size_text(one['input'])}"
    network = f"specc show {PREFIX}{one['model']}"
    trained = [fitted(f"  {each['name']} ({_terms(each)})\n    {each['url']}", more="  ") for each in one["weights"]]
    parts = [
        fitted(f"{one['model']}: {one['title']}"),
        *map(fitted, one["papers"]),
        "",
        fitted(size),
        "",
        fitted(f"its spec; {PREFIX}{FAMILIES}/{one['family']} has the network, `{network}` its layers:"),
        "",
        *(f"  {line}" for line in one["spec"].strip().splitlines()),
        "",
        "a spec that trains it:",
        "",
        *(f"  {line}" for line in one["example"].splitlines()),
        *(["", 'trained weights, for `train { start = pretrained("NAME") }`:', "", *trained] if trained else []),
    ]
    return "\n".join(parts)
