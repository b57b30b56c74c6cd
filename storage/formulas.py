"""Texts in spreadsheets: none of them is a formula there. Pure."""

_BEGINS = tuple("=+-@\t\r\n＝＋－＠'")
"""What a formula can begin with: owasp.org/www-community/attacks/CSV_Injection. The apostrophe is ours: see `read`."""


def safe(text: str) -> str:
    """The cell that shows this text: one that a spreadsheet could take for a formula begins with an apostrophe."""
    return f"'{text}" if text.startswith(_BEGINS) else text


def read(cell: str) -> str:
    """The text that `safe` made this cell of."""
    return cell.removeprefix("'")
