"""Two results of the same images compared: which images moved, and what became of the clusters."""

from ictc.differing.difference import Difference, Fate, Moved, compared, difference

__all__ = ["Difference", "Fate", "Moved", "compared", "difference"]
