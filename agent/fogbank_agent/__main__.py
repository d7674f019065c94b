"""``python -m fogbank_agent``: the command line, where no script named ``fogbank`` is at hand."""

from .cli.main import main

main()
