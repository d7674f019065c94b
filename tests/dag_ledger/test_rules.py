"""Every rule that SPEC.md numbers is broken by a vector, and every rule that is named is there."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECTION = ROOT.joinpath("SPEC.md").read_text("utf-8").split("\n## 8. ")[1].split("\n## 9. ")[0]
RULES = set(re.findall(r"^\| (8\.\d+\.\d+) \|", SECTION, re.MULTILINE))
SECTIONS = set(re.findall(r"^### (8\.\d+) ", SECTION, re.MULTILINE))

BY_HAND = {"8.3.13"}
"""It takes two keys with one tag, which are years of work: see ``test_validity``."""


def rules_in(value: object) -> Iterator[str]:
    """Yield every rule that a file of vectors says is broken."""
    match value:
        case dict():
            for key, inner in value.items():
                if key == "rule" and isinstance(inner, str):
                    yield inner
                yield from rules_in(inner)
        case list():
            for inner in value:
                yield from rules_in(inner)
        case _:
            pass


def broken_by_vectors() -> set[str]:
    files = (ROOT / "tests" / "vectors").glob("*.json")
    return {rule for file in files for rule in rules_in(json.loads(file.read_text("utf-8")))}


def named_by_the_code() -> set[str]:
    """Return every string in the package that is the number of a rule or of a section."""
    return {
        node.value
        for file in (ROOT / "dag_ledger").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"\d+\.\d+(\.\d+)?", node.value)
    }


def test_each_rule_has_a_vector_that_breaks_it() -> None:
    assert len(RULES) >= 40
    assert RULES - broken_by_vectors() == BY_HAND


def test_each_rule_that_is_named_to_people_stands_in_the_specification() -> None:
    named = named_by_the_code()
    assert len(named) >= 30
    assert named <= RULES | SECTIONS


def test_each_rule_and_section_that_the_code_names_has_a_vector_that_breaks_it() -> None:
    assert named_by_the_code() - broken_by_vectors() == BY_HAND
