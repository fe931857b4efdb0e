"""Fields of JSON from anywhere: that they are there and of which type is never believed."""

from __future__ import annotations

import json
import reprlib
from typing import TypeVar

Kind = TypeVar("Kind")
Object = dict[str, object]


def parse_object(data: str | bytes) -> Object:
    """The JSON object that a file's content is.

    Raises:
      ValueError: it is none, or nested too deeply.
    """
    try:
        whole = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(whole, dict):
        raise ValueError(f"{reprlib.repr(whole)} is no JSON object")
    return whole


def field(row: object, name: str, *kinds: type[Kind]) -> Kind:
    """A field of an object, of exactly one of these types: no bool is an int.

    Raises:
      ValueError: there is no such field, or it is of another type.
    """
    if not isinstance(row, dict) or name not in row:
        raise ValueError(f"{reprlib.repr(row)} has no field {name!r}")
    value: Kind = row[name]
    if type(value) not in kinds:
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{name!r} is {reprlib.repr(value)}, not of type {names}")
    return value


def all_of(row: Object, kind: type[Kind]) -> dict[str, Kind]:
    """An object whose values are all of one type.

    Raises:
      ValueError: one is of another type.
    """
    return {name: field(row, name, kind) for name in row}
