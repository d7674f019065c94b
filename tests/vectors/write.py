"""Writes every file of test vectors anew: ``python -m tests.vectors.write``.

Each topic is a module beside this one with ``build() -> dict``, written to ``<topic>.json``.  A
difference in those files is a change of SPEC.md and is reviewed as one.
"""

import json
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent

TOPICS = (
    "agreements",
    "announcement",
    "bids",
    "blobs",
    "checkpoints",
    "commitments",
    "disputes",
    "encoding",
    "equivocation",
    "frames",
    "frontier",
    "genesis",
    "gossip",
    "identity",
    "introduction",
    "ledger",
    "messages",
    "metering",
    "modules",
    "noise",
    "objects",
    "offers",
    "orders",
    "packages",
    "peers",
    "receipts",
    "reuse",
    "services",
    "signed",
    "snapshots",
    "ticks",
    "verification",
    "vertices",
)
"""Modules of this folder named ``write_<topic>``, in the order of their names."""


def written(topic: str) -> str:
    """Return the text of ``<topic>.json`` as the code of today would write it."""
    vectors = import_module(f"tests.vectors.write_{topic}").build()
    return json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every topic's file."""
    for topic in TOPICS:
        (FOLDER / f"{topic}.json").write_text(written(topic), encoding="utf-8")


if __name__ == "__main__":
    main()
