"""Event files, read byte by byte as TensorBoard's format says, not by what wrote them."""

import re
import struct


def frames(data):
    """The payloads of a TFRecord file: length, its checksum, payload, its checksum."""
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        yield data[12 : 12 + length]
        data = data[16 + length :]


def fields(message):
    """(number, value) of a protocol buffer: varints, 4 and 8 byte numbers, and bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = varint() if kind == 2 else {1: 8, 5: 4}[kind]
        yield key >> 3, message[at : at + size]
        at += size


def scalars(folder):
    """{tag: {step: value}} of a folder.

    Event has step = 2 and summary = 5; Summary.Value has tag = 1 and simple_value = 2.
    """
    found = {}
    for path in folder.glob("events.out.tfevents.*"):
        for payload in frames(path.read_bytes()):
            event = dict(fields(payload))
            for number, value in fields(event.get(5, b"")):
                assert number == 1
                known = dict(fields(value))
                if 2 in known:
                    of_tag = found.setdefault(known[1].decode(), {})
                    of_tag[event.get(2, 0)] = struct.unpack("<f", known[2])[0]
    return found


def tag(name):
    """What TensorBoard allows in a name: letters, digits, -, _, . and /."""
    return re.sub(r"[^-/\w.]", "_", name)
