"""What the agent and its worker processes say to each other, over pipes.

Each message is a 4-byte length and a canonical array (SPEC.md section 2.1).  Both ends are this
program, but a worker runs hostile code: what it says is read as strictly as a peer's words.
"""

from .command_codec import COMMAND_BYTES_MAX, decode_command, encode_command
from .commands import (
    AgainCommand,
    CallCommand,
    Command,
    CompileCommand,
    GoOn,
    LoadCommand,
    ProfileCommand,
    RunCommand,
    SessionCommand,
    StepCommand,
    VerifyCommand,
)
from .framing import LENGTH_BYTES, frame
from .replies import (
    Answered,
    Compiled,
    Ended,
    Ending,
    Finished,
    Invalid,
    Loaded,
    LoadFailed,
    Profiled,
    Progress,
    Protection,
    Ready,
    Reply,
    SliceDone,
    Stepped,
    Unusable,
)
from .reply_codec import REPLY_BYTES_MAX, decode_reply, encode_reply

__all__ = [
    "COMMAND_BYTES_MAX",
    "decode_command",
    "encode_command",
    "AgainCommand",
    "CallCommand",
    "Command",
    "CompileCommand",
    "GoOn",
    "LoadCommand",
    "ProfileCommand",
    "RunCommand",
    "SessionCommand",
    "StepCommand",
    "VerifyCommand",
    "LENGTH_BYTES",
    "frame",
    "Answered",
    "Compiled",
    "Ended",
    "Ending",
    "Finished",
    "Invalid",
    "Loaded",
    "LoadFailed",
    "Profiled",
    "Progress",
    "Protection",
    "Ready",
    "Reply",
    "SliceDone",
    "Stepped",
    "Unusable",
    "REPLY_BYTES_MAX",
    "decode_reply",
    "encode_reply",
]
