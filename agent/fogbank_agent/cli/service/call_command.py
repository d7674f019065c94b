"""``fogbank service call``: call a service with an input."""

import io
import sys
from pathlib import Path

import click

from ...control.requests.services import CallService, ServiceCalled
from ...errors import Refused, RunFailed
from ...limits import SERVICE_CALL_BYTES_MAX
from ...state_folder import StateFolder
from ..options import connect, json_option, print_json, state_option


@click.command("call")
@click.argument("service")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@state_option
@json_option
def command(service: str, file: Path | None, state: StateFolder, as_json: bool) -> None:
    """Call SERVICE, the first digits of its id, with FILE, and write the output.

    Without FILE the input is empty; - is standard input.  With --json the output is not written.
    """
    data = _read(file)
    with connect(state) as client:
        input_id = client.put_blob(io.BytesIO(data), len(data))
        called = client.ask(CallService(service, input_id), ServiceCalled)
        if called.output_id is not None and not as_json:
            for part in client.blob(called.output_id):
                sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
    if as_json:
        print_json(called)
    if not called.ok:
        raise RunFailed(f"the call ended with {called.outcome}, and the service with it")


def _read(file: Path | None) -> bytes:
    if file is None:
        return b""
    try:
        if file == Path("-"):
            data = sys.stdin.buffer.read(SERVICE_CALL_BYTES_MAX + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(SERVICE_CALL_BYTES_MAX + 1)
    except OSError as error:
        raise Refused(f"the input {file} cannot be read: {error.strerror}") from None
    if len(data) > SERVICE_CALL_BYTES_MAX:
        raise Refused(f"the input of a call has at most {SERVICE_CALL_BYTES_MAX:,} bytes")
    return data
