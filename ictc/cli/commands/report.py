"""`ictc report`: the HTML page."""

from __future__ import annotations

from ictc.cli import options as o
from ictc.cli.console import print_json, show_line, watch


def report(run: o.Run, revision: o.RevisionId = "", json_output: o.Json = False) -> None:
    """Write RUN/report.html again: a page with every finished revision, opening with the last or the one given.

    One self-contained file up to 2,000 images; of more, report_files/ lies beside it (docs/report.md).
    """
    from ictc import outputs

    done = outputs.reopen(run, revision)
    page = outputs.report(done, watch)
    if json_output:
        print_json({"run": str(run), "revision": done.revision.id, "report": str(page)})
    else:
        show_line(f"report: {page}")
