"""The report: one HTML page that shows every revision of a run, and how to make every number on it again."""

from ictc.report.book import Book, Chapter, tiles
from ictc.report.build import build_report, mapped, shown_images
from ictc.report.data import Images
from ictc.report.model import ModelUsed, Page, Provenance, Report
from ictc.report.page import render_html, render_page
from ictc.report.pieces import Beside, Within

__all__ = [
    "Beside",
    "Book",
    "Chapter",
    "Images",
    "ModelUsed",
    "Page",
    "Provenance",
    "Report",
    "Within",
    "build_report",
    "mapped",
    "render_html",
    "render_page",
    "shown_images",
    "tiles",
]
