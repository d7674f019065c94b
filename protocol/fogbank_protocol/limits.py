"""Every bound of the protocol package, with its unit and the section of SPEC.md that fixes it."""

ENCODED_BYTES_MAX = 4 * 1024 * 1024
"""The largest canonical value that is decoded at all (section 2.1)."""

ENCODED_DEPTH_MAX = 16
"""How deep arrays may nest (section 2.1)."""

TEXT_BYTES_MAX = 1024
"""The longest text inside a signed object or a message, in bytes of UTF-8 (section 2.1)."""
