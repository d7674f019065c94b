"""Opens the ledger of a state folder for commands that look at it."""

from typing import TYPE_CHECKING

from ...errors import MachineError, Refused, StateFolderError
from ...state_folder import StateFolder

if TYPE_CHECKING:
    from fogbank_dag_ledger.ledger import Ledger
    from fogbank_dag_ledger.record import Record
    from fogbank_dag_ledger.service.reading import LedgerOnDisk
    from fogbank_dag_ledger.vertex import Vertex
    from fogbank_protocol.identity import NodeId


def read(state: StateFolder, *, with_signatures: bool = False) -> "LedgerOnDisk":
    """Return the ledger of ``state``.

    Raises:
        StateFolderError: there is none, or it is another network's.
        MachineError: it cannot be read.
    """
    from fogbank_dag_ledger.genesis import decode_genesis
    from fogbank_dag_ledger.service.failures import StorageFailure
    from fogbank_dag_ledger.service.reading import read_ledger
    from fogbank_protocol.errors import RemoteProtocolError
    from fogbank_protocol.node.database import DatabaseFailure

    try:
        genesis = decode_genesis(state.read_genesis())
    except RemoteProtocolError as error:
        raise StateFolderError(f"{state.genesis} is damaged: {error}") from None
    if not state.ledger.is_dir():
        raise StateFolderError(
            f"{state.path} has no ledger yet: start the agent with '{state.command('up')}'"
        )
    try:
        return read_ledger(state.ledger, genesis, with_signatures=with_signatures)
    except DatabaseFailure as error:
        raise MachineError(str(error)) from None
    except StorageFailure as error:
        raise StateFolderError(str(error)) from None


def digits_of(text: str, what: str) -> str:
    """Return ``text`` as lower-case hexadecimal digits, at least four of them.

    Raises:
        Refused: it is something else.
    """
    digits = text.lower()
    if not 4 <= len(digits) <= 64 or not set(digits) <= set("0123456789abcdef"):
        raise Refused(f"'{text}' is no {what}: give 4 to 64 hexadecimal digits of it")
    return digits


def account_of(ledger: "Ledger", text: str) -> "NodeId":
    """Return the one account whose node id begins with ``text``.

    Raises:
        Refused: there is none, or there are several.
    """
    from fogbank_dag_ledger.service.reading import issuer_of

    account = issuer_of(ledger, digits_of(text, "node id"))
    if account is None:
        raise Refused(f"no account, or more than one, begins with '{text}'")
    return account


def vertex_of(found: "LedgerOnDisk", text: str) -> "Vertex":
    """Return the one vertex whose id begins with ``text``.

    Raises:
        Refused: there is none, or there are several.
    """
    vertices = found.find(digits_of(text, "vertex id"))
    if len(vertices) != 1:
        raise Refused(
            f"no vertex above the last checkpoint but one, or more than one, begins with '{text}'"
        )
    return vertices[0]


def state_of(record: "Record | None") -> str:
    """Return how far a vertex is, in a word."""
    if record is None:
        return "not solid"
    if record.final:
        return "final"
    if record.lost:
        return "lost"
    return "confirmed" if record.confirmed else "pending"
