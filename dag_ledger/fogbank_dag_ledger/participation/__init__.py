"""One identity's whole part in the ledger, decided without clock, disk or network."""

from .participant import Participant

__all__ = ["Participant"]
