"""The host functions that have no effect, and what they answer (SPEC.md section 7.4)."""

from typing import Final

from .errno import Errno

ANSWERS: Final = {
    **dict.fromkeys(
        (
            "path_create_directory",
            "path_filestat_get",
            "path_filestat_set_times",
            "path_link",
            "path_open",
            "path_readlink",
            "path_remove_directory",
            "path_rename",
            "path_symlink",
            "path_unlink_file",
            # A program looks for directories it was given until it hears this.
            "fd_prestat_get",
            "fd_prestat_dir_name",
        ),
        Errno.BADF,
    ),
    "proc_raise": Errno.NOSYS,
    "sched_yield": Errno.SUCCESS,
}
"""What functions answer that look at none of their arguments."""

ANSWERS_OF_STREAMS: Final = {
    "fd_advise": Errno.SPIPE,
    "fd_allocate": Errno.NOTSUP,
    "fd_datasync": Errno.SUCCESS,
    "fd_fdstat_set_flags": Errno.SUCCESS,
    "fd_fdstat_set_rights": Errno.NOTSUP,
    "fd_filestat_set_size": Errno.INVAL,
    "fd_filestat_set_times": Errno.NOTSUP,
    "fd_pread": Errno.SPIPE,
    "fd_pwrite": Errno.SPIPE,
    "fd_readdir": Errno.NOTDIR,
    "fd_renumber": Errno.NOTSUP,
    "fd_seek": Errno.SPIPE,
    "fd_sync": Errno.SUCCESS,
    "fd_tell": Errno.SPIPE,
    "sock_accept": Errno.NOTSOCK,
    "sock_recv": Errno.NOTSOCK,
    "sock_send": Errno.NOTSOCK,
    "sock_shutdown": Errno.NOTSOCK,
}
"""What functions answer whose first argument is an open stream; another one is a BADF."""
