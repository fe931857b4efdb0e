from __future__ import annotations

import pytest

from decoder_pkg.fields import all_of, field, parse_object


@pytest.mark.parametrize("data", ["", "{", "[]", "1", "null", '"a"', b"\xff", "[" * 10**5, '{"a":' * 10**5, "1e5"])
def test_what_is_no_object_is_refused(data: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_object(data)


@pytest.mark.parametrize("row", [None, [], "name", 1, {}, {"other": 1}])
def test_missing_field_is_named(row: object) -> None:
    with pytest.raises(ValueError, match="no field 'name'"):
        field(row, "name", int)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1], {"1": 1}])
def test_field_of_another_type_is_named(value: object) -> None:
    with pytest.raises(ValueError, match=r"'name' is .*, not of type int"):
        field({"name": value}, "name", int)
    with pytest.raises(ValueError, match="'name'"):
        all_of({"other": 1, "name": value}, int)


def test_field_of_one_of_several_types_is_read() -> None:
    assert field(parse_object('{"a": 1.5}'), "a", int, float) == 1.5
    assert all_of({"a": 1, "b": 2}, int) == {"a": 1, "b": 2}


def test_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(ValueError, match="'name'") as caught:
        field({"name": "x" * 10**6}, "name", int)
    assert len(str(caught.value)) < 200
