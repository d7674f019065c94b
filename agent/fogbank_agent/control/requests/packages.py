"""Packages that an agent keeps for its neighbours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishPackage:
    """Keep the package file ``package_id``, handed over before, until it is withdrawn.

    Answered by ``PackagePublished``.
    """

    package_id: bytes


@dataclass(frozen=True, slots=True)
class PackagePublished:
    """Neighbours may fetch and run the package by its id."""

    package_id: bytes
    name: str
    version: str
    author: bytes


@dataclass(frozen=True, slots=True)
class WithdrawPackage:
    """Keep the package no longer.  Answered by ``PackageWithdrawn``."""

    package_id: bytes


@dataclass(frozen=True, slots=True)
class PackageWithdrawn:
    """The package is not kept any more."""

    package_id: bytes
