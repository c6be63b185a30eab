"""A network's text to a graph, in which every layer has its arguments and its shape."""

from typing import Any, NamedTuple

from specc.check.calls.binder import Binder
from specc.check.context import Context
from specc.check.expand.builder import GraphBuilder
from specc.check.expand.expander import Expander
from specc.check.expand.here import Here
from specc.check.expand.names import Overwritten
from specc.check.expand.network import add_input, before_input
from specc.check.expand.parameters import ParameterBinder
from specc.check.expressions.evaluate import Evaluator
from specc.check.expressions.scope import Scope
from specc.check.gather.spec import Spec
from specc.ir.graph import Graph
from specc.source import Span
from specc.syntax import tree as t


class Expanded(NamedTuple):
    """The graph of a network. overwritten: names given to a second tensor before the first one was used."""

    graph: Graph
    overwritten: list[Overwritten]


def expand(spec: Spec, scope: Scope, images: Any, context: Context) -> Expanded | None:
    """The graph of a spec's network; None where it has none, or no input.

    scope: what the file's own names mean. images: their shape, or UNKNOWN; or a text, what to write where
    nothing tells it.
    """
    network = spec.network
    if network is None:
        _no_network(spec, context)
        return None
    parameters = ParameterBinder(Binder(Evaluator(context, spec.blocks)), spec, scope)
    call = t.Call(network.name, (), None, network.name_span, network.name_span, False)
    here = Here(scope)
    for default in spec.defaults:
        here = parameters.with_default(default, here)
    own = parameters.of_block(network, call, here, None)
    if own is None:
        return None
    values = dict(own.names)
    here, statements = before_input(network.body.statements, here._replace(scope=own), parameters)
    graph = GraphBuilder(context)
    rest = add_input(spec, network, statements, here, images, graph, parameters)
    if rest is None:
        return None
    if context.trace is not None:
        context.trace.nodes = graph.nodes
    expander = Expander(spec, parameters, graph)
    end = expander.body(network.body, 0, here, network.name, rest)
    return Expanded(Graph(network.name, graph.nodes, end, graph.heads, values), expander.names.overwritten)


def _no_network(spec: Spec, context: Context) -> None:
    if spec.is_broken:
        return  # it may be in the part that cannot be parsed
    start = Span(spec.source, 0, 0)
    if spec.source.text.strip() == "":
        context.error("E105", "this file is empty", start, help="run `specc new` to create a spec")
    else:
        help = "add one, such as network Net { conv(32) -> relu -> global_avg_pool -> dense(10) }"
        context.error("E105", "this file has no network", start, help=help)
