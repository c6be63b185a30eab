"""A section of a spec as a class that declares each of its settings once, on a line or a few."""

from typing import Any, ClassVar, NoReturn, Self, TypeVar, dataclass_transform

from specc.vocabulary.kinds import Kind
from specc.vocabulary.param import REQUIRED, Param

T = TypeVar("T")


def setting(kind: Kind, doc: str, *, default: T) -> T:
    """Declare a setting: what a spec may write, one line about it, and the converted default, or REQUIRED."""
    return Param("", kind, default, doc)  # type: ignore[return-value]  # `Settings` replaces it by the value


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
class Settings:
    """The settings of a section: immutable, equal where all values are.

    A subclass declares them in order: `epochs: float = setting(POSITIVE, "how often …", default=20.0)`.
    params: what it declares, as parameters.
    """

    params: ClassVar[tuple[Param, ...]] = ()

    def __init_subclass__(cls) -> None:
        declared = [(name, value) for name, value in vars(cls).items() if isinstance(value, Param)]
        for name, _ in declared:
            delattr(cls, name)  # only an instance has values
        cls.params = tuple(param._replace(name=name) for name, param in declared)

    def __init__(self, **values: Any) -> None:
        """Raises TypeError for a name that is no setting, and where a required setting is missing."""
        known = {param.name: param.default for param in self.params}
        unknown = values.keys() - known.keys()
        missing = [name for name, default in known.items() if default is REQUIRED and name not in values]
        if unknown or missing:
            raise TypeError(f"{type(self).__name__}: unknown {sorted(unknown)}, missing {missing}")
        self.__dict__.update(known | values)

    @property
    def replace(self) -> type[Self]:
        """`settings.replace(batch=32)` is a copy with other values.

        Annotated as the class itself, so that names and types of the changes are checked like those of its constructor.
        """

        def replaced(**changes: Any) -> Any:
            return type(self)(**{**self.__dict__, **changes})

        return replaced  # type: ignore[return-value]

    def as_dict(self) -> dict[str, Any]:
        """Each setting's value by its name, in the order of declaration."""
        return dict(self.__dict__)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot be set; use replace({name}=…)")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
