"""What is embedded in one test is there for the next: none of these is about the embedder of texts."""

from tests.remembering import remembering

__all__ = ["remembering"]
