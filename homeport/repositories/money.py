"""Money as the documents have it: numeric(12,2) beside a three-letter currency code."""

import re

from homeport.kernel.table import Check, Row, check, column
from homeport.kernel.types import NumericType, TextType

MONEY = column(NumericType(12, 2))
CURRENCY = column(TextType(3))
"""varchar, not char: char pads with blanks and ignores them when it compares."""

_CODE = re.compile("[A-Z]{3}")


def currency_code(name: str = "currency") -> Check:
    """The column holds three capital letters, or NULL."""

    def holds(row: Row) -> bool | None:
        value = row[name]
        return None if value is None else _CODE.fullmatch(str(value)) is not None

    return check(name, f"{{{name}}} ~ '^[A-Z]{{{{3}}}}$'", holds)
