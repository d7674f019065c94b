"""Why the ledger's shells cannot do what they are asked, each reason by its own name."""

from fogbank_protocol.errors import MachineFailure


class StorageFailure(MachineFailure):
    """Something cannot be kept on disk.  Never raised itself: see the classes below."""


class LogFull(StorageFailure):
    """The disk has no room for an own vertex; it was not issued."""


class LogUnusable(StorageFailure):
    """The log of own vertices cannot be used.  The message says what to do."""


class NeverFinal(Exception):
    """The vertex will not become final.  The message says why."""


class NotIssuing(Exception):
    """No own vertex may be issued now.  The message says why, and what to do or to wait for."""


class StoreUnusable(StorageFailure):
    """The file of everyone's vertices cannot be used.  The message says what to do."""


class FolderUnusable(StorageFailure):
    """The folder of the ledger cannot be used.  The message says why."""
