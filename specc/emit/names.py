"""Names of classes and attributes that mean nothing else in the emitted source."""

import keyword
import re

from specc.emit.classes import Class

# What every module has as an attribute, beside names that begin with an underscore.
OF_MODULES = {
    "T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile", "cpu",
    "cuda", "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_extra_state",
    "get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia", "named_buffers",
    "named_children", "named_modules", "named_parameters", "parameters", "register_backward_hook", "register_buffer",
    "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
    "register_full_backward_pre_hook", "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook",
    "register_module", "register_parameter", "register_state_dict_post_hook", "register_state_dict_pre_hook",
    "requires_grad_", "set_extra_state", "set_submodule", "share_memory", "state_dict", "to", "to_empty", "train",
    "training", "type", "xpu", "zero_grad",
}  # fmt: skip
IN_THE_FILE = {"F", "Tensor", "MEAN", "STD", "SIZE"}


def is_plain(name: str) -> bool:
    """Whether a module may be an attribute of that name."""
    return not (name.startswith("_") or keyword.iskeyword(name) or name in OF_MODULES)


def attribute(*names: str) -> str:
    """How a module of that name is reached in its parent, or one inside of that."""
    return "self" + "".join(f".{name}" if is_plain(name) else f'._modules["{name}"]' for name in names)


def name_classes(network: str, root: Class, classes: list[Class], taken: set[str]) -> None:
    """Give each class a name: the network its own, the others their block's in CamelCase."""
    used = {*IN_THE_FILE, *taken}
    root.name = _unused([_camel(network), f"{_camel(network)}Net"], used)
    by_block: dict[str, list[Class]] = {}
    for made in classes:
        by_block.setdefault(made.block, []).append(made)
    for block, several in by_block.items():
        for number, made in enumerate(several, 1):
            name = _camel(block)
            if made.members[0].call is None:
                name = _camel(made.members[0].name) if len(several) == len(made.members) == 1 else "Head"
            numbered = f"{name}{number}" if len(several) > 1 else name
            made.name = _unused([numbered, f"{numbered}Block"], used)


def _camel(name: str) -> str:
    """`dense_layer` is `DenseLayer`."""
    camel = "".join(part[:1].upper() + part[1:] for part in re.split("_+", name))
    return camel if camel[:1].isalpha() else f"Block{camel}"


def _unused(names: list[str], used: set[str]) -> str:
    choices = [*names, *(f"{names[-1]}{number}" for number in range(2, len(used) + 3))]
    name = next(name for name in choices if name not in used and not keyword.iskeyword(name))
    used.add(name)
    return name
