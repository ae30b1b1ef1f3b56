"""Tables that are in memory already, of pyarrow, pandas or polars, as files that `tables` reads."""

import pathlib
from typing import Any

from kd_jax.errors import InputError, brief, extra, require


def is_frame(rows: Any) -> bool:
    """Whether rows are a table in memory: a pyarrow.Table, or a DataFrame of pandas or polars.

    Args:
        rows: Of any kind.
    """
    return hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__dataframe__")


def written(rows: Any, path: pathlib.Path) -> pathlib.Path:
    """Write a table in memory as a .parquet file; the index of pandas is no column.

    Args:
        rows: As `is_frame` says.
        path: Of the file.

    Returns:
        The path.

    Raises:
        InputError: pyarrow is not installed, or has no form for a column.
    """
    with extra("data"):
        import pyarrow as pa
        import pyarrow.parquet as pq

    require(is_frame(rows), f"{rows!r:.60} is no table: expected a pyarrow.Table or a DataFrame")
    try:
        if type(rows).__module__.startswith("pandas"):
            rows = pa.Table.from_pandas(rows, preserve_index=False)
        pq.write_table(pa.table(rows), path)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise InputError(f"the table cannot be read by pyarrow ({brief(error)})") from None
    return path
