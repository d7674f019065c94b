"""Opens Unix sockets at paths of any length.

A socket's address holds 107 bytes of path.  Where the state folder lies deeper, the socket is named
through an open descriptor of the folder instead, which Linux lists under /proc.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ..errors import MachineError
from ..limits import UNIX_SOCKET_PATH_BYTES_MAX


@contextmanager
def short_path(path: Path) -> Generator[str]:
    """Give another name of the socket at ``path`` that fits into an address, while inside.

    Raises:
        MachineError: the path is too long and this system has no /proc.
        OSError: the folder cannot be opened.
    """
    if len(os.fsencode(path)) <= UNIX_SOCKET_PATH_BYTES_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        through_proc = Path(f"/proc/self/fd/{folder}")
        if not through_proc.exists():
            raise MachineError(
                f"the path {path} is too long for a Unix socket: choose a shorter --state"
            )
        yield str(through_proc / path.name)
    finally:
        os.close(folder)
