"""By which vouchers a channel is settled, and to what (SPEC.md section 8.13).

The ledger asks it of a close; a provider of a voucher before it takes it, so that it never works
for one by which nothing could be closed.
"""

from collections.abc import Iterable

from fogbank_protocol.errors import RemoteProtocolError
from fogbank_protocol.identity import NetworkId, NodeId

from .checked_values import check, check_split
from .limits import OBJECT_LIST_MAX, PAYEES_MAX
from .operations import ChannelTerms, ObjectId, Share, Voucher
from .statements import is_voucher


def rank(voucher: Voucher) -> tuple[int, int, int, tuple[Share, ...]]:
    """Return what orders the vouchers of a lane: it is settled by the largest that is shown.

    What is left to the provider comes first: who pays could sign a larger total later, all of it
    for others, and have back what it paid.
    """
    return voucher.leaves, voucher.total, voucher.count, voucher.split


def best_of_lanes(vouchers: Iterable[Voucher]) -> dict[int, Voucher]:
    """Return of each lane the voucher that it is settled by."""
    best: dict[int, Voucher] = {}
    for voucher in vouchers:
        if voucher.lane not in best or rank(voucher) > rank(best[voucher.lane]):
            best[voucher.lane] = voucher
    return best


def check_form(voucher: Voucher) -> None:
    """Check the bounds that a voucher in an op keeps, whatever its channel.

    Raises:
        RemoteProtocolError: it breaks 8.12.1.
    """
    check(voucher.lane < OBJECT_LIST_MAX, "a lane out of range")
    check_split(voucher.split)
    check(voucher.leaves >= 0, "a split of more than all")


def check_voucher(
    voucher: Voucher, channel: ObjectId, terms: ChannelTerms, network: NetworkId
) -> None:
    """Check that ``voucher`` is one of ``channel`` and signed for it.

    Raises:
        RemoteProtocolError: it breaks 8.13.3 or 8.12.7.
    """
    if voucher.lane >= terms.lanes:
        raise RemoteProtocolError("a lane that is not open", rule="8.13.3")
    if any(recipient == terms.provider for recipient, _ in voucher.split):
        raise RemoteProtocolError("a provider in a split", rule="8.13.3")
    if not is_voucher(terms.voucher_key, network, channel, voucher):
        raise RemoteProtocolError("a voucher with a wrong signature", rule="8.12.7")


def check_settles(
    voucher: Voucher,
    others: Iterable[Voucher],
    channel: ObjectId,
    terms: ChannelTerms,
    network: NetworkId,
    limit: int,
) -> None:
    """Check that ``channel`` could be closed by ``voucher`` and those of its other lanes.

    ``others`` were checked before; ``limit`` is what is in the channel, in drops.

    Raises:
        RemoteProtocolError: it breaks 8.12.1, 8.12.7, 8.13.3 or 8.13.4.
    """
    check_form(voucher)
    settle_by([*others, voucher], limit)
    check_voucher(voucher, channel, terms, network)


def settle_by(best: Iterable[Voucher], limit: int) -> tuple[int, tuple[Share, ...]]:
    """Return the award of a settlement by these vouchers, one of a lane, and the shares of it.

    Raises:
        RemoteProtocolError: they break 8.13.4, with ``limit`` drops in the channel.
    """
    award, sums = 0, dict[NodeId, int]()
    for voucher in best:
        award += voucher.total
        for who, drops in voucher.split:
            sums[who] = sums.get(who, 0) + drops
    if award > limit:
        raise RemoteProtocolError("vouchers for more than there is", rule="8.13.4")
    if len(sums) > PAYEES_MAX:
        raise RemoteProtocolError("too many to pay", rule="8.13.4")
    return award, tuple(sorted(sums.items()))
