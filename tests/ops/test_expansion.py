"""What ops declare to become: parameters that are there, and nothing that the checker would have to know by name."""

import ast
from pathlib import Path

from specc.check.expand import builder
from specc.ops import OPS
from specc.ops.expansion import Expansion, OneNode


def test_expansions_are_about_parameters_of_their_op():
    for op in OPS.values():
        params = {param.name for param in op.params}
        for attribute in ("name", "weight", "count"):
            assert getattr(op.expands, attribute, None) in {None, *params}, op.name


def test_what_becomes_a_node_can_be_built_and_the_rest_cannot():
    for op in OPS.values():
        becomes = isinstance(op.expands, OneNode) or op.joins
        assert (op.torch is not None) == becomes, op.name


def test_every_expansion_has_an_op():
    kinds = {type(op.expands) for op in OPS.values()}
    assert kinds == set(Expansion.__subclasses__())


def test_the_expansion_compares_no_name_of_an_op():
    for path in Path(builder.__file__).parent.glob("*.py"):
        texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert texts & set(OPS) <= {"input"}, path.name  # the name of node 0
