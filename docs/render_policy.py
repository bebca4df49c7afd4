"""Writes docs/policy.md: every key of policy.toml with its default, what it may be, and what it does.

python -m docs.render_policy
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from ml.policy import SOURCES, Policy
from ml.policy_sections import Section

PAGE = Path(__file__).parent / "policy.md"

BEGINNING = f"""# The policy

`policy.toml` is what a marketer may change without a programmer. Every key may be left out and then has the default below. A key that
does not exist or a value out of its range stops the night with one error that names them all. No limit may be 0: "0" never means "no limit".

Numbers for one kind of source alone stand under `[source.<name>]` ({", ".join(SOURCES)}) and replace those above:

```toml
[caps]
messages_per_week = 3

[source.simulated.caps]
messages_per_week = 5
```

The digest of all values is the policy's version, and is kept with every decision.
"""


def policy_page() -> str:
    """The page's text."""
    return "\n".join([BEGINNING, *_sections(Policy(), "")])


def _sections(section: Section, name: str) -> Iterator[str]:
    fields = type(section).model_fields
    plain = [key for key in fields if not isinstance(getattr(section, key), Section)]
    if plain:
        rows = (
            f"| `{k}` | {_value(getattr(section, k))} | {_range(fields[k])} | {fields[k].description} |" for k in plain
        )
        yield (
            f"## [{name}]\n\n{type(section).__doc__}\n\n| key | default | may be | meaning |\n|---|---|---|---|\n"
            + "\n".join(rows)
            + "\n"
        )
    for key in fields:
        inner = getattr(section, key)
        if isinstance(inner, Section):
            yield from _sections(inner, f"{name}.{key}".lstrip("."))


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value) or "none"
    return f"`{value}`" if value != {} else "none"


def _range(field: Any) -> str:
    if get_origin(field.annotation) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(field.annotation))
    if get_origin(field.annotation) is tuple:
        return "a list"
    if get_origin(field.annotation) is dict:
        return "a table of days, 1 to 36,500"
    bounds = {name: getattr(m, name) for m in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(m, name)}
    low = f"above {bounds['gt']:,}" if "gt" in bounds else f"{bounds['ge']:,}"
    whole = ", whole" if field.annotation is int else ""
    high = f"below {bounds['lt']:,}" if "lt" in bounds else f"{bounds['le']:,}"
    return f"{low} to {high}{whole}"


if __name__ == "__main__":
    PAGE.write_text(policy_page())
