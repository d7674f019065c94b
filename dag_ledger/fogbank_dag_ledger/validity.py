"""The rules that need the past cone, 8.3.13 to 8.3.18 (SPEC.md section 8.3).

They are functions of the cone alone: what else is held and in which order it came changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId

from .acknowledgements import Acknowledged, decode_cert
from .chain import Chain
from .footing import Footing, Ground
from .home import Home
from .limits import AMOUNT_LIMIT
from .object_rules import ObjectEffect, check_objects, deeds_of_lost
from .objects import Deeds
from .record import Gain, Record, Sent
from .vertex import VALIDATOR, Claim, Vertex


class Effect(NamedTuple):
    """What a valid vertex does to its issuer's account, in drops."""

    balance: int
    beat: int
    payments: tuple[Sent, ...]
    claims: tuple[Gain, ...]
    acknowledges: Sequence[tuple[Acknowledged, int]]
    """The chains of each entry of its cert, with the seq."""

    deeds: Deeds | None


_REPLACED_BY_FLOORS = frozenset(
    {
        *("8.3.7", "8.3.15", "8.3.16", "8.3.17", "8.3.18"),
        *("8.18.2", "8.18.3", "8.18.4", "8.18.5", "8.18.6", "8.19.4", "8.19.5"),
    }
)
_OF_OBJECTS = ("8.12.", "8.13.", "8.14.", "8.15.")
_OF_OBJECTS_IN_BYTES = frozenset({"8.12.1", "8.12.2"})


def may_hold_above_later_floor(rule: str) -> bool:
    """Tell whether what breaks ``rule`` here may be valid where a newer floor is known (8.7)."""
    if rule.startswith(_OF_OBJECTS):
        return rule not in _OF_OBJECTS_IN_BYTES
    return rule in _REPLACED_BY_FLOORS


def check_cone(
    vertex: Vertex,
    chain: Chain,
    footing: Footing,
    by_tag: Mapping[bytes, Acknowledged],
    ground: Ground,
    network: NetworkId,
    home: Home,
) -> Effect:
    """Return the effect of ``vertex``, whose edges are all valid and held, or settled.

    ``by_tag`` has every chain held; ``ground`` has the edges; ``home`` is that of its slot.

    Raises:
        RemoteProtocolError: with the rule that was broken.
    """
    prev, sources = footing.prev, footing.sources
    beat = prev.beat if prev is not None else 0
    if vertex.kind == VALIDATOR:
        if chain.seat is None:
            raise RemoteProtocolError("a validator vertex without a seat", rule="8.3.14")
        if vertex.beat < beat and not footing.lost:
            raise RemoteProtocolError("a beat that goes back", rule="8.3.15")
        beat = vertex.beat
    if footing.lost:
        deeds = deeds_of_lost(vertex, chain, ground, network, home) if vertex.operations else None
        return _effect_of_lost(vertex, beat, by_tag, deeds)
    if chain.totals.at is not prev:
        chain.totals.move(prev)
    claims = _check_claims(vertex.claims, chain, sources) if vertex.claims else ()
    sent = chain.totals.sent
    payments = tuple([(who, amount, sent.get(who, 0) + amount) for who, amount in vertex.payments])
    balance = prev.balance if prev is not None else chain.genesis_balance
    deeds = None
    if vertex.operations:
        effect = check_objects(vertex, chain, ground, network, home)
        deeds = effect.deeds
        payments = _with_passed_on(vertex, chain, effect)
        balance += effect.taken - effect.put
    for _, gained in claims:
        balance += gained
    for _, amount, total in payments:
        balance -= amount
        if total >= AMOUNT_LIMIT:
            raise RemoteProtocolError("a total too large to say", rule="8.3.17")
    if not 0 <= balance < AMOUNT_LIMIT:
        raise RemoteProtocolError("more is paid than there is", rule="8.3.17")
    acknowledges: Sequence[tuple[Acknowledged, int]] = ()
    if vertex.cert:
        assert prev is not None
        acknowledges = _check_cert(vertex.cert, chain, prev, by_tag)
    return Effect(balance, beat, payments, claims, acknowledges, deeds)


