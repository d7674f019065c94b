"""The tree of commands.  Each is a module of its own, imported when it is asked for.

Exit codes: 0 done; 1 a run, a build or a test failed; 2 the command line is wrong; 3 no agent is
running; 4 the state folder, the configuration or fogtask.toml is wrong; 5 refused: by the agent, or
a file that is not acceptable; 6 this machine lacks something; 130 interrupted.
"""

import sys
from errno import EDQUOT, EIO, ENOSPC

import click

from ..errors import FogbankError, MachineError
from .lazy_group import LazyGroup

_COMMANDS = {
    "init": "Make an agent: a key, a configuration, and a network to be in.",
    "up": "Run the agent of this folder until it is stopped.",
    "status": "Tell how the agent is.",
    "peers": "List the agents that are connected.",
    "wallet": "Show the money of this agent.",
    "pay": "Pay somebody.",
    "channels": "Show the payment channels of this agent, or settle them.",
    "stake": "Lock money that a wrong result would cost.",
    "disputes": "Show the disputes over wrong results.",
    "run": "Have a task run by neighbours, once for each input.",
    "job": "Have a task run on many inputs, over restarts of the agent.",
    "service": "Have tasks kept warm by neighbours, and call them.",
    "runs": "List the runs bought lately.",
    "why": "Tell what happened to a run, step by step.",
    "reputation": "Tell how others have dealt with this agent.",
    "id": "Print this agent's node id.",
    "task": "Write, build, try, sign and publish tasks.",
    "ledger": "Look at the ledger as it is on disk, and check it.",
    "doctor": "Tell what an agent has and lacks on this machine.",
    "network": "Prepare a network with several seats.",
    "demo": "Watch five agents on this machine render a picture together.",
}


@click.command(
    cls=LazyGroup,
    package=__package__,
    help_lines=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="fogbank")
def tree() -> None:
    """Let neighbouring devices trade small pieces of computing, with no server and no fees."""


def main() -> None:
    """Run the command line and leave with the exit code."""
    try:
        code = tree.main(prog_name="fogbank", standalone_mode=False)
    except FogbankError as error:
        click.echo(f"fogbank: {error}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except OSError as error:
        # Those of files are told where they are opened; what is left is the output itself.
        if error.errno not in (ENOSPC, EDQUOT, EIO):
            raise
        click.echo(f"fogbank: the output cannot be written: {error.strerror}", err=True)
        code = MachineError.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("fogbank: interrupted", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
