"""Terms of objects to values and back (SPEC.md sections 8.13 to 8.15)."""

from fogbank_protocol.encoding import Value
from fogbank_protocol.errors import RemoteProtocolError

from .checked_values import (
    DIGEST_BYTES,
    Values,
    beats_in,
    bytes_in,
    check,
    integer,
    key_in,
    keys_in,
    split_in,
)
from .limits import ARBITERS_MAX, OBJECT_LIST_MAX, PARTS
from .operations import ChannelTerms, EscrowTerms, StakeTerms, Terms

CHANNEL, ESCROW, STAKE = 1, 2, 3


def terms_value(terms: Terms) -> tuple[int, Value]:
    """Return the type of an object and the array of its terms."""
    match terms:
        case ChannelTerms(provider, key, lanes, beats):
            return CHANNEL, [provider, key, lanes, beats]
        case EscrowTerms():
            return ESCROW, [
                terms.provider,
                list(terms.arbiters),
                terms.need,
                [list(share) for share in terms.split],
                terms.delivery_beats,
                terms.dispute_beats,
                terms.task,
            ]
        case StakeTerms(watch, need, beats, reward):
            return STAKE, [list(watch), need, beats, reward]


def terms_from_value(type_: int, fields: Values) -> Terms:
    """Return the terms that ``fields`` say of an object of this type.

    Raises:
        RemoteProtocolError: they are none (8.3.1), or a bound is broken (8.12.1).
    """
    if type_ == CHANNEL and len(fields) == 4:
        provider, key, lanes, beats = fields
        terms = ChannelTerms(key_in(provider), key_in(key), integer(lanes), beats_in(beats))
        check(1 <= terms.lanes <= OBJECT_LIST_MAX, "lanes out of range")
        return terms
    if type_ == ESCROW and len(fields) == 7:
        return _escrow_terms(fields)
    if type_ == STAKE and len(fields) == 4:
        watch, need, beats, reward = fields
        stake = StakeTerms(keys_in(watch), integer(need), beats_in(beats), integer(reward))
        check(1 <= len(stake.watch) <= OBJECT_LIST_MAX, "a watch out of range")
        check(_is_majority(stake.need, len(stake.watch)), "a need out of range")
        check(stake.reward >= len(stake.watch), "a reward that nobody gets a drop of")
        return stake
    raise RemoteProtocolError("not an object known in this version", rule="8.3.1")


def _escrow_terms(fields: Values) -> EscrowTerms:
    provider, arbiters, need, split, delivery, dispute, task = fields
    terms = EscrowTerms(
        key_in(provider),
        keys_in(arbiters),
        integer(need),
        split_in(split),
        beats_in(delivery),
        beats_in(dispute),
        bytes_in(task, DIGEST_BYTES),
    )
    check(len(terms.arbiters) <= ARBITERS_MAX, "too many arbiters")
    decided = _is_majority(terms.need, len(terms.arbiters)) if terms.arbiters else terms.need == 0
    check(decided, "a need out of range")
    check(sum(parts for _, parts in terms.split) <= PARTS, "a split of more than all")
    named = {recipient for recipient, _ in terms.split}
    check(terms.provider not in {*named, *terms.arbiters}, "a provider in two roles")
    return terms


def _is_majority(need: int, count: int) -> bool:
    return count < 2 * need <= 2 * count
