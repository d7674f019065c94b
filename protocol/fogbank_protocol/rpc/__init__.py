"""Multiplexed calls over one channel, as a sans-IO machine (SPEC.md section 4)."""
