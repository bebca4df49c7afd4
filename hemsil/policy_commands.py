"""Commands for the policy: `hemsil policy ...`. What a marketer may change is in policy.toml, and told in docs/policy.md."""

from pathlib import Path
from typing import Annotated

import typer

from hemsil.terminal import console
from resources.settings import read_settings

policy = typer.Typer(no_args_is_help=True, help="The policy: what a marketer may change.")


@policy.command("check")
def policy_check(
    file: Annotated[Path | None, typer.Argument(help="Policy file; empty: the one in use.")] = None,
) -> None:
    """Check a policy file and print its version."""
    from hemsil.policy_diff import read_policy
    from resources.platform import Platform

    settings = read_settings()
    path = file or settings.policy
    source = Platform(settings).source.name
    console.print(f"{path.name} is right; version {read_policy(path, source).version} (for {source})")


@policy.command("diff")
def policy_diff(
    old: Annotated[Path, typer.Argument(help="Policy file; with no other file, it is compared with the one in use.")],
    new: Annotated[Path | None, typer.Argument(help="The policy that would take its place.")] = None,
    night: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Night to decide again; empty: the last one there is.")
    ] = None,
) -> None:
    """Tell what another policy would change: which keys, and whom the last night would have reached. Nothing is written.

    With two files the first is the old one. With one file it is the new one, and the old is the one in use.

    Example: hemsil policy diff policy.toml
    """
    from hemsil.policy_diff import print_difference

    settings = read_settings()
    print_difference(settings, *((old, new) if new else (settings.policy, old)), night, console)


@policy.command("worth")
def policy_worth(
    file: Annotated[Path, typer.Argument(help="The other policy.")],
    night: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Night to judge by; empty: the first there is.")
    ] = None,
) -> None:
    """Tell what another policy would have earned on a past night, from its propensities, or why that cannot be known.

    Example: hemsil policy worth policy.toml
    """
    from hemsil.policy_worth import print_worth

    print_worth(read_settings(), file, night, console)
