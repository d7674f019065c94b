"""Answers about homes, and what makes them and moves to them."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import trio

from fogbank_dag_ledger.committee_operations import Table, table_of
from fogbank_dag_ledger.home_codec import home_preimage, is_signature
from fogbank_dag_ledger.limits import HOME_SEATS_MAX
from fogbank_dag_ledger.service.failures import NeverFinal, NotIssuing
from fogbank_dag_ledger.vertex import NO_VERTEX, VertexId
from fogbank_dag_ledger.wallet import PaymentRefused
from fogbank_protocol.identity import NodeId, short_form

from ..errors import Refused
from ..limits import CONTROL_WAIT_S_MAX
from ..parts import Parts
from .requests.homes import Home, Homes, HomeSigned, MakeHome, MoveHome, SignHome

FindAccount: TypeAlias = Callable[[str], NodeId]
"""Whom a person means; raises ``Refused``."""


def list_homes(parts: Parts, *, done: bool = True) -> Homes:
    """Return the homes that are known, and where the own account lives."""
    return Homes(
        own=parts.ledger.own_home.hex(),
        homes=tuple(
            Home(
                home=view.id.hex(),
                seats=tuple(name.hex() for name, _ in view.table.seats),
                quorum=view.table.quorum,
                final=view.is_final,
                succeeds=view.succeeds.hex(),
            )
            for view in parts.ledger.homes()
        ),
        done=done,
    )


def answer_sign_home(parts: Parts, request: SignHome, find: FindAccount) -> HomeSigned:
    """Agree to a seat.

    Raises:
        Refused: this agent is not among the seats, or they cannot be.
    """
    table = table_for(list(map(find, request.seats)), request.quorum)
    if parts.identity.node_id not in table.weights():
        raise Refused("this agent is not among the seats: name it by --seat too, see 'fogbank id'")
    network = parts.genesis.network
    succeeds = _one_home(parts, request.succeeds)
    said = home_preimage(network, find(request.creator), table, succeeds)
    return HomeSigned(parts.identity.sign(said).hex())


async def make_home(parts: Parts, request: MakeHome, find: FindAccount) -> Homes:
    """Make a home.

    Raises:
        Refused: a signature is missing, or a rule of the ledger is broken.
    """
    table = table_for(list(map(find, request.seats)), request.quorum)
    own = parts.identity.node_id
    given = [_signature(text) for text in request.signatures]
    succeeds = _one_home(parts, request.succeeds)
    said = home_preimage(parts.genesis.network, own, table, succeeds)
    if own in table.weights():
        given.append(parts.identity.sign(said))
    signatures: list[bytes] = []
    for name, _ in table.seats:
        fitting = [one for one in given if is_signature(name, one, said)]
        if not fitting:
            raise Refused(
                f"{short_form(name)} has not signed: run 'fogbank network sign-home' there with "
                "the same seats and --succeeds, and give what it prints as --signature"
            )
        signatures.append(fitting[0])
    try:
        home = await parts.ledger.create_home(table, signatures, succeeds)
    except (PaymentRefused, NotIssuing) as error:
        raise Refused(str(error)) from None
    return await _when_final(parts, home, request.wait_s)


async def move_home(parts: Parts, request: MoveHome) -> Homes:
    """Move the own account.

    Raises:
        Refused: there is no such home, or several, or the account lives there.
    """
    wanted = _one_home(parts, request.home)
    try:
        moved = await parts.ledger.move_home(wanted)
    except (PaymentRefused, NotIssuing) as error:
        raise Refused(str(error)) from None
    return await _when_final(parts, moved, request.wait_s)


def table_for(seats: Sequence[NodeId], quorum: int) -> Table:
    """Return the table of a home with these seats, of one vote each; ``quorum`` 0: two thirds.

    Raises:
        Refused: there are none or too many, or the quorum is none.
    """
    weights = dict.fromkeys(seats, 1)
    if not 1 <= len(weights) <= HOME_SEATS_MAX:
        raise Refused(f"a home has 1 to {HOME_SEATS_MAX} seats")
    if quorum and not len(weights) < 2 * quorum <= 2 * len(weights):
        raise Refused("the quorum is more than half of the seats, and at most all of them")
    return table_of(weights, quorum or 2 * len(weights) // 3 + 1)


async def _when_final(parts: Parts, vertex_id: VertexId, wait_s: int) -> Homes:
    try:
        with trio.move_on_after(min(max(wait_s, 0), CONTROL_WAIT_S_MAX)):
            await parts.ledger.wait_final(vertex_id)
    except NeverFinal as error:
        raise Refused(str(error)) from None
    return list_homes(parts, done=parts.ledger.is_final(vertex_id))


def _one_home(parts: Parts, text: str) -> VertexId:
    """Return the home whose id begins with ``text``; empty: that of the community."""
    wanted = text.lower()
    fitting = [one.id for one in parts.ledger.homes() if one.id.hex().startswith(wanted)]
    if wanted and len(fitting) != 1:
        count = "no home begins" if not fitting else "several homes begin"
        raise Refused(f"{count} with '{text}': see 'fogbank network home'")
    return fitting[0] if wanted else NO_VERTEX


def _signature(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Refused(f"'{text}' is no signature: see 'fogbank network sign-home'") from None
