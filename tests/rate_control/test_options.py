from __future__ import annotations

import argparse

import pytest

from rate_control.options import parse_target


@pytest.mark.parametrize(
    "text", ["0", "-1", "1e3", "nan", ".", "", "1001", "9" * 18, "1" * 500, f"0.15{'0' * 300}", "\u0661"]
)
def test_target_that_no_picture_takes_or_no_folder_can_be_named_after_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"no target like 0\.15"):
        parse_target(text)


@pytest.mark.parametrize("text", ["0.075", "3.", "00.15", ".3", "1000"])
def test_target_names_folders_as_it_was_given(text: str) -> None:
    assert parse_target(text) == text
