"""The weight table, version 1, as far as the host charges it (SPEC.md section 7.5).

The weights of operators are counted inside the module; these are what calls of the host cost.
"""

WEIGHTS_VERSION = 1
"""The version of the table, which every order names."""

HOST_CALL_FUEL = 1_000
"""What each call of a host function costs, whatever it answers."""

HOST_BYTE_FUEL = 1
"""What each byte costs that a host function carries into or out of the run's memory."""

HOST_BUFFER_FUEL = 100
"""What each buffer after the first costs that ``fd_read`` or ``fd_write`` is given."""

HOST_SUBSCRIPTION_FUEL = 500
"""What each subscription after the first costs that ``poll_oneoff`` is given."""
