"""Every exception that Hemsil raises on purpose, as one tree. Nothing but exceptions belongs here.

HemsilError
├── InputError                 what we were given is wrong: trying again changes nothing
│   ├── ContractError          a source table breaks the contract as a whole
│   ├── PolicyError            policy.toml has a wrong key or value
│   └── SettingsError          a HEMSIL_* variable or a command's argument is wrong
├── IntegrityError             what we stored is not what we wrote
│   ├── NotInLake              no such table for that business date
│   ├── DamagedTable           a file's bytes or columns differ from its manifest
│   └── DamagedModel           a model file's sha256 is not the recorded one
├── Refused                    a safety rule said no
│   ├── PublishRefused         the gate in front of the marts failed
│   ├── TooFewExamples         too few responses to train on (the night goes on by rules)
│   ├── LeakSuspected          a feature knows the answers (no model is trained, the champion stays)
│   ├── ModelOutlived          a model learned from members erased too long ago
│   ├── ChampionMoved          the champion is not the one that the decision was made about
│   └── NightIsRunning         another night holds the lock
└── OutsideWorldError          something we depend on is not there: trying again may help
    ├── DatabaseUnavailable    PostgreSQL cannot be started or reached
    ├── OutOfSpace             the data folder's disk is too full to begin
    ├── RegistryUnavailable    MLflow cannot be reached or has no such model
    └── SourceUnavailable      the club's own tables cannot be reached or read
"""


class HemsilError(Exception):
    """Root of all errors raised on purpose. `str(error)` is a sentence for the person at the terminal."""


class InputError(HemsilError):
    """What was given is wrong; the message names the table, column, key or argument."""


class ContractError(InputError):
    """A source table as a whole breaks the contract. The message names every table and column at fault."""


class PolicyError(InputError):
    """The policy has an unknown key or a value out of bounds. The message names the key."""


class SettingsError(InputError):
    """A setting or argument is wrong. The message names it and the values it may have."""


class IntegrityError(HemsilError):
    """Stored data is not what was written."""


class NotInLake(IntegrityError):
    """The lake has no complete table of that name and business date."""


class DamagedTable(IntegrityError):
    """A lake file differs from its manifest."""


class DamagedModel(IntegrityError):
    """A model file's sha256 differs from the one recorded at training."""


class Refused(HemsilError):
    """A safety rule said no. What stood before still stands."""


class PublishRefused(Refused):
    """The gate in front of the marts failed; the earlier batch stays current."""


class TooFewExamples(Refused):
    """Fewer examples or responses than the policy asks for before a model may be trained."""


class LeakSuspected(Refused):
    """A feature alone tells the answers better than an honest one can. The message names each such feature."""


class ChampionMoved(Refused):
    """Somebody else made another model champion meanwhile; nothing was changed."""


class ModelOutlived(Refused):
    """A model learned from members who have been erased longer ago than the policy lets it live."""


class NightIsRunning(Refused):
    """Another night holds the lock of this data folder."""


class OutsideWorldError(HemsilError):
    """Something outside is not available; trying again may help."""


class DatabaseUnavailable(OutsideWorldError):
    """PostgreSQL cannot be started or reached."""


class OutOfSpace(OutsideWorldError):
    """Too little room on the data folder's disk for a night; nothing has been begun."""


class RegistryUnavailable(OutsideWorldError):
    """MLflow cannot be reached, or has no such model."""


class EngineUnavailable(OutsideWorldError):
    """The engine that the settings name cannot be started: no pyspark, no Java, or no master at the address."""


class SourceUnavailable(OutsideWorldError):
    """The club's own tables cannot be reached or read."""
