"""The Typer application: the group's own options, and every command registered once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from ictc.cli import config
from ictc.cli.commands import (
    analyze,
    bench,
    classify,
    cluster,
    compare,
    data,
    diff,
    doctor,
    embed,
    export,
    imports,
    maps,
    prompts,
    refine,
    report,
    run,
    score,
    serve,
    show,
    steps,
    train,
    update,
)
from ictc.cli.console import fail, guarded, print_json
from ictc.cli.ending import wants_json
from ictc.errors import IctcError
from ictc.text import printable


class _Group(TyperGroup):
    """With --json, options that cannot be understood give one JSON object too."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for command in self.commands.values():
            for parameter in command.params:
                if getattr(parameter, "multiple", False):  # a criterion has spaces: only lines part several
                    parameter.split_envvar_value = lambda text: text.splitlines()  # type: ignore[method-assign,assignment]

    def invoke(self, ctx: Any) -> Any:
        as_json = wants_json(ctx.args)
        try:
            return super().invoke(ctx)
        except IctcError as e:
            fail(e, as_json or self._file_says_json(ctx))
        except TyperException as e:
            e.message = printable(e.message)
            if getattr(e, "option_name", "") == "--config":
                e.message += " It stands before the command: ictc --config FILE run ..."
            if as_json or self._file_says_json(ctx):
                hint = "The same command with --help instead of --json shows what it takes."
                print_json({"error": e.format_message(), "hint": hint, "exit": e.exit_code})
            raise

    @staticmethod
    def _file_says_json(ctx: Any) -> bool:
        """Whether `json = true` stands in ictc.toml for the command that was called."""
        named = (ctx.default_map or {}).get(ctx.invoked_subcommand or "", {})
        return bool(named.get("json_output"))


app = typer.Typer(
    cls=_Group,
    name="ictc",
    help="Cluster images by a criterion in words, name every cluster, and steer by rewriting the criterion.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

COMMANDS: dict[str, Callable[..., None]] = {
    "run": run.run,
    "cluster": cluster.cluster,
    "classify": classify.classify,
    "update": update.update,
    "compare": compare.compare,
    "bench": bench.bench,
    "step1": steps.step1,
    "step2a": steps.step2a,
    "step2b": steps.step2b,
    "step3": steps.step3,
    "score": score.score,
    "report": report.report,
    "serve": serve.serve,
    "show": show.show,
    "refine": refine.refine,
    "diff": diff.diff,
    "map": maps.map_,
    "analyze": analyze.analyze,
    "export": export.export,
    "undo": export.undo,
    "import": imports.import_original,
    "doctor": doctor.doctor,
    "embed images": embed.images,
    "embed import": embed.import_,
    "train captioner": train.captioner,
    "train classifier": train.classifier,
    "train compress": train.compress,
    "train lit": train.lit,
    "train simclr": train.simclr,
    "train byol": train.byol,
    "train map": train.map_,
    "data list": data.list_,
    "data prepare": data.prepare,
    "prompts show": prompts.show,
    "prompts copy": prompts.copy,
}
"""By what one types; two words are a command of a group."""

_groups = {
    "embed": typer.Typer(
        cls=embed.EmbedGroup, help="Vectors of images: made, kept, written, brought in.", no_args_is_help=True
    ),
    "train": typer.Typer(
        help="Train what embeds or describes: into a folder that is used as trained:FOLDER.", no_args_is_help=True
    ),
    "data": typer.Typer(
        help="The papers' data sets: listed, and prepared for `ictc run` and `ictc bench`.", no_args_is_help=True
    ),
    "prompts": typer.Typer(help="See and change what models are told.", no_args_is_help=True),
}
for _name, _group in _groups.items():
    app.add_typer(_group, name=_name)
for _name, _command in COMMANDS.items():
    *_of, _last = _name.split()
    (_groups[_of[0]] if _of else app).command(_last)(guarded(_command))


def flat(group: Any) -> dict[str, Any]:
    """The commands of a group by what one types, those of groups in it included."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        more = {f"{name} {n}": c for n, c in flat(command).items()} if hasattr(command, "commands") else {name: command}
        found |= more
    return found


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ictc {version('ictc')}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", envvar="ICTC_CONFIG", metavar="FILE", help="Options by file; by default ./ictc.toml."),
    ] = None,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Cluster images by a criterion in words, name every cluster, and steer by rewriting the criterion."""
    commands = flat(ctx.command)
    known = {name: config.keys_of(command.params) for name, command in commands.items()}
    defaults = config.default_map(config_file, known)
    config.as_lists(defaults, {n: [p.name for p in c.params if p.multiple] for n, c in commands.items()})
    for name in [n for n in defaults if " " in n]:
        group, command = name.split()
        defaults.setdefault(group, {})[command] = defaults.pop(name)
    ctx.default_map = defaults
