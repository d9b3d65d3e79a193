"""What is odd about a result's clusters, and what to do about it."""

from ictc.diagnosis.findings import Finding, diagnose
from ictc.diagnosis.meaning import mean_the_same, near_names

__all__ = ["Finding", "diagnose", "mean_the_same", "near_names"]
