"""Trees and paths against the recursive definition of RFC 6962 (SPEC.md section 8.16)."""

from hashlib import blake2b
from random import Random
from typing import Any

import pytest

from fogbank_dag_ledger.merkle import check_path, merkle_path, merkle_root
from fogbank_protocol.errors import RemoteProtocolError

from .vector_files import case_name, vectors


def hashed(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()


def split_at(count: int) -> int:
    """Return the largest power of two below ``count``."""
    power = 1
    while 2 * power < count:
        power *= 2
    return power


def defined_root(ids: list[bytes]) -> bytes:
    if not ids:
        return hashed(b"")
    if len(ids) == 1:
        return hashed(b"\0" + ids[0])
    half = split_at(len(ids))
    return hashed(b"\1" + defined_root(ids[:half]) + defined_root(ids[half:]))


def defined_path(ids: list[bytes], index: int) -> list[bytes]:
    if len(ids) == 1:
        return []
    half = split_at(len(ids))
    if index < half:
        return [*defined_path(ids[:half], index), defined_root(ids[half:])]
    return [*defined_path(ids[half:], index - half), defined_root(ids[:half])]


@pytest.mark.parametrize("count", [*range(1, 20), 31, 32, 33, 100])
def test_roots_and_paths_are_those_of_the_definition(count: int) -> None:
    ids = [hashed(bytes([number])) for number in range(count)]
    root = merkle_root(ids)
    assert root == defined_root(ids)
    for index, name in enumerate(ids):
        path = merkle_path(ids, index)
        assert list(path) == defined_path(ids, index)
        check_path(root, count, index, name, path)


def test_no_ids_have_a_root_and_no_path() -> None:
    assert merkle_root([]) == defined_root([])
    with pytest.raises(RemoteProtocolError):
        check_path(merkle_root([]), 0, 0, b"", ())


def test_every_change_of_a_proof_is_refused() -> None:
    ids = [hashed(bytes([number])) for number in range(11)]
    root, random = merkle_root(ids), Random(1)
    for index in (0, 5, 10):
        path = list(merkle_path(ids, index))
        other = random.choice([one for one in range(11) if one != index])
        spoilt = [
            (root, 11, other, ids[index], path),
            (root, 11, index, ids[other], path),
            (root, 11, 11, ids[index], path),
            (root, 11, index, ids[index], path[:-1]),
            (root, 11, index, ids[index], [*path, root]),
            (root, 11, index, ids[index], [path[0][:-1], *path[1:]]),
            (root, 11, index, ids[index], [hashed(path[0]), *path[1:]]),
            (hashed(root), 11, index, ids[index], path),
            (root, 11, index, ids[index], [root] * 65),
        ]
        for case in spoilt:
            with pytest.raises(RemoteProtocolError) as caught:
                check_path(*case)
            assert caught.value.rule == "8.16"


@pytest.mark.parametrize("case", vectors("objects")["paths"])
def test_a_path_of_the_vectors_proves_what_it_should(case: Any) -> None:
    path = [bytes.fromhex(one) for one in case["path"]]
    root, name = bytes.fromhex(case["root"]), bytes.fromhex(case["id"])
    check_path(root, case["count"], case["index"], name, path)


@pytest.mark.parametrize("case", vectors("objects")["false paths"], ids=case_name)
def test_a_false_path_of_the_vectors_proves_nothing(case: Any) -> None:
    path = [bytes.fromhex(one) for one in case["path"]]
    root, name = bytes.fromhex(case["root"]), bytes.fromhex(case["id"])
    with pytest.raises(RemoteProtocolError) as caught:
        check_path(root, case["count"], case["index"], name, path)
    assert caught.value.rule == case["rule"]
