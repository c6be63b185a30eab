"""What the parameters of blocks and layers get: a call's arguments, those of `default` statements, and defaults."""

from collections.abc import Collection

from specc.check.calls.arguments import UNASSIGNED, Given, assign, unknown_argument
from specc.check.calls.binder import Binder
from specc.check.calls.missing import missing_layer
from specc.check.expand.here import Here
from specc.check.expressions.flow import Flow
from specc.check.expressions.labels import Labels
from specc.check.expressions.scope import Scope
from specc.check.gather.spec import Spec
from specc.diagnostics import Label
from specc.ops import OPS
from specc.ops.op import Op
from specc.syntax import tree as t
from specc.values import Args


class ParameterBinder:
    """Binds calls of blocks and layers."""

    def __init__(self, binder: Binder, spec: Spec, file_scope: Scope) -> None:
        self.binder, self.evaluator, self.context = binder, binder.evaluator, binder.context
        self.spec, self.file_scope = spec, file_scope

    def of_layer(self, op: Op, call: t.Call, here: Here, flow: Flow) -> Args | None:
        """The arguments of a layer, converted; None where some are missing or wrong."""
        names = [param.name for param in op.params]
        tensors = [param.name for param in op.params if param.kind.names_tensor]
        given = assign(self.evaluator, call, names, op.name, here.scope, flow, tensors=tensors)
        self._add_defaults(given, op.name, here, flow, tensors)
        return self.binder.convert(given, op.params, op.name, call.span, here.scope, flow)

    def of_block(self, block: t.Block, call: t.Call, here: Here, flow: Flow) -> Scope | None:
        """The scope of a block's body, which holds its parameters; None where some are missing or wrong."""
        names = [parameter.name for parameter in block.parameters]
        given = assign(self.evaluator, call, names, block.name, here.scope, flow)
        self._add_defaults(given, block.name, here, flow)
        if UNASSIGNED in given:
            return None
        missing = [p.name for p in block.parameters if p.name not in given and p.default is None]
        if missing:
            listed = ", ".join(f"`{name}`" for name in missing)
            labels = () if block.is_network else (Label(block.name_span, f"`{block.name}` is declared here"),)
            help = f"give it a default, or set it with --set network.{missing[0]}=…" if block.is_network else ""
            self.context.error("E206", f"`{block.name}` needs {listed}", call.span, labels=labels, help=help)
            return None
        scope = Scope(self.file_scope, labels=Labels(here.scope.labels))
        for parameter in block.parameters:
            if parameter.name in given:
                scope.names[parameter.name] = given[parameter.name].value
            else:
                scope.names[parameter.name] = self.evaluator.evaluate(parameter.default, scope, flow)
        return scope

    def _add_defaults(
        self, given: dict[str, Given], callee: str, here: Here, flow: Flow, tensors: Collection[str] = ()
    ) -> None:
        """Add the arguments of `default` statements; the innermost and latest wins."""
        for name, call, scope in reversed(here.defaults):
            if name == callee:
                for argument in call.arguments:
                    if argument.name and argument.name not in given:
                        is_tensor = argument.name in tensors
                        evaluate = self.evaluator.tensor_name if is_tensor else self.evaluator.evaluate
                        value = evaluate(argument.value, scope, flow)
                        given[argument.name] = Given(value, argument.value.span)

    def with_default(self, default: t.Default, here: Here) -> Here:
        """The place after a `default` statement, where it is in effect."""
        call = default.call
        if call.body is not None:
            help = "default conv(bias=false)"
            self.context.error("E208", "`default` sets arguments and takes no body", call.body.span, help=help)
        if call.name not in OPS and call.name not in self.spec.blocks:
            missing_layer(self.context, call, self.spec.blocks, list)
            return here
        names = self.spec.names_of(call.name)
        for argument in call.arguments:
            if not argument.name:
                message = "`default` takes only named arguments"
                self.context.error("E220", message, argument.span, help="default conv(init=he_normal)")
            elif argument.name not in names:
                unknown_argument(self.context, argument, names, call.name)
        here.scope.is_captured = True
        return here._replace(defaults=(*here.defaults, (call.name, call, here.scope)))
