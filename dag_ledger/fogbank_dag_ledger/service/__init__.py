"""The shells of the ledger: disk, network, and the service that the agent uses."""

from .ledger_service import LedgerService

__all__ = ["LedgerService"]
