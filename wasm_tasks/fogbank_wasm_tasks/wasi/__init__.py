"""The deterministic host that a run sees (SPEC.md section 7.4)."""
