"""A text as a QR code, for one telephone to show and another to read. Pure."""

import io

QUIET_ZONE = 4
"""Empty modules around it: readers need that many."""


def qr_code(text: str) -> bytes:
    """An SVG picture of this text, black on white also on a dark page. Raises ValueError for over 1,000 characters."""
    import segno  # imported only where somebody asks for one

    if len(text) > 1000:
        raise ValueError("a telephone cannot read so large a code")
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(picture, kind="svg", scale=8, border=QUIET_ZONE, light="#fff", nl=False)
    return picture.getvalue()
