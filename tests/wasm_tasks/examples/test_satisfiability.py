"""The solver's assignments satisfy, and its verifier takes nothing else."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wasm_tasks.examples.sandboxed import run

from fogbank_wasm_tasks.outcome import Trap

CLAUSES = st.lists(
    st.lists(st.integers(1, 6).flatmap(lambda at: st.sampled_from([at, -at])), max_size=4),
    max_size=12,
)


def text_of(clauses: list[list[int]], variables: int) -> bytes:
    lines = [" ".join(map(str, [*clause, 0])) for clause in clauses]
    return "\n".join(["c a comment", f"p cnf {variables} {len(clauses)}", *lines, ""]).encode()


def satisfies(assignment: list[int], clauses: list[list[int]]) -> bool:
    return all(set(assignment) & set(clause) for clause in clauses)


def literals_of(output: bytes) -> list[int]:
    first, second = output.decode().splitlines()
    assert first == "s SATISFIABLE"
    assert second.startswith("v ")
    return [int(each) for each in second[2:].split()][:-1]


@settings(max_examples=60, deadline=None)
@given(clauses=CLAUSES)
def test_an_assignment_is_found_when_there_is_one(clauses: list[list[int]]) -> None:
    is_satisfiable = any(
        satisfies([at if bits >> at & 1 else -at for at in range(1, 7)], clauses)
        for bits in range(0, 128, 2)
    )
    data = text_of(clauses, 6)

    output = run("satisfiability", data).output

    if not is_satisfiable:
        assert output == b"s UNKNOWN\n"
        assert run("satisfiability", data, claimed=output).output == b"\0"
        return
    assert satisfies(literals_of(output), clauses)
    assert run("satisfiability", data, claimed=output).output == b"\1"


@settings(max_examples=60, deadline=None)
@given(clauses=CLAUSES, bits=st.integers(0, 127))
def test_the_verifier_accepts_exactly_what_satisfies(clauses: list[list[int]], bits: int) -> None:
    assignment = [at if bits >> at & 1 else -at for at in range(1, 7)]
    claimed = f"s SATISFIABLE\nv {' '.join(map(str, assignment))} 0\n".encode()

    answer = run("satisfiability", text_of(clauses, 6), claimed=claimed).output

    assert answer == (b"\1" if satisfies(assignment, clauses) else b"\0")


@pytest.mark.slow
def test_checking_a_hard_formula_is_far_cheaper_than_solving_it() -> None:
    random = Random(3)
    hidden = [random.choice((at, -at)) for at in range(1, 151)]
    clauses: list[list[int]] = []
    while len(clauses) < 620:
        clause = [random.choice((1, -1)) * at for at in random.sample(range(1, 151), 3)]
        if set(clause) & set(hidden):
            clauses.append(clause)
    data = text_of(clauses, 150)

    found = run("satisfiability", data)
    checked = run("satisfiability", data, claimed=found.output)

    assert satisfies(literals_of(found.output), clauses)
    assert checked.output == b"\1"


@pytest.mark.parametrize(
    "claimed",
    [
        b"",
        b"s SATISFIABLE\n",
        b"s SATISFIABLE\nv 1 0\n",
        b"s SATISFIABLE\nv 1 2 0",
        b"s SATISFIABLE\nv 1 2 0\nx",
        b"s SATISFIABLE\nv 2 1 0\n",
        b"s SATISFIABLE\nv 1 1 0\n",
        b"s SATISFIABLE\nv 1 12345678901 0\n",
    ],
)
def test_half_an_answer_is_rejected(claimed: bytes) -> None:
    assert run("satisfiability", text_of([[1, 2]], 2), claimed=claimed).output == b"\0"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"p cnf",
        b"p cnf 1 1",
        b"p cnf 1 1 2 0",
        b"p cnf 4097 0",
        b"p cnf 1 20001",
        b"p cnf 1 0 x",
    ],
)
def test_an_input_that_is_no_formula_traps(data: bytes) -> None:
    assert run("satisfiability", data).ending == Trap("unreachable")
