"""`doorstep passphrase`."""

import typer


def passphrase() -> None:
    """Prints the hash of a passphrase, for [server] passphrase. Whoever reads that cannot come in with it."""
    from bot.passphrase import hashed

    given: str = typer.prompt("The passphrase", hide_input=True, confirmation_prompt="Again", err=True)
    typer.echo(hashed(given))
