"""The text of a policy file as it lies on the disk. What may stand in it is ml/policy.py's."""

from pathlib import Path

from ml.errors import PolicyError


def policy_text(path: Path, called: str) -> str:
    """The file's text; `called` is how the error names it. Raises PolicyError where it cannot be read, or is saved in another
    encoding than UTF-8, as an editor's "Unicode" is, of which every other byte of a plain letter is nothing."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(f"the policy {called} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise PolicyError(f"the policy {called} is not UTF-8 text: save it as UTF-8")
    return text
