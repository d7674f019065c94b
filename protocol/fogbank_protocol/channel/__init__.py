"""The secure channel: Noise XX as a sans-IO codec (SPEC.md section 3)."""
