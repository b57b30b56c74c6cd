"""A text as a QR code, for one telephone to show and another to read. Pure."""

import io

QUIET_ZONE = 4
"""Empty modules around it: readers need that many."""


def qr_code(text: str, kind: str = "svg") -> bytes:
    """A picture of this text ("svg" or "png"), black on white also on a dark page.

    Raises ValueError for over 1,000 characters.
    """
    import segno  # imported only where somebody asks for one

    if len(text) > 1000:
        raise ValueError("a telephone cannot read so large a code")
    picture = io.BytesIO()
    more = {"nl": False} if kind == "svg" else {}
    segno.make_qr(text, error="m").save(picture, kind=kind, scale=8, border=QUIET_ZONE, light="#fff", **more)
    return picture.getvalue()
