"""The `pizhu` command. Each subcommand lives in its own module and is imported only when it is used."""

from __future__ import annotations

import pkgutil
from typing import Any

import click

COMMANDS = {
    "up": ("app.cli.up:up", "Start everything; Ctrl-C stops it."),
    "down": ("app.cli.up:down", "Stop what `up --detach` started."),
    "setup": ("app.cli.setup:setup", "Fetch and build what the packages do not bring: model, scripts, translations."),
    "doctor": ("app.cli.doctor:doctor", "Say what is missing and how to mend it."),
    "grade": ("app.cli.grade:grade", "Grade essays in files, without a server."),
    "evaluate": ("app.cli.evaluate:evaluate", "Measure marks against people's, on essays that have some."),
    "complexity": (
        "app.cli.complexity:complexity",
        "Say how complex texts are, and what is wrong in them.",
    ),
    "anchors": ("app.cli.anchors:anchors", "Name or choose the essays that are graded again daily."),
    "regrade": ("app.cli.regrade:regrade", "Grade an essay again, and say whether the grade is the same."),
    "route": ("app.cli.route:route", "Say which model an essay would go to and why; learn what decides that."),
    "cache": ("app.cli.cache:cache", "Measure whether questions in other words get right answers."),
    "prompts": ("app.cli.prompts:prompts", "Name, show, compare and shorten prompts."),
    "costs": ("app.cli.costs:costs", "Say what was spent on models, on what and for whom."),
    "simulate": ("app.cli.simulate:simulate", "Say what a month would cost, stage by stage, and how long essays wait."),
    "saving": ("app.cli.saving:saving", "Ask no model that is paid by the token, until that is over."),
    "advise": ("app.cli.advise:advise", "Say what to do next about costs, what it saves and what it risks."),
    "user": ("app.cli.people:user", "Create users."),
    "token": ("app.cli.people:token", "Create bearer tokens."),
    "budget": ("app.cli.budget:budget", "Say what models may cost in a day and a month."),
    "db": ("app.cli.db:db", "Migrate the database."),
}


class LazyGroup(click.Group):
    """A group whose help is quick because it imports no subcommand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = pkgutil.resolve_name(COMMANDS[cmd_name][0])
        return command

    def invoke(self, ctx: click.Context) -> Any:
        from settings import WrongSettings  # here, so that the help is quick

        try:
            return super().invoke(ctx)
        except WrongSettings as error:
            raise click.ClickException(str(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Pizhu 批注 grades essays. Settings are PIZHU_* environment variables; settings.py names them all."""
