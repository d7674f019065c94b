"""Names that the host adds to a module (SPEC.md section 7.2)."""

RESERVED = "fogbank:"
"""Names of exports that begin so are added by the host, and refused in a module."""

GLOBAL = RESERVED + "global:"
"""Under this name and its place, from 0, the host finds each mutable global of a step task."""

START_FUNCTION = RESERVED + "start"
"""Under this name the host finds what was the module's start function."""

COUNTER = RESERVED + "counter"
"""Under this name the host finds the global that holds the fuel and the depth left."""

WAIT = RESERVED + "wait"
"""Under this name the host finds the table for its function that is called at a slice's end."""

FUEL = RESERVED + "fuel:"
"""Under this name and its place among those with a body a profile finds a function's fuel."""

CALLS = RESERVED + "calls:"
"""The same for how often it was called."""
