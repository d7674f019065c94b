"""When a vertex is final (SPEC.md section 8.5)."""

from collections import defaultdict
from collections.abc import Iterable

from fogbank_protocol.identity import NodeId

from .acknowledgements import Acknowledged
from .chain import Chain
from .record import Record
from .vertex import VertexId


class Finality:
    """Moves each chain's final part forwards as far as votes, certs and sources allow."""

    def __init__(self) -> None:
        self._waiting: defaultdict[Record, list[Chain]] = defaultdict(list)
        self.paid: defaultdict[NodeId, dict[NodeId, tuple[VertexId, int]]] = defaultdict(dict)
        """By recipient and sender, the newest final vertex with a payment, and the total paid."""

        self.final_count = 0
        """How many vertices are final."""

    def advance(self, chain: Chain, acknowledged: Acknowledged) -> list[Record]:
        """Make final what can be on ``chain``; return it, in order.

        Chains that waited for it are in ``released``, to be advanced next.
        """
        final: list[Record] = []
        while chain.final_count < min(acknowledged.stable, chain.end):
            record = chain.next_confirmed(chain.final_head)
            if record is None or self._waits(record):
                break
            self._finish(record)
            final.append(record)
        return final

    def released(self, record: Record) -> list[Chain]:
        """Return the chains that waited for ``record``, which has become final."""
        chains = self._waiting.pop(record, [])
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
                if record.chain.waits_for is not source:
                    record.chain.waits_for = source
                    self._waiting[source].append(record.chain)
                return True
        return False

    def _finish(self, record: Record) -> None:
        chain = record.chain
        record.final = True
        self.final_count += 1
        chain.final_count += 1
        chain.final_head = record
        chain.account.advance(record)
        for recipient, _, total in record.payments:
            self.paid[recipient][chain.issuer] = (record.id, total)
