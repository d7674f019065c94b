"""``fogbank ledger export``: the vertices for other programs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import MachineError
from ...state_folder import StateFolder
from ..options import state_option
from .opening import read, state_of

if TYPE_CHECKING:
    from fogbank_dag_ledger.service.reading import LedgerOnDisk


@click.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice(["graphml", "dot", "jsonl"]),
    default="jsonl",
    show_default=True,
    help="What to write.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@state_option
def command(form: str, out: Path, state: StateFolder) -> None:
    """Write the vertices that are held, with their edges, to a file.

    GraphML and DOT for programs that draw graphs; JSON lines have one object for each vertex.
    """
    found = read(state)
    if form == "graphml":
        text = _graphml(found)
    elif form == "dot":
        text = _dot(found)
    else:
        text = "".join(json.dumps(node) + "\n" for node in _nodes(found))
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise MachineError(f"{out} cannot be written: {error.strerror}") from None
    click.echo(f"{len(found.ledger):,} vertices are in {out}")


def _nodes(found: "LedgerOnDisk") -> list[dict[str, Any]]:
    return [
        {
            "id": record.id.hex(),
            "issuer": record.chain.issuer.hex(),
            "seq": record.seq,
            "state": state_of(record),
            "carries": record.carries,
            "edges": [edge.hex() for edge in found.vertices[record.id].edges],
        }
        for record in found.ledger.dag.records()
    ]


def _graphml(found: "LedgerOnDisk") -> str:
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    for node in _nodes(found):
        edges = node.pop("edges")
        graph.add_node(node["id"], **node)
        graph.add_edges_from((node["id"], edge) for edge in edges)
    return "\n".join(nx.generate_graphml(graph)) + "\n"


def _dot(found: "LedgerOnDisk") -> str:
    """Return the graph in Graphviz' language, whose names are hexadecimal digits here."""
    lines = ["digraph ledger {"]
    for node in _nodes(found):
        label = f"{node['issuer'][:8]}/{node['seq']}\\n{node['state']}"
        lines.append(f'  "{node["id"]}" [label="{label}"];')
        lines += [f'  "{node["id"]}" -> "{edge}";' for edge in node["edges"]]
    return "\n".join([*lines, "}"]) + "\n"
