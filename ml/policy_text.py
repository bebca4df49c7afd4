"""What is wrong with a policy file that is not valid TOML, in words that name the key where the parser names only a place."""

import re
import tomllib

_PLACE = re.compile(r"\(at line (\d+)")
_KEY = re.compile(r"^\s*([\w.\"'-]+)\s*=")
_SECTION = re.compile(r"^\s*\[+\s*([^\[\]]+?)\s*\]")


def not_toml(text: str, error: tomllib.TOMLDecodeError) -> str:
    """The parser's words; of a key that is there twice, the key and the line of the second.

    >>> text = "[caps]\\noffers_per_night = 3\\noffers_per_night = 4"
    >>> try:
    ...     tomllib.loads(text)
    ... except tomllib.TOMLDecodeError as error:
    ...     not_toml(text, error)
    '[caps] offers_per_night is given twice, the second time in line 3'
    """
    place = _PLACE.search(str(error))
    if "Cannot overwrite a value" not in str(error):
        return str(error)
    lines = text.split("\n")
    until = int(place[1]) if place else len(lines)  # the parser may tell the end of a value of several lines
    for number in range(until, 0, -1):
        line = lines[number - 1]
        found = _KEY.match(line) or _SECTION.match(line)
        if found:
            section = next((s[1] for above in lines[number - 1 :: -1] if (s := _SECTION.match(above))), None)
            key = f"[{section}] {found[1]}" if section and found.re is _KEY else f"[{section}]" if section else found[1]
            return f"{key} is given twice, the second time in line {number}"
    return str(error)
