"""Tasks: packages, metering, the sandbox and receipts (SPEC.md section 7)."""
