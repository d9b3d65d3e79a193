"""Tiny models for classification."""

from __future__ import annotations

from tests.tiny.fixture import tiny

__all__ = ["tiny"]
