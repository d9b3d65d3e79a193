"""The report: one self-contained HTML page that shows a result, and how to make every number on it again."""

from ictc.report.build import build_report, shown_images
from ictc.report.model import ModelUsed, Provenance, Report
from ictc.report.page import render_html

__all__ = ["ModelUsed", "Provenance", "Report", "build_report", "render_html", "shown_images"]
