"""`doorstep passphrase`."""

import sys

import typer

from bot.commands.shared import refuse


def passphrase() -> None:
    """Prints the hash of a passphrase, for [server] passphrase. Whoever reads that cannot come in with it.

    It asks for the words in a terminal; elsewhere they are the first line that comes in.
    """
    from bot.passphrase import hashed

    if sys.stdin.isatty():
        given: str = typer.prompt("The passphrase", hide_input=True, confirmation_prompt="Again", err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        refuse("no passphrase came in: give this command in a terminal, or the words on a line")
    typer.echo(hashed(given))
