"""The history of a training as TensorBoard reads it, written while it trains; TensorBoard itself is not needed here.

A file of events is a row of records: the length of an event, a checksum of that, the event, a checksum of it. An event
is a protocol buffer of a time, a step and named numbers.
"""

import struct
import time
from pathlib import Path
from typing import Any

WALL_TIME, STEP, FILE_VERSION, SUMMARY = 1, 2, 3, 5  # fields of an Event
VALUE, TAG, SIMPLE_VALUE = 1, 1, 2  # of a Summary, and of its values


class EventWriter:
    """A folder's file of events; every row is on disk when `row` returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"events.out.tfevents.{time.time_ns()}"
        self._append(_text(FILE_VERSION, "brain.Event:2"))

    def row(self, row: dict[str, Any]) -> None:
        """An epoch of the history: a curve a column, `apex/emotion` where there are several stages."""
        numbers = {
            f"{row['stage']}/{name}": value for name, value in row.items() if name not in ("stage", "epoch")
        }
        values = b"".join(
            _bytes(VALUE, _text(TAG, tag) + _float(SIMPLE_VALUE, n)) for tag, n in numbers.items()
        )
        self._append(_integer(STEP, row["epoch"]) + _bytes(SUMMARY, values))

    def _append(self, event: bytes) -> None:
        event = _double(WALL_TIME, time.time()) + event
        length = struct.pack("<Q", len(event))
        with self.file.open("ab") as file:
            file.write(length + _checksum(length) + event + _checksum(event))


# Protocol buffers: a key (field and kind), then the value.


def _varint(n: int) -> bytes:
    made = bytearray()
    while n > 127:
        made.append(n & 127 | 128)
        n >>= 7
    return bytes([*made, n])


def _integer(field: int, n: int) -> bytes:
    return _varint(field << 3) + _varint(n)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


# CRC-32C, masked, as the format wants it.


def _table() -> list[int]:
    rows = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        rows.append(n)
    return rows


TABLE = _table()


def _checksum(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
