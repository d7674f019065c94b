"""Who is near and who still answers (SPEC.md section 5)."""
