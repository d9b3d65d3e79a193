"""Tiny models for the embedders."""

from __future__ import annotations

from tests.tiny.fixture import tiny

__all__ = ["tiny"]
