"""What is known of a module that was read (SPEC.md sections 7.2 and 7.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum


class Shape(StrEnum):
    """How the host talks to a module (section 7.3)."""

    REACTOR = "reactor"
    COMMAND = "command"
    STEP = "step"


class ValueType(Enum):
    """A type of value, with its code in the binary format and its name in the text format."""

    I32 = 0x7F, "i32"
    I64 = 0x7E, "i64"
    F32 = 0x7D, "f32"
    F64 = 0x7C, "f64"
    V128 = 0x7B, "v128"
    FUNCREF = 0x70, "funcref"
    EXTERNREF = 0x6F, "externref"

    def __init__(self, code: int, text: str) -> None:
        """Name the two so that readers need not count."""
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class FunctionType:
    """Parameters and results of a function."""

    parameters: tuple[ValueType, ...]
    results: tuple[ValueType, ...]

    def __str__(self) -> str:
        parameters = " ".join(each.text for each in self.parameters)
        results = " ".join(each.text for each in self.results)
        return f"({parameters}) -> ({results})"


class ExternKind(Enum):
    """What an import or export is, with its code in the binary format."""

    FUNCTION = 0
    TABLE = 1
    MEMORY = 2
    GLOBAL = 3


@dataclass(frozen=True, slots=True)
class FunctionImport:
    """A function that the module asks of its host."""

    module: str
    name: str
    type: FunctionType


@dataclass(frozen=True, slots=True)
class Export:
    """Something that the module shows its host, by its index among its kind."""

    kind: ExternKind
    index: int


@dataclass(frozen=True, slots=True)
class GlobalType:
    """What a global holds, and whether it can change."""

    type: ValueType
    is_mutable: bool


@dataclass(frozen=True, slots=True)
class PageLimits:
    """A memory's size in pages of 64 KiB: at the start, and at most (None: as much as allowed)."""

    minimum: int
    maximum: int | None


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """What a module is, as far as it can be told without compiling."""

    imports: Sequence[FunctionImport]
    exports: Mapping[str, Export]
    functions: Sequence[FunctionType]
    """The type of every function, imported ones first: an export's index counts in here."""

    memory: PageLimits | None
    globals: Sequence[GlobalType]
    """The type of every global, by its index."""

    code_bytes: int
    """Bytes of all function bodies."""

    operators: int
    """Operators of all function bodies."""
