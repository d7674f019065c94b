"""The functions that a module may import, with their types (SPEC.md section 7.4)."""

from .facts import FunctionType, ValueType

WASI = "wasi_snapshot_preview1"
ENVIRONMENT = "env"

_LETTERS = {"i": ValueType.I32, "I": ValueType.I64}


def _type(parameters: str, results: str = "i") -> FunctionType:
    return FunctionType(
        tuple(_LETTERS[letter] for letter in parameters),
        tuple(_LETTERS[letter] for letter in results),
    )


# One letter a value: i for i32, I for i64.
_WASI_TYPES = {
    "args_get": _type("ii"),
    "args_sizes_get": _type("ii"),
    "environ_get": _type("ii"),
    "environ_sizes_get": _type("ii"),
    "clock_res_get": _type("ii"),
    "clock_time_get": _type("iIi"),
    "fd_advise": _type("iIIi"),
    "fd_allocate": _type("iII"),
    "fd_close": _type("i"),
    "fd_datasync": _type("i"),
    "fd_fdstat_get": _type("ii"),
    "fd_fdstat_set_flags": _type("ii"),
    "fd_fdstat_set_rights": _type("iII"),
    "fd_filestat_get": _type("ii"),
    "fd_filestat_set_size": _type("iI"),
    "fd_filestat_set_times": _type("iIIi"),
    "fd_pread": _type("iiiIi"),
    "fd_prestat_dir_name": _type("iii"),
    "fd_prestat_get": _type("ii"),
    "fd_pwrite": _type("iiiIi"),
    "fd_read": _type("iiii"),
    "fd_readdir": _type("iiiIi"),
    "fd_renumber": _type("ii"),
    "fd_seek": _type("iIii"),
    "fd_sync": _type("i"),
    "fd_tell": _type("ii"),
    "fd_write": _type("iiii"),
    "path_create_directory": _type("iii"),
    "path_filestat_get": _type("iiiii"),
    "path_filestat_set_times": _type("iiiiIIi"),
    "path_link": _type("iiiiiii"),
    "path_open": _type("iiiiiIIii"),
    "path_readlink": _type("iiiiii"),
    "path_remove_directory": _type("iii"),
    "path_rename": _type("iiiiii"),
    "path_symlink": _type("iiiii"),
    "path_unlink_file": _type("iii"),
    "poll_oneoff": _type("iiii"),
    "proc_exit": _type("i", ""),
    "proc_raise": _type("i"),
    "random_get": _type("ii"),
    "sched_yield": _type(""),
    "sock_accept": _type("iii"),
    "sock_recv": _type("iiiiii"),
    "sock_send": _type("iiiii"),
    "sock_shutdown": _type("ii"),
}

_ENVIRONMENT_TYPES = {
    # What AssemblyScript calls when a check of its runtime fails: message, file, line, column.
    "abort": _type("iiii", ""),
}

HOST_FUNCTIONS = {
    **{(WASI, name): each for name, each in _WASI_TYPES.items()},
    **{(ENVIRONMENT, name): each for name, each in _ENVIRONMENT_TYPES.items()},
}
"""The type of every function that may be imported, by (module, name)."""
