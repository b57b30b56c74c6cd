from pathlib import Path

import pytest

from bot.sheets import BadSheet, read_sheet

KNOWN = ("name", "place")


def rows(tmp_path: Path, written: bytes) -> list[tuple[int, str, str]]:
    file = tmp_path / "sheet.csv"
    file.write_bytes(written)
    return [(row.number, row["name"], row["place"]) for row in read_sheet(file, KNOWN, ["name"]).rows]


@pytest.mark.parametrize(
    "written",
    [
        b"name,place\nAna,Leeds\nBen,York\n",
        b"\xef\xbb\xbfname,place\r\nAna,Leeds\r\nBen,York",
        b"Place;NAME \r\n Leeds; Ana\r\n York;Ben\r\n",
        b"name\tplace\rAna\tLeeds\rBen\tYork\r",
        b'"name","place"\n"Ana","Leeds"\n"Ben","York"\n',
        b"\xff\xfe" + "name\tplace\r\nAna\tLeeds\r\nBen\tYork\r\n".encode("utf-16-le"),
        b"\xfe\xff" + "name,place\nAna,Leeds\nBen,York\n".encode("utf-16-be"),
    ],
)
def test_a_sheet_reads_the_same_however_it_was_saved(tmp_path: Path, written: bytes) -> None:
    assert rows(tmp_path, written) == [(2, "Ana", "Leeds"), (3, "Ben", "York")]


def test_rows_have_the_numbers_that_a_spreadsheet_shows(tmp_path: Path) -> None:
    written = 'name,place\n"Ana\nMaria",Leeds\n\n,\nJosé;junior,\n'.encode()
    assert rows(tmp_path, written) == [(2, "Ana Maria", "Leeds"), (5, "José;junior", "")]


def test_columns_that_nobody_knows_are_named_and_left_out(tmp_path: Path) -> None:
    file = tmp_path / "sheet.csv"
    file.write_text("shoe size,name,,hat\n38,Ana,x,\n")
    sheet = read_sheet(file, KNOWN, ["name"])
    assert sheet.ignored == ("shoe size", "hat")
    assert sheet.rows[0].cells == {"name": "Ana", "place": ""}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"place\nLeeds\n", "no column `name`"),
        (b"name,Name\nAna,Ana\n", "`name` twice"),
        (b"name\nAna,Leeds\n", "row 2 has more cells"),
        (b"name\nJos\xe9\n", "row 2, byte 9, is not UTF-8"),
        (b"PK\x03\x04\0\0name", "no CSV"),
        (b'name\nBen\n"Ana\nCleo\n', "row 3: a cell begins with a quotation mark"),
        (b'name\n\n"Ana" B\n', "row 3: a cell begins with a quotation mark"),
        (b'"name\nAna\n', "row 1: a cell begins with a quotation mark"),
        (b'name\n"' + b"Ana\n" * 40_000, "row 2: a cell begins with a quotation mark"),
    ],
)
def test_what_is_no_such_sheet_is_said_in_a_sentence(tmp_path: Path, written: bytes, said: str) -> None:
    with pytest.raises(BadSheet, match=said):
        rows(tmp_path, written)
