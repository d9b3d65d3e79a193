"""Steps 2a, 2b and 3 on any language model."""

from ictc.reasoners.llm.reasoner import LlmReasoner

__all__ = ["LlmReasoner"]
