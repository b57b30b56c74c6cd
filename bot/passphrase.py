"""The passphrase of the pages: as it is, or as an argon2 hash, so that who reads the configuration cannot come in."""

import hmac

MARK = "$argon2"
"""How a hash begins; a passphrase of one's own should not."""


def hashed(passphrase: str) -> str:
    """What may stand in the configuration in place of the passphrase: argon2id, as argon2-cffi does it by default
    (RFC 9106's second choice)."""
    from argon2 import PasswordHasher

    return PasswordHasher().hash(passphrase)


def readable(kept: str) -> bool:
    """Whether what stands in the configuration can be compared with: a hash that is cut lets nobody in."""
    if not kept.startswith(MARK):
        return True
    from argon2 import extract_parameters
    from argon2.exceptions import InvalidHashError

    try:
        extract_parameters(kept)
    except InvalidHashError:
        return False
    return True


def fits(given: str, kept: str) -> bool:
    """Whether this is the passphrase that the configuration holds. It takes as long for a wrong one."""
    if not kept.startswith(MARK):
        return hmac.compare_digest(given.encode(), kept.encode())
    from argon2 import PasswordHasher
    from argon2.exceptions import VerificationError

    try:
        return PasswordHasher().verify(kept, given)
    except VerificationError:
        return False
