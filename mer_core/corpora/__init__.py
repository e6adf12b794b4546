"""Corpora on disk: what all of `sources/` share, and a corpus by its name or its folder."""

from mer_core.corpora.images import ImageError, extent, frame_number, index_frames
from mer_core.corpora.source import (
    Repair,
    Row,
    Source,
    SourceError,
    contents,
    find,
    numbered,
    row_of,
    spno,
    subfolders,
)
from mer_core.corpora.survey import survey
from mer_core.corpora.tables import TableError, padded, read_plain_table, read_table, text, whole_number

__all__ = [
    "ImageError", "Repair", "Row", "Source", "SourceError", "TableError", "contents", "extent", "find", "frame_number",
    "index_frames", "numbered", "padded", "read_plain_table", "read_table", "row_of", "spno", "subfolders", "survey",
    "text", "whole_number",
]  # fmt: skip
