from xml.etree import ElementTree

import pytest

from bot.qr import qr_code

SVG = "{http://www.w3.org/2000/svg}"


def test_it_is_a_picture_that_runs_nothing() -> None:
    root = ElementTree.fromstring(qr_code("https://chat.example.org/?start=from-1-0123456789abcdef"))
    assert root.tag == f"{SVG}svg"
    assert {part.tag for part in root.iter()} == {f"{SVG}svg", f"{SVG}g", f"{SVG}path"}


def test_each_text_has_a_picture_of_its_own() -> None:
    assert qr_code("a") == qr_code("a") != qr_code("b")


def test_what_no_telephone_reads_is_refused() -> None:
    with pytest.raises(ValueError, match="so large"):
        qr_code("x" * 1001)
