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

TOPICS = (
    "health",
    "religion",
    "politics",
    "ethnicity",
    "union-membership",
    "sex-life",
    "genetics",
    "biometrics",
    "finance",
    "children",
    "precise-location",
    "criminal-record",
)
"""The sensitive topics; each needs the consent flag of its own name unless the book says otherwise."""

PERSONALIZATION = "personalization"
PURPOSES = (PERSONALIZATION,)

NEEDED_TO_ASK = ("user.id", "user.consents", "user.opt_outs")
"""What opting out of `personalization` leaves: who asks, and what they permit."""


def is_personal(attribute: Attribute) -> bool:
    """Whether opting out of `personalization` hides an attribute."""
    return attribute.side == "user" and attribute.key not in NEEDED_TO_ASK
