"""Fuel, call depth and NaN bits as code inside the module itself (SPEC.md section 7.5)."""