def _with_passed_on(vertex: Vertex, chain: Chain, effect: ObjectEffect) -> tuple[Sent, ...]:
    """Return the pays of ``vertex`` and what its takes pass on, one entry a recipient."""
    amounts = {payment.recipient: payment.amount for payment in vertex.payments}
    for recipient, drops in effect.passed_on:
        amounts[recipient] = amounts.get(recipient, 0) + drops
    return tuple([(who, amount, _sent(chain, who) + amount) for who, amount in amounts.items()])


def _effect_of_lost(
    vertex: Vertex, beat: int, by_tag: Mapping[bytes, Acknowledged], deeds: Deeds | None
) -> Effect:
    """Return what a vertex that can never be final does: it moves no drops (8.21)."""
    payments = tuple([(payment.recipient, payment.amount, 0) for payment in vertex.payments])
    known = [(by_tag[tag], seq) for tag, seq in decode_cert(vertex.cert) if tag in by_tag]
    return Effect(0, beat, payments, (), known, deeds)


def _sent(chain: Chain, recipient: NodeId) -> int:
    return chain.totals.sent.get(recipient, 0)


def _check_claims(
    claims: Sequence[Claim], chain: Chain, sources: Sequence[Record]
) -> tuple[Gain, ...]:
    gains: list[Gain] = []
    senders: set[Chain] = set()
    for claim, source in zip(claims, sources, strict=True):
        sender = source.chain
        if sender in senders:
            raise RemoteProtocolError("one sender claimed twice", rule="8.3.16")
        senders.add(sender)
        if not _has_paid(source, chain, claim.total):
            raise RemoteProtocolError("a claim to what was not paid", rule="8.3.16")
        gained = claim.total - chain.totals.claimed.get(sender.issuer, 0)
        if gained <= 0:
            raise RemoteProtocolError("a claim that gains nothing", rule="8.3.16")
        gains.append((source, gained))
    return tuple(gains)


def _has_paid(source: Record, chain: Chain, total: int) -> bool:
    if source.seq < source.chain.floor:
        # What each settled vertex had paid is forgotten; all of them together paid so much.
        return total <= source.chain.settled_sent.get(chain.issuer, 0)
    issuer = chain.issuer
    for recipient, _, paid in source.payments:
        if recipient == issuer:
            # One entry a recipient.
            return paid == total
    return False


def _check_cert(
    cert: bytes, chain: Chain, prev: Record, by_tag: Mapping[bytes, Acknowledged]
) -> list[tuple[Acknowledged, int]]:
    assert chain.seat is not None
    bit = 1 << chain.seat
    # While a validator's chain is a line that ends in prev, what it has observed and the cone of
    # prev are the same, and one bit tells.
    is_line = not chain.forked and prev is chain.head
    acknowledges: list[tuple[Acknowledged, int]] = []
    unsettled: list[tuple[Acknowledged, int]] = []
    for tag, seq in decode_cert(cert):
        acknowledged = by_tag.get(tag)
        if acknowledged is None:
            raise RemoteProtocolError("an acknowledgement of the unseen", rule="8.3.18")
        acknowledges.append((acknowledged, seq))
        # What was there is forgotten, and can gain nothing by an acknowledgement.
        if not acknowledged.is_settled(seq):
            if is_line and not acknowledged.is_observed(seq, bit):
                raise RemoteProtocolError("an acknowledgement of the unseen", rule="8.3.18")
            unsettled.append((acknowledged, seq))
    if not is_line and not _all_in_cone(prev, unsettled):
        raise RemoteProtocolError("an acknowledgement of the unseen", rule="8.3.18")
    return acknowledges


def _all_in_cone(top: Record, acknowledges: Sequence[tuple[Acknowledged, int]]) -> bool:
    """Tell whether the cone of ``top`` has a contender of each; only for validators that forked."""
    wanted = [list(acknowledged.contenders(seq)) for acknowledged, seq in acknowledges]
    if not all(wanted):
        return False
    floor = min([record.height for group in wanted for record in group], default=0)
    cone, queue = {top}, [top]
    for record in queue:
        for edge in record.edges:
            if edge.height >= floor and edge not in cone:
                cone.add(edge)
                queue.append(edge)
    return all(any(record in cone for record in group) for group in wanted)
