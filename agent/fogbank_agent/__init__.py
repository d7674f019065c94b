"""The agent: daemon, market, command line; it wires everything (SPEC.md section 9)."""
