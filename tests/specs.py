"""All specs of the rules, in the order of the reasons."""

from ml.reasons import Reason
from tests.specs_consent import SPECS_OF_CONSENT
from tests.specs_declared import SPECS_OF_DECLARATIONS
from tests.specs_limits import SPECS_OF_LIMITS
from tests.specs_rank import SPECS_OF_RANK
from tests.specs_relevance import SPECS_OF_RELEVANCE
from tests.specs_shopping import SPECS_OF_SHOPPING

_ORDER = list(Reason)
SPECS = tuple(
    sorted(
        (
            *SPECS_OF_CONSENT,
            *SPECS_OF_DECLARATIONS,
            *SPECS_OF_SHOPPING,
            *SPECS_OF_RELEVANCE,
            *SPECS_OF_LIMITS,
            *SPECS_OF_RANK,
        ),
        key=lambda spec: _ORDER.index(spec.code),
    )
)
