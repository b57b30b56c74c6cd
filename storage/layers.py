"""What is for one person and names or quotes others: sealed under the key of each, so it opens only while all have one.

Without it, the name and the words of someone who was forgotten could still be read in the messages of those whom they
wrote to, and in every backup of these. The outermost layer is that of the person it is for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from storage.session import Session
from storage.values import NAMES
from storage.vault import Seal, Vault

_LAYER = b"\x02"
"""What a further layer begins with, and then whose it is; what is packed (`storage.values`) begins with none such."""
_NUMBER = 8


async def close(
    session: Session, vault: Vault, person_id: int, field: bytes, packed: bytes, names: Iterable[int]
) -> bytes:
    """Sealed for this person, and under the keys of those it names. Raises KeyDestroyed where one of them has none."""
    seals = {number: await vault.of(session, number) for number in names if number != person_id}
    return (await vault.of(session, person_id)).close(field, wrapped(field, packed, seals))


async def opened(session: Session, vault: Vault, person_id: int, field: bytes, sealed: bytes) -> bytes:
    """What was packed. Raises KeyDestroyed where one of those it names was forgotten, or the person it is for."""
    packed = (await vault.of(session, person_id)).open(field, sealed)
    while packed[:1] == _LAYER:
        packed = (await vault.of(session, _whose(packed))).open(field, packed[1 + _NUMBER :])
    return packed


def wrapped(field: bytes, packed: bytes, seals: Mapping[int, Seal]) -> bytes:
    """Packed, with a layer of each of these."""
    for number, seal in seals.items():
        packed = _LAYER + number.to_bytes(_NUMBER) + seal.close(field, packed)
    return packed


def unwrapped(field: bytes, packed: bytes, seal_of: Callable[[int], Seal | None]) -> bytes | None:
    """What `wrapped` was given; None where the key of one of them is gone."""
    while packed[:1] == _LAYER:
        seal = seal_of(_whose(packed))
        if seal is None:
            return None
        packed = seal.open(field, packed[1 + _NUMBER :])
    return packed


def named(body: Mapping[str, object]) -> Sequence[int]:
    """The numbers of those whom a body names or quotes, by its own word."""
    numbers = body.get(NAMES)
    return [each for each in numbers if isinstance(each, int)] if isinstance(numbers, list | tuple) else []


def _whose(packed: bytes) -> int:
    return int.from_bytes(packed[1 : 1 + _NUMBER])
