"""A group's own names of places, as spreadsheets write them."""

from pathlib import Path

import pytest

from bot.districts import District, read

HEADINGLEY = District("Headingley", 53.8194, -1.581, ("LS6", "Heado"))


def written(folder: Path, text: str) -> Path:
    file = folder / "districts.csv"
    file.write_bytes(text.encode())
    return file


@pytest.mark.parametrize(
    "text",
    [
        "name,lat,lon,also\nHeadingley,53.8194,-1.581,LS6/Heado\n",
        "\ufeffName;Lat;Lon;Also\r\nHeadingley;53,8194;-1,581;LS6|Heado\r\n",
        "lat\tlon\tname\talso\tcolour\n53.8194\t-1.581\t Headingley \tLS6 / Heado\tred\n\n\t\t\t\t\n",
    ],
)
def test_it_is_read_however_a_spreadsheet_writes_it(tmp_path: Path, text: str) -> None:
    assert read(written(tmp_path, text)) == (HEADINGLEY,)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", ["districts.csv:1: name", "districts.csv:1: lat", "districts.csv:1: lon"]),
        ("name,lat\nA,1\n", ["districts.csv:1: lon: this column is missing"]),
        ("name,lat,lon\nA,here,2\n", ["districts.csv:2: lat: write degrees from -90 to 90"]),
        ("name,lat,lon\nA,120,2\n", ["districts.csv:2: lat: write degrees from -90 to 90: are lat and lon swapped?"]),
        ("name,lat,lon\nA,1,200\nB,1\n", ["districts.csv:2: lon", "districts.csv:3: lon"]),
        ("name,lat,lon\nA,nan,2\n", ["districts.csv:2: lat"]),
        ("name,lat,lon\n!,1,2\n", ["districts.csv:2: name: write a name"]),
        ("name,lat,lon\nA,1,2\nB,1,2\na,3,4\n", ["districts.csv:4: name: a stands in row 2 too"]),
        ("name,lat,lon,also\nA,1,2,\nB,1,2,a\n", ["districts.csv:3: also: a stands in row 2 too"]),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(tmp_path: Path, text: str, wrong: list[str]) -> None:
    with pytest.raises(ValueError, match="districts") as complaint:
        read(written(tmp_path, text))
    lines = str(complaint.value).splitlines()
    assert len(lines) == len(wrong)
    assert all(line.startswith(start) for line, start in zip(lines, wrong, strict=True))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "districts.csv"
    file.write_bytes("name,lat,lon\nGijón,1,2\n".encode("latin-1"))
    with pytest.raises(ValueError, match="UTF-8"):
        read(file)
