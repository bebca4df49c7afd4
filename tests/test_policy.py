"""The policy: every number has bounds, every fault is named, and the version hangs on the values alone."""

from pathlib import Path

import pytest

from docs.render_policy import PAGE, policy_page
from hemsil.policy_diff import read_policy
from ml.errors import PolicyError
from ml.policy import Policy
from ml.policy_changes import changed_keys
from ml.policy_models import Model
from ml.policy_sections import Section
from ml.training_config import TrainingConfig
from resources.platform import Platform
from resources.settings import Settings

POLICY_FILE = Path(__file__).parent.parent / "policy.toml"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[caps]\nmesages_per_week = 2", "[caps] mesages_per_week: no such key; is messages_per_week meant?"),
        ("[limits]\na = 1", "limits: no such key; there are quality, training, model, promotion,"),
        ("[caps]\noffers_per_message = 0", "[caps] offers_per_message = 0: must be a whole number, 1 or more, 1,000 or less"),
        ("[value]\nfatigue_cost = -1", "[value] fatigue_cost = -1: must be a number, 0 or more, 1,000,000 or less"),
        ("[value.contact_cost]\npost = -0.5", "[value.contact_cost] post = -0.5: must be a number, 0 or more"),
        ("[chance]\ncontrol_share = 1.2", "[chance] control_share = 1.2: must be a number, 0 or more, less than 1"),
        ("[caps]\nmessages_per_week = 2.5", "[caps] messages_per_week = 2.5: must be a whole number"),
        ("[caps]\nmessages_per_week = true", "[caps] messages_per_week = True: must be a whole number"),
        ("[value]\ndefault_margin = inf", "[value] default_margin = inf: must be a number"),
        ("[relevance]\nkeep_responders = nan", "[relevance] keep_responders = nan: must be a number, more than 0, 1 or less"),
        ('[consent]\nassume = "all"', "[consent] assume = 'all': must be one of refuse, audience"),
        ("[declared.days]\ngender = 0", "[declared.days] gender = 0: must be a whole number, 1 or more, 36,500 or less"),
        ("[source.garage.caps]\nmessages_per_week = 1", "[source.garage]: no such source; there are complete-journey,"),
        ("[source.simulated.caps]\nmessages_per_week = 0", "[source.simulated.caps] messages_per_week = 0: must be"),
        ("[not_for_me.days]\nshop = 30", "[not_for_me.days] shop: no such key; there are offer, product, subcategory, category, department, brand"),
        ("[not_for_me.days]\nbrands = 30", "[not_for_me.days] brands: no such key; is brand meant?"),
        ("caps = 3", "policy.toml: caps = 3: must be a table of keys, as messages_per_week"),
        ("[declared]\ndays = 3", "[declared] days = 3: must be a table of keys"),
        ("[source]\nsimulated = 3", "[source.simulated] = 3: must be a table of keys"),
        ("source = 3", "source must be a table of tables"),
        ("[source.simulated]\ncaps = 3", "[source.simulated] caps = 3: must be a table of keys"),
        ('[channels]\norder = ["email", "fax"]', "[channels] order = ['email', 'fax']: must be a list of email, sms, push, post, phone, store, each at most once"),
        ('[channels]\norder = ["sms", "sms"]', "[channels] order = ['sms', 'sms']: must be a list of email,"),
        ("[channels]\norder = []", "[channels] order = []: must be a list of email,"),
        ('[sensitive]\ncategories = "wine"', "[sensitive] categories = 'wine': must be a list of texts"),
        ('[declared]\nseveral = [""]', "[declared] several = ['']: must be a list of texts, none of them empty"),
        ("[chance]\ncontrol_share = 1.0", "[chance] control_share = 1.0: must be a number, 0 or more, less than 1"),
        ("[chance]\nexploration_share = 1", "[chance] exploration_share = 1: must be a number, 0 or more, less than 1"),
        ("[caps", "policy.toml is not valid TOML"),
        ("[caps]\noffers_per_night = 3\n# more\noffers_per_night = 4", "[caps] offers_per_night is given twice, the second time in line 4"),
        ("[sensitive]\ncategories = []\ncategories = [\n  'wine',\n]\n[caps]", "[sensitive] categories is given twice, the second time in line 3"),
        ("[caps]\n[value]\n[caps]", "Cannot declare ('caps',) twice (at line 3"),
        ("[sure_buyers]\noften = 9\nalways = 6", "policy.toml: [sure_buyers] often = 9, always = 6: always must be more than often"),
        ("[sure_buyers]\noften = 6", "[sure_buyers] often = 6, always = 6: always must be more than often"),
        ("[source.folder.sure_buyers]\nalways = 3", "[source.folder.sure_buyers] often = 3, always = 3: always must be"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_key_and_what_it_may_be(text: str, fault: str) -> None:
    with pytest.raises(PolicyError) as error:
        Policy.parse(text)
    assert fault in str(error.value)


def test_keys_that_must_fit_each_other_are_judged_as_they_will_be_used() -> None:
    text = "[sure_buyers]\nalways = 12\n[source.folder.sure_buyers]\noften = 9"
    assert Policy.parse(text, "folder").sure_buyers.often == 9


def test_a_byte_order_mark_before_the_file_is_no_fault() -> None:
    assert Policy.parse("\ufeff[caps]\nmessages_per_week = 2").caps.messages_per_week == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_a_file_in_another_encoding_is_named_with_what_to_do(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes('[sensitive]\ncategories = ["ØL"]'.encode(encoding))
    platform = Platform(Settings(home=tmp_path / "home", policy=file))
    with pytest.raises(PolicyError, match=r"^the policy policy\.toml is not UTF-8 text: save it as UTF-8$"):
        assert platform.policy
    with pytest.raises(PolicyError, match=r"^the policy .*/policy\.toml is not UTF-8 text: save it as UTF-8$"):
        read_policy(file, "folder")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"^the policy .*/policy\.toml cannot be read: No such file or directory$"):
        read_policy(tmp_path / "policy.toml", "folder")


def test_all_faults_of_a_file_are_told_at_once() -> None:
    with pytest.raises(PolicyError) as error:
        Policy.parse("[caps]\nmessages_per_week = 0\nfoo = 1\n[chance]\nseed = -1")
    assert all(key in str(error.value) for key in ("messages_per_week", "foo", "seed"))


def test_a_fault_is_told_once() -> None:
    with pytest.raises(PolicyError) as error:
        Policy.parse('[channels]\norder = ["fax", "telex", "pigeon"]')
    assert str(error.value).count("order") == 1


def test_no_limit_may_be_zero() -> None:
    for name in Policy().caps.model_fields_set | set(type(Policy().caps).model_fields):
        with pytest.raises(PolicyError):
            Policy.parse(f"[caps]\n{name} = 0")


def test_a_source_may_have_its_own_numbers_and_others_do_not_see_them() -> None:
    text = '[consent]\nmin_age = 16\n[source.complete-journey.consent]\nassume = "audience"'
    own, others = Policy.parse(text, source="complete-journey"), Policy.parse(text, source="folder")
    assert (own.consent.assume, own.consent.min_age) == ("audience", 16)
    assert (others.consent.assume, others.consent.min_age) == ("refuse", 16)


def test_the_version_hangs_on_the_values_not_on_how_they_are_written() -> None:
    assert Policy.parse("").version == Policy.parse("# a comment\n[caps]\nmessages_per_week = 3").version
    assert Policy.parse("").version != Policy.parse("[caps]\nmessages_per_week = 4").version


def test_what_another_policy_changes_is_told_key_by_key() -> None:
    old = Policy.parse("[declared.days]\nchildren = 365\nsize = 90")
    new = Policy.parse("[caps]\nmessages_per_week = 2\n[declared.days]\nchildren = 180\nsize = 90")
    assert [(c.key, c.old, c.new) for c in changed_keys(old, new)] == [
        ("[declared.days] children", "365", "180"),
        ("[caps] messages_per_week", "3", "2"),
    ]
    assert changed_keys(new, new) == []


def test_the_policy_cannot_be_changed_after_reading() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Policy().caps.messages_per_week = 9  # type: ignore[misc]


def test_the_policy_of_the_checkout_reads_and_only_the_complete_journey_takes_audiences_as_consenting() -> None:
    text = POLICY_FILE.read_text()
    assumed = {
        source: Policy.parse(text, source).consent.assume for source in ("complete-journey", "simulated", "folder")
    }
    assert assumed == {"complete-journey": "audience", "simulated": "refuse", "folder": "refuse"}


def test_every_key_has_a_sentence() -> None:
    def sentences(section: type[Section]) -> list[tuple[str, str]]:
        found = []
        for name, field in section.model_fields.items():
            found.append((f"{section.__name__}.{name}", field.description or ""))
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                found += sentences(field.annotation)
        return found

    assert [key for key, sentence in sentences(Policy) if not sentence.endswith(".")] == []


def test_the_page_of_the_policy_is_up_to_date() -> None:
    assert PAGE.read_text() == policy_page(), "run: python -m docs.render_policy"


def test_every_number_that_training_may_be_given_is_in_the_policy_with_the_same_default() -> None:
    elsewhere = {
        "least_mailings",
        "least_answers",
        "keep_responders",
        "threads",
        "seed",
    }  # other sections, and a setting
    training = {name: value for name, value in vars(TrainingConfig()).items() if name not in elsewhere}
    assert Model().model_dump() == training
