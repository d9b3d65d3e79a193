"""Runs of the original IC|TC repository: its result files (`replies`), a folder of them (`reading`), its own scores
(`published`)."""

from ictc.originals.published import Published, as_published, read_accuracy
from ictc.originals.reading import Original, find_files, read_original
from ictc.originals.replies import (
    Replies,
    assignment_from,
    bare,
    label_from,
    parse_replies,
    parse_taxonomy,
    strict_answer,
)

__all__ = [
    "Original",
    "Published",
    "Replies",
    "as_published",
    "assignment_from",
    "bare",
    "find_files",
    "label_from",
    "parse_replies",
    "parse_taxonomy",
    "read_accuracy",
    "read_original",
    "strict_answer",
]
