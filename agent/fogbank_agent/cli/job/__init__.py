"""The commands of ``fogbank job``."""
