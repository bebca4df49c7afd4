"""Specs of the rules that law and consent give. Rendered into docs/suppression-rules.md."""

from ml.reasons import Reason
from tests.rule_world import Spec

SPECS_OF_CONSENT = (
    Spec(
        Reason.ERASED,
        "Who asked to be erased is sent nothing, not even service",
        erased=("anna",),
        given={
            "campaigns": """
                campaign_id | message_class
                spring      | marketing
                recall      | service""",
            "offers": """
                offer_id | campaign_id
                coffee   | spring
                recall   | recall""",
        },
        tonight="""
            member_id | offer_id | outcome | detail
            anna      | coffee   | ERASED  | You asked to be erased from our records.
            anna      | recall   | ERASED  | You asked to be erased from our records.
            bo        | coffee   | passes  | -
            bo        | recall   | passes  | -""",
    ),
    Spec(
        Reason.CONSENT_STALE,
        "Consents handed over too long before the night are trusted for nobody; service needs none",
        heard_before=25,
        given={
            "campaigns": """
                campaign_id | message_class
                spring      | marketing
                letters     | content
                recall      | service""",
            "offers": """
                offer_id | campaign_id
                coffee   | spring
                recipes  | letters
                recall   | recall""",
        },
        tonight="""
            member_id | offer_id | outcome       | detail
            anna      | coffee   | CONSENT_STALE | The consents we hold are too old to trust, so we write to nobody.
            anna      | recipes  | CONSENT_STALE | The consents we hold are too old to trust, so we write to nobody.
            anna      | recall   | passes        | -""",
    ),
    Spec(
        Reason.CONSENT_STALE,
        "At the policy's number of hours they are still fresh",
        policy="[consent]\nstale_after_hours = 36",
        heard_before=36,
        tonight="""
            member_id | offer_id | outcome
            anna      | coffee   | passes""",
    ),
    Spec(
        Reason.OBJECTED,
        "A consent withdrawn for all channels at once is an objection; a later consent lifts it where it reaches",
        given={"consents": """
            member_id | channel | granted | recorded_at
            anna      | all     | yes     | 2023-01-01
            anna      | all     | no      | 2024-02-20
            bo        | all     | no      | 2024-02-20
            bo        | email   | yes     | 2024-03-01
            carl      | email   | no      | 2024-02-20
            dina      | all     | yes     | 2024-02-20
            dina      | all     | no      | 2024-02-20"""},
        tonight="""
            member_id | offer_id | outcome  | detail
            anna      | coffee   | OBJECTED | You objected to marketing on 20 February.
            bo        | coffee   | passes   | -
            carl      | coffee   | passes   | -
            dina      | coffee   | OBJECTED | You objected to marketing on 20 February.""",
    ),
    Spec(
        Reason.OBJECTED,
        "Of two ids of one person the strictest reason holds for both, whatever the other says later; only that id's own consent lifts it",
        given={
            "members": """
                member_id | person_id
                anna      | p1
                anna-2    | p1
                bo        | p2
                bo-2      | p2
                carl      | p3
                dina      | -
                eva       | -""",
            "consents": """
                member_id | channel | granted | recorded_at
                anna      | all     | yes     | 2024-03-01
                anna-2    | all     | yes     | 2023-01-01
                anna-2    | all     | no      | 2024-02-20
                bo        | all     | yes     | 2023-01-01
                bo-2      | all     | yes     | 2023-01-01
                bo-2      | all     | no      | 2024-02-20
                bo-2      | all     | yes     | 2024-03-01
                carl      | all     | yes     | 2023-01-01
                dina      | all     | no      | 2024-02-20
                eva       | all     | yes     | 2023-01-01""",
        },
        tonight="""
            member_id | offer_id | outcome  | detail
            anna      | coffee   | OBJECTED | You objected to marketing on 20 February.
            anna-2    | coffee   | OBJECTED | You objected to marketing on 20 February.
            bo        | coffee   | passes   | -
            bo-2      | coffee   | passes   | -
            carl      | coffee   | passes   | -
            dina      | coffee   | OBJECTED | You objected to marketing on 20 February.
            eva       | coffee   | passes   | -""",
    ),
    Spec(
        Reason.OBJECTED,
        "Messages of service are no marketing",
        given={
            "campaigns": """
                campaign_id | message_class
                spring      | service""",
            "consents": """
                member_id | channel | granted | recorded_at
                anna      | all     | no      | 2024-02-20""",
        },
        tonight="""
            member_id | offer_id | outcome
            anna      | coffee   | passes""",
    ),
    Spec(
        Reason.COMPLAINED,
        "A complaint stops all marketing, until the member consents anew",
        given={
            "responses": """
                member_id | campaign_id | kind      | occurred_at
                anna      | spring      | complaint | 2024-03-11
                bo        | spring      | complaint | 2024-03-11""",
            "consents": """
                member_id | recorded_at
                anna      | 2023-01-01
                bo        | 2024-03-12""",
        },
        tonight="""
            member_id | offer_id | outcome    | detail
            anna      | coffee   | COMPLAINED | You reported a message of ours as unwanted on 11 March.
            bo        | coffee   | passes     | -""",
    ),
    Spec(
        Reason.NO_CONSENT,
        "Consent is needed on the channel; the later word counts, and a no wins over a yes of the same instant",
        given={"consents": """
            member_id | channel | granted | recorded_at
            anna      | all     | yes     | 2023-01-01
            bo        | sms     | yes     | 2023-01-01
            carl      | email   | yes     | 2023-01-01
            carl      | email   | no      | 2024-01-10
            dina      | email   | no      | 2024-01-10
            dina      | all     | yes     | 2024-02-01
            eva       | email   | no      | 2024-02-01
            eva       | all     | yes     | 2024-02-01"""},
        tonight="""
            member_id | offer_id | outcome    | detail
            anna      | coffee   | passes     | -
            bo        | coffee   | NO_CONSENT | You have not consented to marketing by e-mail.
            carl      | coffee   | NO_CONSENT | You withdrew your consent to marketing by e-mail on 10 January.
            dina      | coffee   | passes     | -
            eva       | coffee   | NO_CONSENT | You withdrew your consent to marketing by e-mail on 1 February.
            finn      | coffee   | NO_CONSENT | You have not consented to marketing by e-mail.""",
    ),
    Spec(
        Reason.NO_CONSENT,
        "Unsubscribing withdraws the consent on the channel that the message came by, on all when that is not known",
        given={
            "mailings": """
                member_id | campaign_id | channel | sent_at
                anna      | spring      | email   | 2024-03-11
                bo        | spring      | sms     | 2024-03-11""",
            "responses": """
                member_id | campaign_id | kind        | occurred_at
                anna      | spring      | unsubscribe | 2024-03-12
                bo        | spring      | unsubscribe | 2024-03-12
                carl      | spring      | unsubscribe | 2024-03-12""",
        },
        tonight="""
            member_id | offer_id | outcome    | detail
            anna      | coffee   | NO_CONSENT | You unsubscribed on 12 March.
            bo        | coffee   | passes     | -
            carl      | coffee   | NO_CONSENT | You unsubscribed on 12 March.""",
    ),
    Spec(
        Reason.NO_CONSENT,
        "Where the club records consents to profiling, marketing needs one; content does not",
        given={
            "campaigns": """
                campaign_id | message_class
                spring      | marketing
                letters     | content""",
            "offers": """
                offer_id | campaign_id | kind
                coffee   | spring      | discount
                recipes  | letters     | content""",
            "consents": """
                member_id | purpose   | granted | recorded_at
                anna      | marketing | yes     | 2023-01-01
                anna      | profiling | yes     | 2023-01-01
                bo        | marketing | yes     | 2023-01-01""",
        },
        tonight="""
            member_id | offer_id | outcome    | detail
            anna      | coffee   | passes     | -
            bo        | coffee   | NO_CONSENT | You have not consented to offers chosen by your purchases.
            bo        | recipes  | passes     | -""",
    ),
    Spec(
        Reason.UNDERAGE,
        "Of a year of birth the latest birthday counts: who may be 17 is treated as 17",
        given={
            "members": """
                member_id | birth_year
                anna      | 2005
                bo        | 2006
                carl      | -
                dina      | 1980""",
            "declared_facts": """
                member_id | fact       | value | declared_at
                dina      | birth_year | 2010  | 2023-05-01""",
        },
        tonight="""
            member_id | offer_id | outcome  | until
            anna      | coffee   | passes   | -
            bo        | coffee   | UNDERAGE | 2024-12-31
            carl      | coffee   | passes   | -
            dina      | coffee   | UNDERAGE | 2028-12-31""",
    ),
    Spec(
        Reason.UNDERAGE,
        "A club whose terms do not ask the age may write only to those whose year of birth is known",
        policy='[consent]\nunknown_age = "may_be_younger"',
        given={"members": """
            member_id | birth_year
            anna      | 2005
            carl      | -"""},
        tonight="""
            member_id | offer_id | outcome  | until
            anna      | coffee   | passes   | -
            carl      | coffee   | UNDERAGE | -""",
    ),
    Spec(
        Reason.CHANNEL_OPT_OUT,
        "A channel not wanted, or with at most 0 messages a week, is left alone, for service too",
        given={
            "campaigns": """
                campaign_id | message_class
                spring      | service""",
            "preferences": """
                member_id | channel | wanted | max_per_week | recorded_at
                anna      | email   | no     | -            | 2024-01-01
                bo        | all     | no     | -            | 2024-01-01
                carl      | all     | no     | -            | 2024-01-01
                carl      | email   | yes    | -            | 2024-02-01
                dina      | email   | yes    | 0            | 2024-01-01
                eva       | sms     | no     | -            | 2024-01-01""",
        },
        tonight="""
            member_id | offer_id | outcome         | detail
            anna      | coffee   | CHANNEL_OPT_OUT | You said on 1 January that you do not want messages by e-mail.
            bo        | coffee   | CHANNEL_OPT_OUT | You said on 1 January that you do not want messages by e-mail.
            carl      | coffee   | passes          | -
            dina      | coffee   | CHANNEL_OPT_OUT | You said on 1 January that you do not want messages by e-mail.
            eva       | coffee   | passes          | -""",
    ),
    Spec(
        Reason.CHANNEL_OPT_OUT,
        "A no to a channel stands until that channel is wanted again, whatever is said of messages at large",
        given={
            "campaigns": """
                campaign_id | message_class
                spring      | service""",
            "preferences": """
                member_id | channel | wanted | max_per_week | recorded_at
                anna      | email   | no     | -            | 2024-01-01
                anna      | all     | yes    | 1            | 2024-02-01
                bo        | email   | no     | -            | 2024-01-01
                bo        | email   | yes    | -            | 2024-02-01
                carl      | all     | no     | -            | 2024-01-01
                carl      | all     | yes    | -            | 2024-02-01
                dina      | email   | yes    | -            | 2024-02-01
                dina      | email   | no     | -            | 2024-02-01
                eva       | all     | yes    | -            | 2024-01-01
                eva       | email   | no     | -            | 2024-02-01""",
        },
        tonight="""
            member_id | offer_id | outcome         | detail
            anna      | coffee   | CHANNEL_OPT_OUT | You said on 1 January that you do not want messages by e-mail.
            bo        | coffee   | passes          | -
            carl      | coffee   | passes          | -
            dina      | coffee   | CHANNEL_OPT_OUT | You said on 1 February that you do not want messages by e-mail.
            eva       | coffee   | CHANNEL_OPT_OUT | You said on 1 February that you do not want messages by e-mail.""",
    ),
)  # fmt: skip
