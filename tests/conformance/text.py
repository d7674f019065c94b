"""Reads scripts of the WebAssembly test suite, as far as they are not modules."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

Node = str | list["Node"]
"""A word or string as it is written, or what stands between parentheses."""

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|\(;|;;[^\n]*|[()]|[^\s()";]+|\s+|;', re.DOTALL)
_COMMENT: Final = re.compile(rb"\(;|;\)")
_ESCAPE: Final = re.compile(rb"\\(?:([0-9a-fA-F]{2})|u\{([0-9a-fA-F_]+)\}|(.))", re.DOTALL)
_ESCAPED: Final = {b"t": b"\t", b"n": b"\n", b"r": b"\r"}


def split(source: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the text of each form at the top of ``source``, and the line that it begins on."""
    start = depth = 0
    for token, at in _tokens(source):
        if token == b"(":
            if not depth:
                start = at
            depth += 1
        elif token == b")":
            depth -= 1
            if not depth:
                yield source[start : at + 1], source.count(b"\n", 0, start) + 1


def parse(form: bytes) -> list[Node]:
    """Return the tree of one form."""
    stack: list[list[Node]] = [[]]
    for token, _ in _tokens(form):
        if token == b"(":
            stack.append([])
        elif token == b")":
            closed = stack.pop()
            stack[-1].append(closed)
        else:
            stack[-1].append(token.decode("utf-8", "surrogateescape"))
    found = stack[0][0]
    assert isinstance(found, list)
    return found


def words(nodes: Sequence[Node]) -> list[str]:
    """Return those of ``nodes`` that are no lists."""
    return [each for each in nodes if isinstance(each, str)]


def unquote(literal: str) -> bytes:
    """Return the bytes that a string stands for."""
    inside = literal[1:-1].encode("utf-8", "surrogateescape")

    def replace(match: re.Match[bytes]) -> bytes:
        byte, character, other = match.groups()
        if byte:
            return bytes.fromhex(byte.decode("ascii"))
        if character:
            return chr(int(character, 16)).encode("utf-8", "surrogatepass")
        return _ESCAPED.get(other, other)

    return _ESCAPE.sub(replace, inside)


def _tokens(source: bytes) -> Iterator[tuple[bytes, int]]:
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        assert match is not None
        token = match.group()
        if token == b"(;":
            at = _skip_comment(source, at)
            continue
        if not token.isspace() and not token.startswith(b";"):
            yield token, at
        at = match.end()


def _skip_comment(source: bytes, at: int) -> int:
    depth = 0
    while True:
        match = _COMMENT.search(source, at)
        assert match is not None
        depth += 1 if match.group() == b"(;" else -1
        at = match.end()
        if not depth:
            return at
