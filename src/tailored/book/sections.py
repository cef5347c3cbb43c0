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
GUARANTEE = {
    "description": "What it protects, in words",
    "owner": "Who looks after it",
    "when": "For whom and where it must hold; for everyone unless given",
    "never": "What no decision may do",
    "always": "What every decision must do",
    "allow": ALLOW,
}
GUARANTEE_FINDINGS = {
    "guarantee-unproven": "Nobody can tell whether it holds",
    "guarantee-idle": "It speaks of nobody",
}
CLAIM = {
    "show": "A slot holds something; or, by slot, one of these",
    "show content tagged": "Some slot holds content with one of these tags",
    "set": "A setting has this value, or one of these",
    "hide": "A slot is hidden",
    "order": "These come first, by slot",
}
TEST = {
    "description": "What it is about, in words",
    "request": "A JSON file with a request to begin with; its path begins at the book's folder",
    "user": "What is known of the person, by attribute",
    "context": "What is known of the moment, by attribute",
    "now": "The moment; a date is midnight UTC; the clock's unless given",
    "consents": "The flags that the person said yes to",
    "each": "A test for each row of a table, or for every combination of columns",
    "expect": "What must come out, by slot and setting",
}
EXPECT = {
    "content": "The content that is placed; empty where nothing is",
    "items": "Exactly these, in this order",
    "order": "Exactly these modules, in this order",
    "first": "These come first, in this order",
    "without": "None of these is placed",
    "fields": "What fields of the content hold, once rendered",
    "hidden": "Whether a rule hides it",
    "default": "Whether no rule decided it",
    "rule": "The rule that decided it, hides it, or gave at least one of its items",
    "value": "The value",
}
"""The pieces of what a slot or a setting gets, which a test may expect."""
ITEM_ATTRIBUTE = {
    "type": "What it holds",
    "values": "The values that it may have",
    "column": "The column that holds it; its own name unless given",
    "description": "What it is, in words",
}
CATALOG = {
    "file": "The file of its items, from the book's folder: .yaml, .csv or .parquet",
    "sql": "The query whose rows are its items",
    "database": "The file of the database that `sql` asks: .sqlite, .db or .duckdb",
    "items": "Its items, written here, by id",
    "id": "The column that holds the ids; `id` unless given",
    "attributes": "What is known of an item; rules may ask about it",
    "fields": "What a decision shows of an item; texts are templates that may read `item.NAME`",
    "format": "html (values are escaped), or text",
    "refresh": "After how long its source is looked at again, such as `10 minutes`",
    "topic": "The sensitive topic that all its items speak of; they are not placed without consent for that",
    "purpose": "What its items are for; they are not placed for those who opted out of that",
    "not_about": NOT_ABOUT,
    "description": "What it is, in words",
    "owner": "Who looks after it",
}
SCORER = {
    "kind": "What kind of scorer it is",
    "features": "The attributes that it may read: user.NAME, context.NAME, and item.NAME",
    "timeout": "How long a page waits for it, such as `25 ms`",
    "fallback": "The scorer that is asked when it fails; the rule's own order where there is none",
    "topic": "The sensitive topic that it speaks of; it falls back without consent for that",
    "purpose": "What it is for; it falls back for those who opted out of that",
    "not_about": NOT_ABOUT,
    "description": "What it is, in words",
    "owner": "Who looks after it",
}
"""The keys of every scorer; those of its kind stand in `tailored.book.kinds`."""
RANKING = {
    "best of": "The content from which the first is shown",
    "top": "How many are shown",
    "of": "What is chosen from: `{catalog: ..., where: {...}}`, or a list of content",
    "by": "The scorer whose order counts",
    "explore": "The share of places for what lies outside the top, such as `20%`",
    "without": "Conditions on items that are left out",
    "at most": "How many may have something in common, such as `{2 per: brand}`",
    "pin": "What stands at a certain place, such as `[{id: trail-guide, at: 1}]`",
    "diversity": "How much it counts to be unlike what stands above, from 0 to 1",
}
OF = {"catalog": "The catalog whose items are chosen from", "where": "The condition that items must meet"}
EXPLORE = {
    "share": "The share of places, such as `20%`",
    "first": "Content or items that come first there",
    "by": "The scorer whose first come first there",
}
DIVERSITY = {
    "weight": "How much it counts, from 0 to 1",
    "over": "The attributes by which items are alike",
}
PIN = {"id": "The content or the item", "at": "Its place, from 1"}
OTHER_WORDS = {
    "when": ("if", "condition", "conditions", "where", "who", "for", "match", "audience"),
    "show": ("display", "place", "content", "then"),
    "hide": ("remove", "suppress", "exclude"),
    "order": ("sort", "reorder", "modules"),
    "set": ("settings", "setting", "values"),
    "priority": ("weight", "importance", "rank"),
    "from": ("start", "starts", "begin", "start date", "valid from"),
    "until": ("end", "ends", "to", "expires", "end date", "valid until"),
    "description": ("name", "title", "label", "comment", "note"),
    "owner": ("team", "author", "contact"),
    "values": ("enum", "options", "choices", "allowed", "one of"),
    "many": ("max", "size", "limit", "count", "length"),
    "default": ("fallback",),
    "personal": ("pii",),
}
"""The words from elsewhere that people write for a key of ours, where a body may have it."""
SECTIONS = {
    "attributes": "Everything that rules may read of the user and the context",
    "topics": "Sensitive topics and the consent that each needs",
    "purposes": "What data and rules are used for, so that people may opt out of it",
    "consent": "What consent given elsewhere means for flags and opt-outs",
    "slots": "The places in the product that a decision fills",
    "settings": "Values that the application reads",
    "content": "What can be placed",
    "catalogs": "Where items come from, and what is known of them",
    "scorers": "What puts candidates in an order",
    "segments": "Conditions with a name",
    "rules": "Who sees what",
    "tests": "What must come out, for whom",
    "guarantees": "What must hold for everyone; `tailored prove` proves it",
}
