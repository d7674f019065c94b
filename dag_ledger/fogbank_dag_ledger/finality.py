"""When a vertex is final (SPEC.md section 8.5)."""

from collections import defaultdict
from collections.abc import Iterable

from fogbank_protocol.identity import NodeId

from .acknowledgements import Acknowledged
from .chain import Chain
from .objects import HeldObject, Outcome
from .record import Record
from .vertex import VertexId


class Finality:
    """Moves each chain's final part forwards as far as votes, certs and sources allow."""

    def __init__(self) -> None:
        self._waiting: defaultdict[Record | Outcome, list[Chain]] = defaultdict(list)
        self.paid: defaultdict[NodeId, dict[NodeId, tuple[VertexId, int]]] = defaultdict(dict)
        """By recipient and sender, the newest final vertex with a payment, and the total paid."""

        self.final_count = 0
        """How many vertices are final."""

        self.seized: set[HeldObject] = set()
        """Stakes of which a final vertex took a part of the reward."""

    def advance(self, chain: Chain, acknowledged: Acknowledged) -> list[Record]:
        """Make final what can be on ``chain``; return it, in order.

        Chains that waited for it are in ``released``, to be advanced next.
        """
        final: list[Record] = []
        while chain.final_count < chain.end:
            record = chain.next_confirmed(chain.final_head)
            if record is None or not acknowledged.covers(record):
                break
            if self._waits(record):
                break
            self._finish(record)
            final.append(record)
        return final

    def released(self, awaited: Record | Outcome) -> list[Chain]:
        """Return the chains that waited for ``awaited``, which has become final, or L1."""
        chains = self._waiting.pop(awaited, [])
        for chain in chains:
            chain.waits_for = None
        return chains

    def forget(self, records: Iterable[Record]) -> None:
        """Let nothing wait for ``records``, which are gone."""
        for record in records:
            self._waiting.pop(record, None)

    def _waits(self, record: Record) -> bool:
        for source, _ in record.claims:
            if not source.final:
                return self._wait(record.chain, source)
        if record.creation is not None and not record.creation.final:
            return self._wait(record.chain, record.creation)
        if record.deeds is not None:
            awaited = record.deeds.awaited()
            if awaited is not None:
                return self._wait(record.chain, awaited)
        return False

    def _wait(self, chain: Chain, awaited: Record | Outcome) -> bool:
        if chain.waits_for is not awaited:
            chain.waits_for = awaited
            self._waiting[awaited].append(chain)
        return True

    def _finish(self, record: Record) -> None:
        chain = record.chain
        record.final = True
        self.final_count += 1
        chain.final_count += 1
        chain.final_head = record
        chain.final_turn = self.final_count
        chain.account.advance(record)
        for recipient, _, total in record.payments:
            self.paid[recipient][chain.issuer] = (record.id, total)
        if record.deeds is not None:
            self.seized.update(outcome.held for outcome in record.deeds.taken if outcome.is_seizure)
