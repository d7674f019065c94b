"""Who is right about a run, for a small part of its cost (SPEC.md sections 7.8 to 7.12)."""
