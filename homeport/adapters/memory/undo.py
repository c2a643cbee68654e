"""The undo list: what each changed dict held before. It makes statements atomic and is the whole of a rollback.

Rows and indexes are plain dicts that only these functions change, so one list puts all of them back together.
"""

from typing import Any, Final, TypeAlias

Undo: TypeAlias = list[tuple[dict[Any, Any], Any, Any]]

ABSENT: Final = object()


def put(undo: Undo, target: dict[Any, Any], key: object, value: object) -> None:
    undo.append((target, key, target.get(key, ABSENT)))
    target[key] = value


def drop(undo: Undo, target: dict[Any, Any], key: object) -> None:
    undo.append((target, key, target[key]))
    del target[key]


def rewind(undo: Undo, position: int) -> None:
    """Take back, latest first, all that came after the position."""
    while len(undo) > position:
        target, key, previous = undo.pop()
        if previous is ABSENT:
            del target[key]
        else:
            target[key] = previous
