"""The parameters of the call that is being typed."""

from lsprotocol import types as lsp

from specc.check.gather.spec import Spec
from specc.lsp.cursor import cursor_at
from specc.lsp.expected import called_at
from specc.report.words import about, default_text
from specc.source import Source
from specc.syntax import tree as t
from specc.vocabulary.param import REQUIRED, Param

TRIGGERS = ["(", ","]


def signature_help(source: Source, spec: Spec, offset: int) -> lsp.SignatureHelp | None:
    """The signature of the call in whose arguments an offset is, and which parameter is meant."""
    called = called_at(cursor_at(source.text, offset), spec.blocks)
    if called is None or not called.params:
        return None
    parameters = [lsp.ParameterInformation(_label(param), _doc(param)) for param in called.params]
    label = f"{called.name}({', '.join(str(parameter.label) for parameter in parameters)})"
    doc = None if isinstance(called.word, t.Block) else called.word.doc
    return lsp.SignatureHelp([lsp.SignatureInformation(label, doc, parameters)], 0, called.active)


def _label(param: Param | t.Parameter) -> str:
    if isinstance(param, t.Parameter):
        return param.span.text
    return param.name if param.default is REQUIRED else f"{param.name}={default_text(param)}"


def _doc(param: Param | t.Parameter) -> str | None:
    return about(param) if isinstance(param, Param) else None
