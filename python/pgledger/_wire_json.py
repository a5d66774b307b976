"""JSON and lists as a statement's parameters: plans, prices, lines, tax rates, keys, numbers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import cast

from pgledger._wire import array_text, decimal_text, time_text


def sequence_text(name: str, elements: object) -> str | None:
    """Returns a plan's features, lines or tax rates as jsonb's input, or None for None.

    Decimals are written as texts, which keeps every digit; times are written as texts with their
    zone.

    Args:
        name: What it is: errors name paths from there.
        elements: A sequence of mappings.

    Raises:
        TypeError: It is no sequence, or holds a float or what JSON cannot hold; the message names
            the path.
        ValueError: It holds a Decimal that is not a number, or a time without a zone.
    """
    if elements is None:
        return None
    if not isinstance(elements, Sequence) or isinstance(elements, (str, bytes, bytearray)):
        raise TypeError(f"{name} must be a sequence such as a list, not {type(elements).__name__}")
    return json.dumps(_plain(f"$.{name}", cast("Sequence[object]", elements)))


def mapping_text(name: str, members: object) -> str | None:
    """Returns a plan's pricing or a single price as jsonb's input, or None for None.

    What it holds is written as by :func:`sequence_text`.

    Args:
        name: What it is: errors name paths from there.
        members: A mapping.

    Raises:
        TypeError: It is no mapping, or holds a float or what JSON cannot hold; the message names
            the path.
        ValueError: It holds a Decimal that is not a number, or a time without a zone.
    """
    if members is None:
        return None
    if not isinstance(members, Mapping):
        raise TypeError(f"{name} must be a mapping such as a dict, not {type(members).__name__}")
    return json.dumps(_plain(f"$.{name}", cast("Mapping[object, object]", members)))


# A number with more digits before or after its point is out of range everywhere, and the database
# refuses it. Written out in full it could take gigabytes.
_LARGEST_EXPONENT = 1000


def _plain(path: str, value: object) -> object:
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{path} must be a number, not {value}")
        if abs(value.adjusted()) > _LARGEST_EXPONENT:
            return str(value)
        return format(value, "f")
    if isinstance(value, datetime):
        return time_text(path, value)
    if isinstance(value, Mapping):
        members: dict[str, object] = {}
        for key, member in cast("Mapping[object, object]", value).items():
            if not isinstance(key, str):
                raise TypeError(f"{path} must have texts as keys, not {type(key).__name__} {key!r}")
            members[key] = _plain(f"{path}.{key}", member)
        return members
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        elements = cast("Sequence[object]", value)
        return [_plain(f"{path}[{place}]", element) for place, element in enumerate(elements)]
    hint = f': write Decimal("{value!r}")' if isinstance(value, float) else ""
    raise TypeError(
        f"{path} must be a Decimal, an int, a str, a bool, a datetime, None, a mapping or a "
        f"sequence, not {type(value).__name__} {value!r}{hint}"
    )


def keys_text(name: str, keys: object) -> str | None:
    """Returns texts as the input of an array, or None for None.

    Raises:
        TypeError: It is a single text, whose letters would each be taken for a key, or holds
            something other than texts.
    """
    if keys is None:
        return None
    if isinstance(keys, (str, bytes)) or not isinstance(keys, Iterable):
        raise TypeError(f"{name} must be a list of str, not {type(keys).__name__} {keys!r}")
    return array_text(name, cast("Iterable[object]", keys), of="element")


def numbers_text(name: str, numbers: object) -> str | None:
    """Returns numbers as the input of an array, or None for None.

    Raises:
        TypeError: It is no list, or holds something other than Decimals and ints.
    """
    if numbers is None:
        return None
    if isinstance(numbers, (str, bytes)) or not isinstance(numbers, Iterable):
        raise TypeError(f"{name} must be a list of numbers, not {type(numbers).__name__}")
    elements = enumerate(cast("Iterable[object]", numbers))
    return "{" + ",".join(decimal_text(f"{name}[{place}]", one) for place, one in elements) + "}"
