"""Tables of every type, and what the catalog asks of one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa

from sf_ml_framework.manifest.model import ColumnSpec, DatasetSpec

FREE = DatasetSpec(name="free", kind="table")
TYPED = DatasetSpec(
    name="typed",
    kind="table",
    join_keys=("id",),
    columns=(
        ColumnSpec(name="id", type="integer", nullable=False, unique=True),
        ColumnSpec(name="small", type="int32"),
        ColumnSpec(name="share", type="float", nullable=False, minimum=0, maximum=1),
        ColumnSpec(name="day", type="date", minimum="2026-01-01"),
        ColumnSpec(name="plan", type="category", allowed=("it's", 'a "plan"', "x\\y")),
    ),
)
EVERY_TYPE = pa.table(
    {
        "whole": pa.array([1, None, 2**62], pa.int64()),
        "narrow": pa.array([-128, None, 127], pa.int8()),
        # The emulator's engine keeps whole numbers in 64 bits, Snowflake in 38 digits.
        "unsigned": pa.array([0, None, 2**63 - 1], pa.uint64()),
        "real": pa.array([0.1, None, -1e300], pa.float64()),
        "single": pa.array([0.5, None, 1.5], pa.float32()),
        "flag": pa.array([True, None, False]),
        "text": pa.array(["ä\n", None, "'; drop table free; --"]),
        "day": pa.array([dt.date(2026, 1, 31), None, dt.date(1, 1, 1)]),
        "instant": pa.array([1_000_001, None, 0], pa.timestamp("us", "UTC")),
        "moment": pa.array([1_000_001, None, 0], pa.timestamp("us")),
        "clock": pa.array([dt.time(23, 59, 59, 1), None, dt.time(0)], pa.time64("us")),
        "bytes": pa.array([b"\x00\xff", None, b""], pa.binary()),
        "money": pa.array([Decimal("1.50"), None, Decimal("-2.00")], pa.decimal128(10, 2)),
        "kind": pa.array(["b", None, "a"]).dictionary_encode(),
    }
)


def typed(**changes):
    columns = {
        "id": [1, 2, 3],
        "small": [1, 2, 3],
        "share": [0.0, 0.5, 1.0],
        "day": [dt.date(2026, 1, 1)] * 3,
        "plan": ["it's", 'a "plan"', "x\\y"],
    }
    return pa.table(columns | changes)
