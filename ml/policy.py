"""The policy: what a marketer may change without a programmer, read from the text of policy.toml. The sections with their
bounds are in policy_sections.py and its like. Reading the file itself is left to the caller.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, Literal, get_args, get_origin

from pydantic import Field, ValidationError

from ml.drift import DriftLimits
from ml.errors import PolicyError
from ml.policy_habits import SureBuyers, contradictions
from ml.policy_models import Model, Monitoring, Promotion, Training
from ml.policy_operations import Publishing, Retention
from ml.policy_sections import (
    Caps,
    Chance,
    Channels,
    Confidence,
    Consent,
    Declared,
    NotForMe,
    PriceTier,
    Purchases,
    Quality,
    Reach,
    Relevance,
    Section,
    Sensitive,
    Value,
)  # fmt: skip
from ml.policy_text import not_toml
from ml.soundness import Soundness

SOURCES = ("complete-journey", "simulated", "folder", "database")  # the kinds of source that may have their own numbers


class Policy(Section):
    """The whole policy; every section may be left out and then has its defaults."""

    quality: Quality = Field(Quality(), description="When the club's tables are too poor to decide from.")
    training: Training = Field(Training(), description="When a model may be trained.")
    model: Model = Field(Model(), description="How the model is trained.")
    promotion: Promotion = Field(Promotion(), description="When a model may go live.")
    relevance: Relevance = Field(Relevance(), description="How relevant a mailing must be.")
    consent: Consent = Field(Consent(), description="Who may be contacted at all.")
    declared: Declared = Field(Declared(), description="How long declared facts are believed.")
    not_for_me: NotForMe = Field(NotForMe(), description='How far and how long a "not for me" reaches.')
    purchases: Purchases = Field(Purchases(), description="What purchases say of needs.")
    price_tier: PriceTier = Field(PriceTier(), description="How far from the member's own price level.")
    confidence: Confidence = Field(Confidence(), description="When too little is known of a member.")
    value: Value = Field(Value(), description="What a message costs and earns.")
    sure_buyers: SureBuyers = Field(
        SureBuyers(), description="Who buys a thing so often that a discount may be wasted."
    )
    caps: Caps = Field(Caps(), description="How much a member may be sent.")
    channels: Channels = Field(Channels(), description="Which channel is used.")
    chance: Chance = Field(Chance(), description="Where chance decides.")
    soundness: Soundness = Field(Soundness(), description="When scores are not fit to decide by.")
    drift: DriftLimits = Field(DriftLimits(), description="How far a night may be from those before.")
    monitoring: Monitoring = Field(Monitoring(), description="When a new model is asked for out of turn.")
    sensitive: Sensitive = Field(Sensitive(), description="What is never named.")
    publishing: Publishing = Field(Publishing(), description="When a batch is too unlike the nights before.")
    retention: Retention = Field(Retention(), description="How long what is known of members is kept.")
    reach: Reach = Field(Reach(), description="When a campaign is suspiciously wide.")

    @classmethod
    def parse(cls, text: str, source: str = "") -> "Policy":
        """The policy of a file's text; what stands under `[source.<source>]` replaces the same keys above it.

        Raises PolicyError with every fault of the file, those in the parts for other sources included.

        >>> Policy.parse("[caps]\\nmessages_per_week = 2").caps.messages_per_week
        2
        """
        text = text.removeprefix("\ufeff")  # the byte order mark that some editors write
        try:
            written = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PolicyError(f"policy.toml is not valid TOML: {not_toml(text, error)}") from None
        own = written.pop("source", {})
        faults = list(_faults(written))
        if not isinstance(own, dict):
            raise PolicyError(f"policy.toml: source must be a table of tables, as [source.{SOURCES[0]}.consent]")
        for name, part in own.items():
            if name not in SOURCES:
                faults.append(f"[source.{name}]: no such source; there are {', '.join(SOURCES)}")
            else:
                faults += _faults(part, f"source.{name}")
        if not faults:  # keys that must fit each other are looked at where each may be what it is
            faults += contradictions(cls.model_validate(written).sure_buyers)
            for name in [name for name, part in own.items() if "sure_buyers" in part] if not faults else ():
                laid = cls.model_validate(_laid_over(written, own[name]))
                faults += contradictions(laid.sure_buyers, f"source.{name}.")
        if faults:
            raise PolicyError("policy.toml: " + "; ".join(faults))
        return cls.model_validate(_laid_over(written, own.get(source, {})))

    @property
    def version(self) -> str:
        """Twelve characters of the sha256 of every value: the same for the same policy, however it is written."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with the values of `above` in their place, table by table."""
    merged = dict(below)
    for key, value in above.items():
        merged[key] = _laid_over(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged


def _faults(written: object, prefix: str = "") -> Iterator[str]:
    """Each fault as "[section] key = value: what it must be", one a key."""
    try:
        Policy.model_validate(written)
    except ValidationError as error:
        yield from dict.fromkeys(_fault(fault, written, prefix) for fault in error.errors())


def _fault(fault: Mapping[str, Any], written: object, prefix: str) -> str:
    unknown = fault["type"] == "extra_forbidden" or fault["loc"][-1:] == ("[key]",)
    # A place within a list is told as the list.
    path = [str(step) for step in takewhile(lambda step: isinstance(step, str) and step != "[key]", fault["loc"])]
    place = _place(path, prefix)
    if unknown:
        return f"{place}: no such key; {_nearest(path)}"
    for step in path:
        written = written[step] if isinstance(written, Mapping) else written
    value = "" if isinstance(written, Mapping) else f" = {written!r}"
    return f"{place}{value}: {_required(path, fault['msg'])}"


def _place(path: Sequence[str], prefix: str) -> str:
    """ "[caps] messages_per_week"; "[source.simulated]" for a whole table."""
    *sections, key = (prefix, *path) if prefix else path
    section = ".".join(sections)
    return f"[{section}] {key}" if section and path else f"[{prefix}]" if prefix else key


def _nearest(path: Sequence[str]) -> str:
    """The keys there are beside an unknown one, or the one it was probably meant to be."""
    annotation, _ = _definition(path[:-1])
    known = _keys(annotation)
    near = get_close_matches(path[-1], known, n=1, cutoff=0.7)
    return f"is {near[0]} meant?" if near else f"there are {', '.join(known)}"


def _keys(annotation: Any) -> list[str]:
    """The keys a table may have; none where it is open."""
    if get_origin(annotation) is dict:
        return [str(word) for word in get_args(get_args(annotation)[0])]
    return list(annotation.model_fields)


def _definition(path: Sequence[str]) -> tuple[Any, Sequence[Any]]:
    """(type, bounds) of a key as the sections define it. Raises KeyError where there is no such key."""
    annotation: Any = Policy
    metadata: Sequence[Any] = ()
    for step in path:
        if get_origin(annotation) is dict:  # an open table, such as [declared.days]: the type of its values
            annotation, *metadata = get_args(get_args(annotation)[1])
        else:
            found = annotation.model_fields[step]
            annotation, metadata = found.annotation, found.metadata
    return annotation, metadata


def _required(path: Sequence[str], otherwise: str) -> str:
    """The type and range a key must have, from its definition; `otherwise` where that has no range to tell."""
    annotation, metadata = _definition(path)
    if get_origin(annotation) is dict or (isinstance(annotation, type) and issubclass(annotation, Section)):
        keys = _keys(annotation)
        return f"must be a table of keys, as {', '.join(keys[:3])}" if keys else "must be a table of keys"
    if get_origin(annotation) is Literal:
        return "must be one of " + ", ".join(get_args(annotation))
    if get_origin(annotation) is tuple:
        item = get_args(annotation)[0]
        if get_origin(item) is Literal:
            return f"must be a list of {', '.join(get_args(item))}, each at most once"
        return "must be a list of texts, none of them empty"
    if annotation not in _TYPE:
        return otherwise
    rules = [rule for m in metadata for rule in getattr(m, "metadata", [m])]
    limits = [
        words.format(v)
        for rule in rules
        for name, words in _LIMIT.items()
        if (v := getattr(rule, name, None)) is not None
    ]
    return "must be " + ", ".join([_TYPE[annotation], *limits])


_TYPE: dict[Any, str] = {int: "a whole number", float: "a number"}
_LIMIT = {"ge": "{:,} or more", "gt": "more than {:,}", "le": "{:,} or less", "lt": "less than {:,}"}
