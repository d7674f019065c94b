"""Data named by its hash and moved in verified chunks (SPEC.md section 6)."""
