"""Every method that a node serves and every domain that is signed or hashed has vectors.

What there is stands in the code, which is read here without being run: the services that nodes are
given, and the domains.  Where its vectors are stands in section 10 of SPEC.md.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from .write import FOLDER

ROOT = FOLDER.parents[1]
PACKAGES = (
    "protocol/fogbank_protocol",
    "dag_ledger/fogbank_dag_ledger",
    "wasm_tasks/fogbank_wasm_tasks",
    "agent/fogbank_agent",
)
SERVICES = ("RequestService", "StreamService", "OneWayService")
DOMAIN = re.compile(r"(fog-[a-z]+(?:-[a-z]+)?-[0-9]+)\0?")
NAMES = re.compile(r'(?:Service|Domain)\(|fog-|^[A-Z_]+ = "[a-z_]+\.[a-z_]+"', re.M)
FILES_ONLY = {"fog-own-1"}
"""What begins a file of the agent's own, which nobody else reads."""

Cases = Mapping[str, list[Any]]


@cache
def modules() -> list[ast.Module]:
    """Return the syntax of every module that names a service, a method or a domain."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    texts = [path.read_text("utf-8") for path in paths]
    return [ast.parse(text) for text in texts if NAMES.search(text)]


def nodes() -> Iterator[ast.AST]:
    """Yield every node of every module."""
    for module in modules():
        yield from ast.walk(module)


def constants() -> dict[str, str]:
    """Return the texts that modules give names to."""
    return {
        statement.targets[0].id: statement.value.value
        for module in modules()
        for statement in module.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    }


@cache
def methods() -> set[str]:
    """Return the methods of all services that some code makes."""
    named, found = constants(), set[str]()
    for node in nodes():
        match node:
            case ast.Call(func=ast.Name(id=service), args=[ast.Name(id=name), *_]) if (
                service in SERVICES
            ):
                found.add(named[name])
            case ast.Call(func=ast.Name(id=service)) if service in SERVICES:
                raise AssertionError(f"a service whose method has no name: {ast.dump(node)}")
            case _:
                pass
    return found


@cache
def signing_domains() -> set[str]:
    """Return the domains of all kinds of signed objects."""
    found = set[str]()
    for node in nodes():
        match node:
            case ast.Call(func=ast.Name(id="Domain"), args=[ast.Constant(value=str(name)), *_]):
                found.add(name)
            case ast.Call(func=ast.Name(id="Domain")):
                raise AssertionError(f"a domain that is not written down: {ast.dump(node)}")
            case _:
                pass
    return found


@cache
def domains() -> set[str]:
    """Return all domains: of what is signed, and of what is hashed."""
    found = set[str]()
    for node in nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            match = DOMAIN.fullmatch(text)
            found |= {match[1]} if match else set[str]()
    return found - FILES_ONLY


@cache
def index() -> dict[str, list[tuple[str, str | None]]]:
    """Return where section 10 says that the cases of each name are: files, and kinds or None."""
    page = (ROOT / "SPEC.md").read_text("utf-8").partition("\n## 10. ")[2]
    rows = re.findall(r"^\| ((?:`(?:[a-z_]+\.[a-z_]+|fog-[^`]+)`(?:, )?)+) \| (.+) \|$", page, re.M)
    places: dict[str, list[tuple[str, str | None]]] = {}
    for names, cell in rows:
        told: list[tuple[str, str | None]] = []
        for part in cell.split("; "):
            file, *kinds = re.findall(r"`([^`]+)`", part)
            told += [(file, kind) for kind in kinds] or [(file, None)]
        for name in re.findall(r"`([^`]+)`", names):
            places[name] = told
    return {name: told for name, told in places.items() if not name.endswith(".json")}


@cache
def cases_in(file: str) -> tuple[Cases, Cases]:
    """Return the accepted and the rejected cases of a file by kind."""
    vectors: dict[str, Any] = json.loads((FOLDER / file).read_text("utf-8"))
    accepted: dict[str, list[Any]] = {}
    rejected: dict[str, list[Any]] = {}
    for name, cases in vectors.items():
        if not isinstance(cases, list | dict):
            continue
        bare = re.sub(r"^(no_|not |false )", "", name)
        side = rejected if bare != name or name in ("reject", "broken") else accepted
        for case in cases if isinstance(cases, list) else [cases]:
            side.setdefault(_kind_of(case, bare), []).append(case)
    return accepted, rejected


def _kind_of(case: Any, name: str) -> str:
    if not isinstance(case, dict):
        return name
    named = [case.get(key) for key in ("kind", "form", "message")]
    return next((str(one) for one in named if one), name)


def count(name: str, *, rejected: bool) -> list[int]:
    """Return how many cases ``name`` has in each place that the page names."""
    counts: list[int] = []
    for file, kind in index()[name]:
        cases = cases_in(file)[rejected]
        counts.append(len(cases.get(kind, ())) if kind else sum(map(len, cases.values())))
    return counts


def test_the_code_is_read_right() -> None:
    assert {"market.close", "dispute.state", "ledger.vertices", "peers.list"} <= methods()
    assert {"fog-offer-1", "fog-charge-1", "fog-home-1", "fog-step-1"} <= signing_domains()
    assert signing_domains() | {"fog-vtx-1", "fog-paid-1", "fog-channel-1"} <= domains()


def test_the_page_says_where_the_cases_of_every_method_and_domain_are() -> None:
    assert set(index()) == methods() | domains()


@pytest.mark.parametrize("name", sorted(methods() | domains()))
def test_every_method_and_domain_has_cases_that_are_accepted(name: str) -> None:
    assert index()[name]
    assert all(count(name, rejected=False)), index()[name]


@pytest.mark.parametrize("name", sorted(methods() | signing_domains()))
def test_every_method_and_signed_object_has_cases_that_are_refused(name: str) -> None:
    assert all(count(name, rejected=True)), index()[name]


def test_no_domain_is_used_for_two_things() -> None:
    hashed = {text for text in _texts() if text.endswith("\0")}
    assert not {name for name in signing_domains() if f"{name}\0" in hashed}


def _texts() -> Iterator[str]:
    for node in nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            yield node.value.decode("latin-1")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_every_file_of_vectors_is_replayed_by_a_test(path: Path) -> None:
    assert {path.stem, f"{path.stem}.json"} & quoted_in_tests()


@cache
def quoted_in_tests() -> set[str]:
    """Return the words that tests of other folders have in quotes."""
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path.parent != FOLDER]
    quoted = re.compile(r'[a-z]+(?:\.json)?(?=")')
    return set[str]().union(*(quoted.findall(one.read_text("utf-8")) for one in tests))
