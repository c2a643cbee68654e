"""The SQL that a careful user writes by hand, once for all implementations that take SQL. `$1` is the driver's."""

import re

from benchmarks.rows import COLUMNS, GIVEN

ALL = ", ".join(COLUMNS)
NEW = ", ".join(GIVEN)
_TYPES = {"id": "uuid", "user_id": "uuid", "amount": "numeric", "date": "date"}
_ARRAYS = ", ".join(f"${n}::{_TYPES.get(name, 'text')}[]" for n, name in enumerate(GIVEN, 1))
_PLACES = ", ".join(f"${n}" for n in range(1, len(GIVEN) + 1))
_EXCLUDED = ", ".join(f"{name} = EXCLUDED.{name}" for name in GIVEN if name not in ("id", "user_id"))

GET = f"SELECT {ALL} FROM expenses WHERE id = $1"
LIST = f"SELECT {ALL} FROM expenses WHERE user_id = $1 ORDER BY date DESC, id LIMIT $2"
LIST_FROM = f"SELECT {ALL} FROM expenses WHERE id > $1 ORDER BY id LIMIT $2"
INSERT = f"INSERT INTO expenses ({NEW}) VALUES ({_PLACES}) RETURNING {ALL}"
UPDATE = f"UPDATE expenses SET amount = $2, description = $3 WHERE id = $1 RETURNING {ALL}"
INSERT_MANY = f"INSERT INTO expenses ({NEW}) SELECT * FROM unnest({_ARRAYS}) RETURNING {ALL}"
UPSERT_MANY = (
    f"INSERT INTO expenses ({NEW}) SELECT * FROM unnest({_ARRAYS}) "
    f"ON CONFLICT (id) DO UPDATE SET {_EXCLUDED} RETURNING {ALL}"
)
PAGE = f"SELECT {ALL} FROM expenses WHERE user_id = $1 ORDER BY date DESC, id LIMIT $2 OFFSET $3"
TOTAL = "SELECT count(*) FROM expenses WHERE user_id = $1"
AFTER = (
    f"SELECT {ALL} FROM expenses WHERE user_id = $1 AND (date < $2 OR (date = $2 AND id > $3)) "
    "ORDER BY date DESC, id LIMIT $4"
)
SUMS = "SELECT category, sum(amount) AS total FROM expenses WHERE user_id = $1 GROUP BY category"


def named(text: str) -> str:
    """The same with psycopg's places: `$1` is `%(p1)s`."""
    return re.sub(r"\$(\d+)", r"%(p\1)s", text)
