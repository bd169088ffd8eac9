"""Prints a line for each table of a lake: its name, its rows, and a digest of all their values.

OtherEngineIT computes the same with Iceberg's own reader; two digests are equal if every value is, to the bit.
"""

import datetime
import hashlib
import struct
import sys

from pyiceberg.catalog.sql import SqlCatalog

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def text(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return str((value - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, dict):  # a struct
        return "{" + ";".join(text(part) for part in value.values()) + "}"
    if isinstance(value, list):
        if value and isinstance(value[0], tuple):  # a map
            value = [key + "=" + text(part) for key, part in sorted(value)]
            return "<" + ";".join(value) + ">"
        return "[" + ";".join(text(part) for part in value) + "]"
    return str(value)


lake = sys.argv[1]
catalog = SqlCatalog("tailwater", uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}/warehouse")
for namespace in sorted(catalog.list_namespaces()):
    for name in sorted(catalog.list_tables(namespace)):
        rows = catalog.load_table(name).scan().to_arrow().to_pylist()
        lines = sorted("\t".join(text(value) for value in row.values()) for row in rows)
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        print(".".join(name), len(rows), digest)
