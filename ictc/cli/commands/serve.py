"""`ictc serve`: the page of a run live on this machine, to look at and to steer."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from ictc.cli import options as o
from ictc.cli.console import print_json, say, show_line
from ictc.cli.ending import Terminated, exit_code_of, heard
from ictc.cli.model_options import Given, with_models

_WHERE = "Where it listens"
_MEANS = (
    "describer", "model", "reasoner", "fallback", "device", "batch_size", "trust_remote_code", "concurrency", "rpm",
    "tpm", "timeout", "retries", "retry_failed", "image_side", "max_calls", "max_cost", "prices",
)  # fmt: skip
Host = Annotated[
    str,
    typer.Option(
        "--host",
        envvar="ICTC_HOST",
        metavar="ADDRESS",
        help="The address to listen on; one that other machines can reach needs --token.",
        rich_help_panel=_WHERE,
    ),
]
Port = Annotated[
    int,
    typer.Option(
        "--port", envvar="ICTC_PORT", min=0, max=65535, metavar="N", help="0: any free one.", rich_help_panel=_WHERE
    ),
]
Token = Annotated[
    str,
    typer.Option(
        "--token",
        envvar="ICTC_TOKEN",
        metavar="TEXT",
        help="A token of your own, better by ICTC_TOKEN (other people of this machine can read commands); by default "
        "a new random one.",
        show_default=False,
        rich_help_panel=_WHERE,
    ),
]
Open = Annotated[
    bool, typer.Option("--open", envvar="ICTC_OPEN_BROWSER", help="Open it in the browser.", rich_help_panel=_WHERE)
]


@with_models(describes=True, names=False, only=_MEANS)
def serve(
    run: o.Run,
    given: Given,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    token: Token = "",
    open_: Open = False,
    json_output: o.Json = False,
) -> None:
    """RUN's page in the browser, live: rename, merge, split, drop, pin and add clusters, move images, reword the
    criterion, ask for another K, undo, accept. What a change would ask and cost is said before it is made.

    It listens to this machine alone, and opens with the address that it prints. Limits such as --max-cost are for all
    that is done until it ends. Ctrl-C ends it.
    """
    from ictc.serving.actions import By
    from ictc.serving.server import Server

    by = By(run, given.means, given.meter())
    server = Server(by, host, port, token, say, lambda: heard(say))
    if json_output:
        print_json({"run": str(run), "url": server.url(), "port": server.port})
    else:
        show_line(server.url())
        say("Ctrl-C ends it. Whoever has this address can see and change the run.")
    if server.open_to_all:
        say("Other machines can reach it, and what is sent is not encrypted: better forward the port by ssh -L.")
    if open_:
        webbrowser.open(server.url(server.site.keys.ticket()))
    try:
        server.serve()
    except KeyboardInterrupt as e:
        if stopped := server.site.jobs.stopped:
            say(f"\nStopped: {stopped.title}. What was answered is kept; to go on:\n  {stopped.again}")
        elif not isinstance(e, Terminated):
            say("\nEnded.")
            return
        raise typer.Exit(exit_code_of(e)) from None
