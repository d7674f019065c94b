"""The commands of ``fogbank service``."""
