"""Every bound of the agent package, with its unit; those that SPEC.md fixes cite the section."""

# The shells: files, and the control socket that the command line uses.

CONFIG_BYTES_MAX = 1024 * 1024
"""The largest configuration file that is read at all."""

CONTROL_FRAME_BYTES_MAX = 1024 * 1024
"""The largest frame on the control socket; whatever may be longer moves in chunks."""

CONTROL_CHUNK_BYTES = 64 * 1024
"""How many bytes of a blob travel in one frame on the control socket."""

CONTROL_CLIENTS_MAX = 32
"""Connections to the control socket at the same time; a further one is told that it is too many."""

CONTROL_REQUEST_S = 30
"""How long a client of the control socket may take for the rest of a frame it has begun."""

CONTROL_SEND_S = 60
"""How long a client of the control socket may leave an answer unread before it is dropped."""

UNIX_SOCKET_PATH_BYTES_MAX = 107
"""The longest path of a Unix socket on Linux, without its closing zero."""
