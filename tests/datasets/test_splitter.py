"""The split rule of the NOSS benchmark: its pinned cases, and itself said again in NumPy's words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from noss.datasets import Split, _splitter
from noss.errors import DataError

PARTS: dict[Split, float] = {"train": 0.6, "dev": 0.2, "test": 0.2}
GROUPS = [f"s{row * 7 % 20:02}" for row in range(200)]


def _cut(things: list[str], parts: Sequence[tuple[Split, float]]) -> dict[str, Split]:
    """The rule, step by step as the source has it."""
    ends, upto = [], 0.0
    for _, share in parts:
        upto += share
        ends.append(int(upto * len(things)))
    ends[-1] = len(things)
    starts = [0, *ends[:-1]]
    return {
        thing: part
        for (part, _), start, end in zip(parts, starts, ends, strict=True)
        for thing in things[start:end]
    }  # fmt: skip


def test_nine_are_cut_at_five_and_seven() -> None:
    assert _splitter.bounds(PARTS, 9) == [("train", 0, 5), ("dev", 5, 7), ("test", 7, 9)]
    assert _splitter.bounds(PARTS, 100) == [("train", 0, 60), ("dev", 60, 80), ("test", 80, 100)]


def test_a_share_that_rounding_makes_a_hair_too_small_is_cut_down() -> None:
    parts: dict[Split, float] = {"train": 0.7, "dev": 0.1, "test": 0.2}
    assert _splitter.bounds(parts, 10) == [("train", 0, 7), ("dev", 7, 7), ("test", 7, 10)]


@pytest.mark.parametrize("number", [0, 1, 666, 2**32 - 1])
def test_inter_is_the_rule_said_in_numpys_words(number: int) -> None:
    names = sorted(set(GROUPS))
    np.random.RandomState(number).shuffle(names)
    expected = _cut(names, list(PARTS.items()))
    assert _splitter.inter(GROUPS, PARTS, number=number) == [expected[group] for group in GROUPS]


@pytest.mark.parametrize("number", [0, 1, 666, 2**32 - 1])
def test_intra_is_the_rule_said_in_numpys_words(number: int) -> None:
    groups = [*GROUPS[:37], "few", *GROUPS[37:], "few"]
    stream = np.random.RandomState(number)
    expected: dict[str, Split] = {}
    for group in dict.fromkeys(groups):
        items = [str(item) for item, of in enumerate(groups) if of == group]
        if len(items) >= 3:
            stream.shuffle(items)
            expected |= _cut(items, list(PARTS.items()))
    found = _splitter.intra(groups, PARTS, number=number)
    assert found == [expected.get(str(item)) for item in range(len(groups))]
    assert [group for group, part in zip(groups, found, strict=True) if part is None] == ["few", "few"]


def test_the_published_number_gives_the_split_it_always_gave() -> None:
    """Made once with `np.random.RandomState(666).shuffle` of NumPy 2.4, whose legacy stream never changes."""
    groups = list("abcdefghi")
    found = _splitter.inter(groups, PARTS)
    sides = {part: "".join(group for group, of in zip(groups, found, strict=True) if of == part) for part in PARTS}
    assert sides == {"train": "adehi", "dev": "bg", "test": "cf"}
    within = _splitter.intra(["x"] * 5 + ["y"] * 4, PARTS)
    assert within == ["train", "train", "dev", "train", "test", "train", "train", "test", "dev"]


def test_every_item_is_in_one_split_and_no_group_in_two() -> None:
    found = _splitter.inter(GROUPS, PARTS)
    sides = {group: {part for of, part in zip(GROUPS, found, strict=True) if of == group} for group in set(GROUPS)}
    assert {len(parts) for parts in sides.values()} == {1}
    assert [sum(parts == {part} for parts in sides.values()) for part in PARTS] == [12, 4, 4]


def test_every_group_is_in_every_split() -> None:
    found = _splitter.intra(GROUPS, PARTS)
    for group in set(GROUPS):
        parts = [part for of, part in zip(GROUPS, found, strict=True) if of == group]
        assert [parts.count(part) for part in PARTS] == [6, 2, 2]


@pytest.mark.parametrize("rule", [_splitter.inter, _splitter.intra])
def test_the_same_number_gives_the_same_split(rule: type) -> None:
    for number in range(10):
        assert all(rule(GROUPS, PARTS, number=number) == rule(GROUPS, PARTS, number=number) for _ in range(4))


def test_another_number_gives_another_split() -> None:
    assert len({tuple(_splitter.inter(GROUPS, PARTS, number=number)) for number in range(15)}) == 15


def test_the_order_of_the_items_does_not_matter_between_groups() -> None:
    there = dict(zip(GROUPS, _splitter.inter(GROUPS, PARTS), strict=True))
    back = dict(zip(GROUPS[::-1], _splitter.inter(GROUPS[::-1], PARTS), strict=True))
    assert there == back


def test_fewer_groups_than_parts_are_refused() -> None:
    with pytest.raises(DataError, match="2 speakers for 3 splits: bring at least 3"):
        _splitter.inter(["a", "b"], PARTS)
