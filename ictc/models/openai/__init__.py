"""OpenAI and every server that speaks its chat completions: `openai:MODEL[@BASE_URL]`. See docs/backends.md."""

from __future__ import annotations

import os

from ictc.interfaces import Model
from ictc.modeloptions import ModelOptions
from ictc.models.openai.batch import BatchModel
from ictc.models.openai.model import OpenAIModel
from ictc.models.openai.spec import parse

__all__ = ["BatchModel", "OpenAIModel", "create"]


def create(argument: str, options: ModelOptions) -> Model:
    """The model named by `MODEL[@BASE_URL]`; see `spec.parse` for the environment and for errors."""
    model = OpenAIModel(parse(argument, os.environ), options)
    return BatchModel(model) if options.batch else model
