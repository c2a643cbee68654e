"""Hydration: rows become truly frozen entities, and classes that can't be hydrated are refused by name."""

import copy
import pickle
import weakref
from functools import cached_property

import attrs
import pytest

from homeport.kernel.entity import Entity, Inline, hydrator


@attrs.frozen(kw_only=True)
class Point(Entity):
    x: int
    y: tuple[int, ...] = ()

    @cached_property
    def total(self) -> int:
        return self.x + sum(self.y)


@attrs.frozen(kw_only=True)
class Deep(Point):
    z: int = 0


def test_a_hydrated_row_is_the_entity_in_every_way() -> None:
    (made,) = hydrator(Point, {"y": tuple})([(1, [2, 3])])
    assert made == Point(x=1, y=(2, 3))
    assert type(made) is Point
    assert hash(made) == hash(Point(x=1, y=(2, 3)))
    assert made.total == 6
    assert pickle.loads(pickle.dumps(made)) == copy.copy(made) == made
    assert weakref.ref(made)() is made
    assert attrs.evolve(made, x=5) == Point(x=5, y=(2, 3))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.x = 2  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del made.x


def test_an_entity_may_extend_another() -> None:
    (made,) = hydrator(Deep, {})([(1, (2,), 3)])
    assert made == Deep(x=1, y=(2,), z=3)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.z = 2  # type: ignore[misc]


def test_rows_may_be_any_iterable_and_of_the_right_width() -> None:
    hydrate = hydrator(Point, {})
    assert hydrate([]) == []
    assert hydrate(iter([(1, ()), (2, ())])) == [Point(x=1), Point(x=2)]
    with pytest.raises(ValueError, match="values to unpack"):
        hydrate([(1,)])


@pytest.mark.parametrize("rows", [[(1, [2])], [(1, [2]), (3, [4])]])
def test_a_conversion_may_be_an_expression(rows: list[tuple[int, list[int]]]) -> None:
    """For one row and for many; two fields may give the same name another meaning."""
    convert = {
        "x": Inline("{value} + {more}", {"more": 10}),
        "y": Inline("tuple([{more}(each) for each in {value}])", {"more": str}),
    }
    made = hydrator(Point, convert)(rows)
    assert [(each.x, *each.y) for each in made] == [(x + 10, *map(str, y)) for x, y in rows]


def test_classes_that_can_not_be_hydrated_are_refused() -> None:
    @attrs.frozen(kw_only=True, cache_hash=True)
    class Hashed(Entity):
        x: int

    @attrs.frozen(kw_only=True, slots=False)
    class Loose(Entity):
        x: int

    class Plain(Entity):
        pass

    for unfit in (Hashed, Loose, Plain):
        with pytest.raises(TypeError, match=unfit.__name__):
            hydrator(unfit, {})
