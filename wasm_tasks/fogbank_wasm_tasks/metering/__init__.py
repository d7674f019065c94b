"""Fuel: what work costs, and who counts it (SPEC.md section 7.5)."""
