"""The model registry: who is champion, who was, and who is tried beside it, noted in MLflow. Which model deserves to be champion is
decided in ml/promotion.py; how models go in and come out is in model_store.py.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from types import EllipsisType
from typing import Any

from ml.errors import ChampionMoved, ModelOutlived, SettingsError
from resources.database import reaching_alone
from resources.model_store import ModelStore
from resources.registered import (
    BUSINESS_DATE,
    CHALLENGER,
    CHAMPION,
    CLUB,
    ERASED_SINCE,
    NAME,
    PINNED,
    PROMOTED,
    ROLLED_BACK,
    SHADOW,
    SHADOW_SINCE,
    TOOK_PLACE_OF,
    Candidate,
    Registered,
)

__all__ = [
    "BUSINESS_DATE",
    "CHALLENGER",
    "CHAMPION",
    "CLUB",
    "ERASED_SINCE",
    "NAME",
    "PINNED",
    "PROMOTED",
    "ROLLED_BACK",
    "SHADOW",
    "SHADOW_SINCE",
    "TOOK_PLACE_OF",
    "Candidate",
    "Registered",
    "Registry",
]


class Registry(ModelStore):
    """The models of one club, of which at most one is champion. Whoever moves the champion holds a lock of PostgreSQL meanwhile."""

    def promote(
        self, version: str, business_date: str, reason: str, instead_of: str | EllipsisType | None = ...
    ) -> bool:
        """Note that a version is good enough, and make it champion unless that one was trained for a later date or is pinned.

        instead_of  the champion that the decision was made about (None: there was none; ...: whichever there is)
        Returns whether it is champion now. Raises RegistryUnavailable, and ChampionMoved where another is champion.
        """
        self._refuse_outlived(version)
        self.note(version, {PROMOTED: "true", "decision": reason})
        with self._one_at_a_time():
            before = self.alias(CHAMPION)
            if instead_of is not ... and before != instead_of:
                raise ChampionMoved(
                    f"version {version} was compared with version {instead_of}, and version {before} is champion now: "
                    "it is not promoted"
                )
            with self._reaching("promote a model"):
                client = self._client()
                if self.pinned() or (
                    before and self._leads(client.get_model_version(NAME, before).tags, business_date)
                ):
                    return False
                self._crown(client, version, before)
        return True

    def _leads(self, tags: Mapping[str, str], business_date: str) -> bool:
        """Is this champion the own club's, and trained for a later date."""
        return tags.get(CLUB) == self.club and tags[BUSINESS_DATE] > business_date

    def rollback(self, version: str | None, who: str, why: str) -> tuple[str, str]:
        """Make an earlier version champion again and pin it, so that no night undoes it: (champion before, champion now).

        version  None: the one that the champion took the place of
        Raises SettingsError for a version that was never found good enough, DamagedModel, RegistryUnavailable.
        """
        with self._one_at_a_time():
            before = self.alias(CHAMPION)
            if before is None:
                raise SettingsError("there is no champion, so there is nothing to roll back")
            to = version or self.tags(before).get(TOOK_PLACE_OF)
            if not to:
                raise SettingsError(f"version {before} was the first champion: name the version to go back to")
            if to == before:
                raise SettingsError(f"version {to} is the champion already")
            self._refuse_unfit(to)
            self._refuse_outlived(to)
            self.load(to)  # every byte as it was trained, before anything is changed
            with self._reaching("roll back a model"):
                client = self._client()
                self._crown(client, to, before)
                pin = {"version": to, "instead_of": before, "who": who, "why": why}
                client.set_registered_model_tag(NAME, PINNED, json.dumps(pin))
                client.set_model_version_tag(NAME, before, ROLLED_BACK, f"by {who}: {why}"[:5000])
        return before, to

    def pinned(self) -> dict[str, str]:
        """Who pinned which version and why; empty where the nights choose the champion."""
        with self._reaching("read the registry"):
            found = self._client().search_registered_models(f"name = '{NAME}'")
        told = found[0].tags.get(PINNED) if found else None
        return dict(json.loads(told)) if told else {}

    def release(self) -> dict[str, str]:
        """Let the nights choose the champion again; gives what was pinned, empty where nothing was."""
        with self._one_at_a_time():
            held = self.pinned()
            if held:
                with self._reaching("release the champion"):
                    self._client().delete_registered_model_tag(NAME, PINNED)
        return held

    def _refuse_unfit(self, version: str) -> None:
        with self._reaching("read a model"):
            found = self._client().search_model_versions(f"name = '{NAME}'")
        fit = sorted(int(v.version) for v in found if v.tags.get(PROMOTED) == "true" and v.tags.get(CLUB) == self.club)
        if not version.isdigit() or int(version) not in fit:
            raise SettingsError(
                f"version {version} was never found good enough to be champion; there are "
                + (", ".join(map(str, fit)) or "none")
            )

    def trained_with(self, dates: Collection[str], erased_on: date) -> int:
        """Note on every version trained for one of the business dates that it learned from a member erased since; gives how
        many there are. The first such day stays."""
        with self._reaching("read a model"):
            found = self._client().search_model_versions(f"name = '{NAME}'")
        own = [v for v in found if v.tags.get(CLUB) == self.club and v.tags.get(BUSINESS_DATE) in dates]
        for version in own:
            if ERASED_SINCE not in version.tags:
                self.note(str(version.version), {ERASED_SINCE: erased_on.isoformat()})
        return len(own)

    def _refuse_outlived(self, version: str) -> None:
        since = self.tags(version).get(ERASED_SINCE)
        if since and date.fromisoformat(since) + timedelta(days=self.erased_model_days) < datetime.now(UTC).date():
            raise ModelOutlived(
                f"version {version} learned from members who have been erased since {since}, more than"
                f" {self.erased_model_days} days ago (retention.erased_model_days): train a new one"
            )

    @staticmethod
    def _crown(client: Any, version: str, before: str | None) -> None:
        if before and before != version:
            client.set_model_version_tag(NAME, version, TOOK_PLACE_OF, before)
        client.set_registered_model_alias(NAME, CHAMPION, version)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Nobody else moves the champion meanwhile, whichever process or machine they are on: MLflow's own aliases belong
        to whoever writes last. Given back when the transaction ends, also by a process that is killed."""
        with reaching_alone(self.lock, "hemsil.champion"):
            yield

    def usable(self, business_date: str) -> Registered | None:
        """The model a night may use: the champion, or, where that was trained for a later date, the newest version found
        good enough that was not. None when there is none. Raises RegistryUnavailable, DamagedModel."""
        version = self.alias(CHAMPION)
        if version is None:
            return None
        with self._reaching("search the registry"):
            client = self._client()
            champion = client.get_model_version(NAME, version).tags
            if champion.get(CLUB) != self.club or champion[BUSINESS_DATE] > business_date:
                good = client.search_model_versions(f"name = '{NAME}' and tags.{PROMOTED} = 'true'")
                own = [v for v in good if v.tags.get(CLUB) == self.club and ROLLED_BACK not in v.tags]
                earlier = [v for v in own if v.tags[BUSINESS_DATE] <= business_date]
                if not earlier:
                    return None
                version = max(earlier, key=lambda v: (v.tags[BUSINESS_DATE], int(v.version))).version
        return self.load(str(version))

    def shadow(self, version: str | None, since: str = "") -> None:
        """Let a version score beside the champion from a business date on; None: let nobody."""
        with self._reaching("name a shadow"):
            client = self._client()
            if version is None:
                client.delete_registered_model_alias(NAME, SHADOW)
            else:
                client.set_model_version_tag(NAME, version, SHADOW_SINCE, since)
                client.set_registered_model_alias(NAME, SHADOW, version)
