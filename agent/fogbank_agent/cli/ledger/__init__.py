"""The commands of ``fogbank ledger``."""
