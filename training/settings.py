"""Declared fields of a configuration: type, range and default of each in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

ALLOWED = "allowed"
"""Where a field's metadata has what it may hold."""

MOST = 10**9
"""No number of a configuration is larger."""

NAMED_KINDS: dict[type, str] = {dict: "a table", str: "a name"}

SHOWN = 40
"""Characters of a wrong value that a message shows."""


class ConfigError(ValueError):
    """A configuration names a field that does not exist, or holds a value that cannot be."""


@dataclass(frozen=True)
class Allowed:
    """What a field may hold.

    Attributes:
      kind: its type; a whole number is a real one too, a truth value is none.
      low, high: least and largest number.
      step: numbers are multiples of it.
      choices: the texts that are known, if it is one of a few.
      optional: whether it may be absent.
    """

    kind: type
    low: float = -math.inf
    high: float = math.inf
    step: int = 1
    choices: tuple[str, ...] = ()
    optional: bool = False

    def holds(self, value: object) -> bool:
        """Whether a value is allowed."""
        if value is None:
            return self.optional
        if isinstance(value, bool) or not isinstance(value, (int, float) if self.kind is float else self.kind):
            return False
        if isinstance(value, int | float):
            return self.low <= value <= self.high and (self.step == 1 or value % self.step == 0)
        return not self.choices or value in self.choices

    def __str__(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.kind in NAMED_KINDS:
            return NAMED_KINDS[self.kind]
        name = "a number" if self.kind is float else "a whole number"
        multiple = f", a multiple of {self.step}" if self.step > 1 else ""
        return f"{name} from {self.low:,} to {self.high:,}{multiple}"


def whole(default: int | None, low: int, high: int = MOST, step: int = 1) -> Any:
    """A field that holds a whole number; it may be absent if its default is None."""
    return _declare(default, Allowed(int, low, high, step, optional=default is None))


def real(default: float, low: float, high: float = MOST) -> Any:
    """A field that holds a finite number."""
    return _declare(default, Allowed(float, low, high))


def choice(default: str, choices: Sequence[str]) -> Any:
    """A field that holds one of a few names."""
    return _declare(default, Allowed(str, choices=tuple(choices)))


def name(default: str) -> Any:
    """A field that holds a name of a table that is not known here."""
    return _declare(default, Allowed(str))


def _declare(default: object, allowed: Allowed) -> Any:
    return field(default=default, metadata={ALLOWED: allowed})


def faults(config: Any) -> list[str]:
    """What is wrong with the fields of a dataclass that are declared here, one text for each."""
    allowed = {f.name: f.metadata[ALLOWED] for f in fields(config)}
    values = {name: getattr(config, name) for name in allowed}
    return [fault(name, values[name], rule) for name, rule in allowed.items() if not rule.holds(values[name])]


def fault(name: str, value: object, allowed: object) -> str:
    """The text on a field that holds a wrong value."""
    return f"{name} = {repr(value)[:SHOWN]} must be {allowed}"


def unknown_fields(values: Mapping[str, object], known: Sequence[str], prefix: str = "") -> list[str]:
    """What is wrong with the names of fields: a text on those that do not exist, if there are any."""
    unknown = sorted(f"{prefix}{name[:SHOWN]}" for name in set(values) - set(known))
    return [f"no such fields: {', '.join(unknown)}; known: {', '.join(sorted(known))}"] if unknown else []
