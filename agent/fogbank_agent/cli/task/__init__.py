"""The commands of ``fogbank task``."""
