"""Answers about the seats of the network, and changes them."""

import trio

from fogbank_dag_ledger.committee_operations import Table, table_of
from fogbank_dag_ledger.limits import SEATS_MAX
from fogbank_protocol.identity import NodeId, short_form

from ..errors import Refused
from ..limits import CONTROL_WAIT_S_MAX
from ..parts import Parts
from .requests.network import Seat, Seats, WantedSeats


def seats_now(parts: Parts) -> Seats:
    """Return who has a seat now, and what is wanted."""
    view = parts.ledger.committee()
    connected = {info.node_id for info in parts.node.peers()} | {parts.identity.node_id}
    return Seats(
        epoch=view.epoch,
        seats=tuple(
            Seat(name.hex(), short_form(name), weight, name in connected)
            for name, weight in view.table.seats
        ),
        quorum=view.table.quorum,
        wanted=tuple(
            WantedSeats(tuple(name.hex() for name, _ in table.seats), votes)
            for table, votes in view.wanted
        ),
        votes_needed=view.weight_needed,
        changing=view.is_changing,
    )


async def change_seats(parts: Parts, node: NodeId, *, adds: bool, wait_s: int) -> Seats:
    """Want one seat more or less, and return the seats then.

    Raises:
        Refused: this agent has no seat, or the change is none.
    """
    table = parts.ledger.committee().table
    wanted = changed(table, node, adds=adds)
    _refuse_without_seat(parts, table)
    parts.ledger.want_seats(wanted)
    with trio.move_on_after(min(max(wait_s, 0), CONTROL_WAIT_S_MAX)):
        await parts.ledger.wait_seats(wanted)
    return seats_now(parts)


async def unfreeze(parts: Parts, account: NodeId, *, wait_s: int) -> Seats:
    """Want a new epoch with the same seats, and return them when it began.

    Raises:
        Refused: this agent has no seat, or no votes of the account's have split.
    """
    view = parts.ledger.committee()
    _refuse_without_seat(parts, view.table)
    if not parts.ledger.is_split(account):
        raise Refused(
            f"{short_form(account)} is not frozen: no two of its vertices wait for votes here, "
            "see 'fogbank ledger account'"
        )
    parts.ledger.want_seats(view.table)
    with trio.move_on_after(min(max(wait_s, 0), CONTROL_WAIT_S_MAX)):
        await parts.ledger.wait_epoch(view.epoch + 1)
    return seats_now(parts)


def _refuse_without_seat(parts: Parts, table: Table) -> None:
    if parts.identity.node_id not in table.weights():
        raise Refused("this agent has no seat: ask somebody who has, see 'fogbank network seats'")


def changed(table: Table, node: NodeId, *, adds: bool) -> Table:
    """Return ``table`` with one seat of one vote more, or one seat less.

    Raises:
        Refused: that changes nothing, or leaves none or too many.
    """
    seats = table.weights()
    if adds == (node in seats):
        state = "has a seat already" if adds else "has no seat"
        raise Refused(f"{short_form(node)} {state}: see 'fogbank network seats'")
    if adds:
        seats[node] = 1
    else:
        del seats[node]
    if not 1 <= len(seats) <= SEATS_MAX:
        raise Refused(f"a network has 1 to {SEATS_MAX} seats")
    # Two thirds and one more, as in a new network: tolerates liars of a third of the votes.
    return table_of(seats, 2 * sum(seats.values()) // 3 + 1)
