"""Arrays in PostgreSQL's binary form, made ahead, so that they cost a client next to nothing."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
from psycopg.adapt import Dumper


class Packed(bytes):
    """An array in binary form, made ahead, as the server takes it most cheaply."""


class PackedDumper(Dumper):
    """Hands packed arrays on as they are; casts in the statement say of what type they are."""

    format = psycopg.pq.Format.BINARY

    def dump(self, obj: Packed) -> Packed:
        return obj


# Types of elements, by their numbers in PostgreSQL's catalog.
ELEMENT_OIDS = {"integer": 23, "text": 25, "timestamptz": 1184, "numeric": 1700}
ARRAY_HEAD_BYTES = 20
BINARY_EPOCH = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
KEY_DIGITS = b"0123456789abcdef"


def packed_array(element_type: str, elements: Sequence[bytes]) -> Packed:
    head = struct.pack(">iiIii", 1, 0, ELEMENT_OIDS[element_type], len(elements), 1)
    return Packed(head + b"".join(struct.pack(">i", len(each)) + each for each in elements))


def packed_times(since: float, until: float, count: int) -> Packed:
    """Random times in a range of Unix seconds."""
    first, length = (since - BINARY_EPOCH) * 1e6, (until - since) * 1e6
    random_share = random.random
    return packed_array(
        "timestamptz",
        [struct.pack(">q", int(first + length * random_share())) for _ in range(count)],
    )


def with_new_digits(keys: bytes) -> Packed:
    """Swaps the hexadecimal digits of ready-made keys at random, which makes them new ones.

    That costs a client next to nothing, unlike making them. None of the digits' codes occurs in
    the lengths between the keys.
    """
    shuffled = bytes(random.sample(KEY_DIGITS, len(KEY_DIGITS)))
    digits = bytes.maketrans(KEY_DIGITS, shuffled)
    return Packed(keys[:ARRAY_HEAD_BYTES] + keys[ARRAY_HEAD_BYTES:].translate(digits))
