"""The error numbers of WASI preview 1 that the deterministic host answers."""

from enum import IntEnum


class Errno(IntEnum):
    """An error number, 0 for success."""

    SUCCESS = 0
    BADF = 8
    FAULT = 21
    INVAL = 28
    NOSYS = 52
    NOTDIR = 54
    NOTSOCK = 57
    NOTSUP = 58
    SPIPE = 70
