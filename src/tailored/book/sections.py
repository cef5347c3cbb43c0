"""The sections of a book and the keys of their bodies, each with the sentence that editors and help show."""

from __future__ import annotations

NOT_ABOUT = "Topics that it does not speak of, whatever its words suggest"
ALLOW = "Findings of the prover that are fine here, each with the reason"
ATTRIBUTE = {
    "type": "What it holds",
    "values": "The values that it may have; an author is held to them, the world is not",
    "path": "Where nested data holds it, such as address.city",
    "personal": "Whether it tells something about a person",
    "topic": "The sensitive topic that it speaks of; it is missing without consent for that",
    "purpose": "What it is used for; it is missing for those who opted out of that",
    "not_about": NOT_ABOUT,
    "description": "What it is, in words",
}
TOPIC = {
    "description": "What it is, in words",
    "consent": "The flag in user.consents that opens it; its own name unless given; `never` if nobody asks",
    "sensitive": "Whether it needs consent; false only together with `because`",
    "because": "Why it is not sensitive here; the privacy report shows it",
    "words": "Words, or beginnings of words, that speak of it; the validator looks for them",
}
PURPOSE = {
    "description": "What people opt out of, in words",
    "honours": "Signals that count as opting out of it: gpc",
}
CONSENT = {
    "tcf": "What consent strings of the IAB's Transparency and Consent Framework mean",
}
TCF = {
    "consents": "The TCF purposes that each flag of user.consents needs; all of them",
    "opt_outs": "The TCF purposes that each purpose needs; without one of them it is opted out of",
}
SLOT = {
    "default": "What is placed where no rule places anything",
    "many": "How many items it holds",
    "fill": "Whether the default also fills up what rules left free",
    "order": "The modules whose order it decides",
    "description": "Where it is, in words",
    "allow": ALLOW,
}
SLOT_FINDINGS = {"slot-may-be-empty": "It can end up with nothing in it"}
SETTING = {
    "type": "What it holds",
    "default": "Its value where no rule sets it",
    "values": "The values that it may have",
    "description": "What it does, in words",
}
CONTENT = {
    "type": "The kind of content",
    "topic": "The sensitive topic that it speaks of; it is not placed without consent for that",
    "purpose": "What it is for; it is not placed for those who opted out of that",
    "tags": "Words to find it by",
    "description": "What it is, in words",
    "owner": "Who looks after it",
    "format": "html (values are escaped), or text",
    "not_about": NOT_ABOUT,
}
"""The words of the language in a content item; every other key is a field."""
SEGMENT = {
    "description": "Who is in it, in words",
    "when": "The condition to be in it",
    "topic": "The sensitive topic that it speaks of; membership is unknown without consent for that",
    "not_about": NOT_ABOUT,
    "owner": "Who looks after it",
    "allow": ALLOW,
}
SEGMENT_FINDINGS = {
    "segment-always": "Everybody is in it",
    "segment-never": "Nobody can be in it",
    "segment-equal": "Another segment is the same",
}
RULE = {
    "description": "What it does, in words",
    "owner": "Who looks after it",
    "hypothesis": "Why it should help",
    "because": "Why people see this, told to them: you recently looked at hiking boots",
    "when": "The condition under which it fires, or always",
    "show": "What it places, by slot",
    "hide": "The slots that it empties",
    "order": "What comes first, by slot",
    "set": "The values it sets, by setting",
    "priority": "From 0 to 1000; the higher wins; 100 unless given",
    "from": "When it wakes up; a date is midnight UTC",
    "until": "When it falls asleep for good; not included",
    "review": "When to look at it again",
    "topic": "The sensitive topic that it speaks of; it is withheld without consent for that",
    "purpose": "What it is for; it is withheld from those who opted out of that",
    "not_about": NOT_ABOUT,
    "allow": ALLOW,
}
RULE_FINDINGS = {
    "never-fires": "Nothing makes it fire",
    "never-wins": "Others always come before it",
    "ambiguous": "Only its place in the book decides between it and another",
}
SECTIONS = {
    "attributes": "Everything that rules may read of the user and the context",
    "topics": "Sensitive topics and the consent that each needs",
    "purposes": "What data and rules are used for, so that people may opt out of it",
    "consent": "What consent given elsewhere means for flags and opt-outs",
    "slots": "The places in the product that a decision fills",
    "settings": "Values that the application reads",
    "content": "What can be placed",
    "segments": "Conditions with a name",
    "rules": "Who sees what",
}
