"""The Merkle tree is the one of RFC 6962, section 2.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.ledger.merkle import EMPTY_ROOT, Tree, leaf_hash, node_hash, root

# The published vectors of transparency-dev/merkle (testonly/constants.go), shared by Certificate Transparency logs.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert root(leaf_hash(leaf) for leaf in LEAVES[:size]).hex() == ROOTS[size]


def test_no_leaves_have_the_hash_of_nothing() -> None:
    assert Tree().root() == EMPTY_ROOT == bytes.fromhex(ROOTS[0])


def as_defined(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word: split at the largest power of two below n."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(as_defined(leaves[:split]), as_defined(leaves[split:]))


@given(st.integers(0, 300))
def test_the_root_is_the_recursive_definition_for_any_number_of_leaves(count: int) -> None:
    leaves = [leaf_hash(number.to_bytes(2, "big")) for number in range(count)]
    assert root(leaves) == as_defined(leaves)


def test_the_root_is_kept_as_leaves_come() -> None:
    tree = Tree()
    for size, leaf in enumerate(LEAVES):
        assert (tree.size, tree.root().hex()) == (size, ROOTS[size])
        tree.append(leaf_hash(leaf))


def test_a_leaf_never_passes_for_a_node() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)
