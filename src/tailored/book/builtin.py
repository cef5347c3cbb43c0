"""What exists in every book: attributes, sensitive topics, and the purpose `personalization`."""

from __future__ import annotations

from tailored.condition.tree import Attribute
from tailored.condition.types import Type

ATTRIBUTES = (
    Attribute("user", "id", Type.STRING, description="Who the user is"),
    Attribute("user", "opt_outs", Type.STRINGS, description="The purposes that the user has opted out of"),
    Attribute("context", "gpc", Type.BOOLEAN, description="The Sec-GPC signal of the browser"),
    Attribute("context", "request_id", Type.STRING, description="Names this request"),
)

TOPICS = {
    "health": "Body and mind: illness, injury, disability, pregnancy, medicine and care",
    "religion": "Religion and belief, and what is done or left out because of them",
    "politics": "Political opinion: parties, votes and causes",
    "ethnicity": "Ethnic origin, descent and skin colour",
    "union-membership": "Membership of a trade union",
    "sex-life": "Sex life, sexual orientation and gender identity",
    "genetics": "What genes tell: tests of them, and inherited conditions",
    "biometrics": "Bodies measured to recognise people: fingerprints, faces, voices",
    "finance": "Personal money: income, savings, debts and creditworthiness",
    "children": "Children: whether somebody has any, and what is known of them",
    "precise-location": "Where somebody is or lives, closer than the town",
    "criminal-record": "Crimes: suspicion, charges, sentences and prison",
}
"""The sensitive topics, each with its description; each needs the consent flag of its own name unless the
book says otherwise."""

PERSONALIZATION = "personalization"
PURPOSES = {PERSONALIZATION: "Everything that depends on who somebody is"}
GPC = "gpc"
SIGNALS = (GPC,)
"""What a purpose may honour as an opt-out: the Sec-GPC signal (https://www.w3.org/TR/gpc/), `context.gpc`."""

GUARANTEE = "no-sensitive-content-without-consent"
"""What holds in every book, and is proven each time."""

NEEDED_TO_ASK = ("user.id", "user.consents", "user.opt_outs")
"""What opting out of `personalization` leaves: who asks, and what they permit."""

READ_BY_THE_GUARD = ("user.opt_outs", "context.gpc")
"""What permits or forbids: it is read where every application sends it, whatever a book declares."""


def is_personal(attribute: Attribute) -> bool:
    """Whether opting out of `personalization` hides an attribute."""
    return attribute.side == "user" and attribute.key not in NEEDED_TO_ASK
