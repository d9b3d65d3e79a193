"""Tiny models to train."""

from __future__ import annotations

from tests.tiny.fixture import tiny

__all__ = ["tiny"]
