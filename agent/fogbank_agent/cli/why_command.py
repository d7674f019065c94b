"""``fogbank why``: the story of a run."""

import click

from ..control.requests.history import GetStory, Story
from ..state_folder import StateFolder
from .options import connect, json_option, print_json, state_option


@click.command("why")
@click.argument("run", metavar="RUN")
@state_option
@json_option
def command(run: str, state: StateFolder, as_json: bool) -> None:
    """Tell what happened to RUN (the beginning of its id, see 'fogbank runs'), step by step."""
    with connect(state) as client:
        story = client.ask(GetStory(run), Story)
    if as_json:
        print_json(story)
        return
    for line in story.lines:
        click.echo(line)
