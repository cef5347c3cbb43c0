"""Consent strings of the IAB's framework: read whole or not at all, and never as more than was given."""

import importlib.util
import string as letters
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tailored.book.consent import TCF_ITEMS
from tailored.book.load import check_book
from tailored.book.model import Tcf
from tailored.book.version import book_version
from tailored.consent import LONGEST, add_to, from_tcf
from tailored.engine.engine import Engine

needs_the_extra = pytest.mark.skipif(
    importlib.util.find_spec("iab_tcf") is None,
    reason="iab-tcf is not installed (pip install 'tailored[consent]'; it needs a C compiler)",
)
EVERYTHING = {"consents": {str(item): [item] for item in TCF_ITEMS}}
SAMPLES = {
    # made with the IAB's own encoder, @iabtcf/core 1.5.6
    "CQuMEMAQuMEMAAfAHAENAwEgAAAAAAAAABpwAAAAAAAA.YAAAAAAAAAAA": [],
    "CQuMEMAQuMEMAAfAHAENAwEgAIAAAAAAABpwAAAAAAAA.YAAAAAAAAAAA": [1],
    "CQuMEMAQuMEMAAfAHAENAwEsAP_gAAAAABpwAGP_wAAAAAAA.YAAAAAAAAAAA": [*range(1, 12), "1", "2"],
    "CQuMEMAQuMEMAAfAHAENAwEoALAAAAAAABpwAEkCAAAAAAAA.YAAAAAAAAAAA": [1, 3, 4, "1"],
    "CQuMEMAQuMEMAAfAHAENAwEgAEPAAAPAABpwAAAADcAA.YAAAAAAAAAAA": [2, 7, 8, 9, 10],
    "CQuMEMAQuMEMAAfAHAENAwEkAKAAAAAAABpwAAAAAAAA.eAAAAAAAAAAA": [1, 3, "2"],
    "CQuMEMAQuMEMAAfAHAENAwEgAAAAAAPAABpwAAAADcAA.YAAAAAAAAAAA": [],  # legitimate interests only
    "CQuMEMAQuMEMAAfAHAENAwEoAAAgAAAAABpwADPwAAAAAAAA.YAAAAAAAAAAA": [11, "1"],
    # samples that the IAB and its packages publish
    "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA": [1, 2, 3],
    "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAA"
    "GBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw": [1, 2, 3],
    "CO5VTlWO5VTlWH1AAAENAwCwAIAAAAAAAIAAAAoAAAAA.YAAAAAAAAAA": [1],
    "COrVd1pOrVd1pACABCENAHCAAAAAAAAAAAiQAAAAAAAA": [],
}
"""Strings, each with the purposes (numbers) and special features (texts) that it consents to."""


def given_by(string: object) -> list[int | str]:
    found = from_tcf(string, EVERYTHING)
    assert found["opt_outs"] == []
    assert list(found["consents"]) == list(EVERYTHING["consents"])
    yes = [name for name, value in found["consents"].items() if value is True]
    return [int(name) if name.isdecimal() else name.removeprefix("special feature ") for name in yes]


def encoded(*fields: tuple[int, int]) -> str:
    """Numbers of so many bits as a segment of a string, filled up to whole bytes like the IAB's encoder."""
    bits = "".join(f"{number:0{size}b}" for number, size in fields)
    bits += "0" * (-len(bits) % 24)
    digits = letters.ascii_uppercase + letters.ascii_lowercase + letters.digits + "-_"
    return "".join(digits[int(bits[place : place + 6], 2)] for place in range(0, len(bits), 6))


def core(purposes: int = 0, features: int = 0, *vendors: tuple[int, int], version: int = 2) -> str:
    head = [(version, 6), (0, 36), (0, 36), (31, 12), (7, 12), (0, 6), (0, 12), (48, 12), (4, 6), (0, 2)]
    ends = vendors or ((0, 16), (0, 1), (0, 16), (0, 1), (0, 12))
    return encoded(*head, (features, 12), (purposes, 24), (0, 24), (0, 1), (0, 12), *ends)


@needs_the_extra
@pytest.mark.parametrize("string", SAMPLES)
def test_a_string_consents_to_exactly_what_it_says(string):
    assert given_by(string) == SAMPLES[string]


@needs_the_extra
@given(st.integers(0, 2**24 - 1), st.integers(0, 2**12 - 1))
def test_every_combination_of_purposes_and_features_is_read(purposes, features):
    wanted = [number for number in range(1, 12) if purposes >> (24 - number) & 1]
    assert given_by(core(purposes, features)) == [
        *wanted,
        *(str(number) for number in (1, 2) if features >> (12 - number) & 1),
    ]


@needs_the_extra
@pytest.mark.parametrize("string", [string.partition(".")[0] for string in SAMPLES])
def test_a_string_that_was_cut_consents_to_nothing(string):
    whole = given_by(string)
    padding = len(string) - len(string.rstrip("A"))
    for length in range(len(string)):
        # zeros at the end may be there only to fill up a byte; without them nothing is missing
        allowed = ([], whole) if len(string) - length <= padding else ([],)
        assert given_by(string[:length]) in allowed
    assert given_by(string[:36]) == []


WHOLE = "CQuMEMAQuMEMAAfAHAENAwEoALAAAAAAABpwAEkCAAAAAAAA"


@needs_the_extra
@pytest.mark.parametrize(
    "broken",
    [
        WHOLE + ".Z",
        *(WHOLE + ".YAAAAAAAAAAA"[:length] for length in range(1, 12)),
        WHOLE + "." + WHOLE,
        WHOLE + ".YAAAAAAAAAAA" * 2,
        WHOLE + "A" * 20,
        WHOLE + ".YAAAAAAAAAAB",
    ],
)
def test_a_broken_segment_is_no_consent(broken):
    assert given_by(WHOLE) == given_by(WHOLE + ".YAAAAAAAAAAA") == [1, 3, 4, "1"]
    assert given_by(broken) == []


FULL = (1 << 24) - 1
MALFORMED = {
    "nothing": "",
    "spaces": " " * 60,
    "another alphabet": core(FULL).replace("A", "+"),
    "padding": core(FULL) + "=",
    "a line break": core(FULL) + "\n",
    "white space before": " " + core(FULL),
    "signs beyond ASCII": core(FULL) + "é",
    "a lone surrogate": core(FULL) + "\udc80",
    "full-width digits": core(FULL) + "１",
    "an empty segment": core(FULL) + ".",
    "no core": ".YAAAAAAAAAAA",
    "version 1": core(FULL, version=1),
    "version 3": core(FULL, version=3),
    "a real string of version 1": "BOEFEAyOEFEAyAHABDENAIgAAAB9vABAASA",
    "more vendors than bits": core(FULL, 0, (65535, 16), (0, 1)),
    "more interests than bits": core(FULL, 0, (0, 16), (0, 1), (65535, 16), (0, 1)),
    "more ranges than bits": core(FULL, 0, (9, 16), (1, 1), (4095, 12)),
    "more restrictions than bits": core(FULL, 0, (0, 16), (0, 1), (0, 16), (0, 1), (4095, 12)),
    "restrictions with more ranges than bits": core(
        FULL, 0, (0, 16), (0, 1), (0, 16), (0, 1), (1, 12), (1, 6), (0, 2), (4095, 12)
    ),
    "a lonely digit at the end": core(FULL) + "A",
    "more than anything that makes sense": core(FULL) + "A" * LONGEST,
    "not a text but bytes": core(FULL).encode(),
    "not a text but nothing": None,
    "not a text but a number": 2,
    "not a text but a list": [core(FULL)],
    "words": "consent to everything, please",
    "what a server may send": "null",
}


@needs_the_extra
@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_string_is_no_consent_and_opts_out_of_everything(what):
    assert given_by(core(FULL)) == list(range(1, 12))
    mapping = {"consents": {"health": [1], "ads": [2, 3]}, "opt_outs": {"recommendations": [4], "ads": [1]}}
    assert from_tcf(MALFORMED[what], mapping) == {
        "consents": {"health": False, "ads": False},
        "opt_outs": ["recommendations", "ads"],
    }


@pytest.mark.no_cover
@needs_the_extra
@given(st.text() | st.binary() | st.none() | st.text("ABCwxyz019-_.", min_size=36, max_size=90))
@example("C" + "_" * 400)
@settings(deadline=None)
def test_nothing_raises_and_nothing_but_booleans_comes_out(string):
    given_by(string)


@needs_the_extra
@given(st.sampled_from(list(SAMPLES)), st.data())
@settings(deadline=None)
def test_a_mutated_string_raises_nothing_and_consents_to_no_more_than_its_bits_say(string, data):
    place = data.draw(st.integers(0, len(string) - 1))
    sign = data.draw(st.sampled_from([*"ABZaz09-_.=+/ ", "", "AA"]))
    mutated = string[:place] + sign + string[place + 1 :]
    before, after = given_by(string), given_by(mutated)
    # what people were asked stands in the digits 23 to 29; elsewhere one digit for another can only spoil it
    if len(sign) == 1 and (place < 23 or place > 29):
        assert after in ([], before)


@needs_the_extra
def test_a_flag_needs_all_its_purposes_and_one_that_is_missing_is_an_opt_out():
    mapping = Tcf({"a": (1, 3), "b": (1, 2)}, {"c": (3, 4), "d": (1, 4), "e": (2,)})
    string = "CQuMEMAQuMEMAAfAHAENAwEoALAAAAAAABpwAEkCAAAAAAAA.YAAAAAAAAAAA"  # 1, 3 and 4
    assert from_tcf(string, mapping) == {"consents": {"a": True, "b": False}, "opt_outs": ["e"]}


@needs_the_extra
def test_a_name_that_needs_nothing_is_never_given():
    whole = core(FULL)
    assert from_tcf(whole, Tcf({"a": ()}, {"b": ()})) == {"consents": {"a": False}, "opt_outs": ["b"]}
    assert from_tcf(whole, Tcf()) == from_tcf(whole, {}) == {"consents": {}, "opt_outs": []}


@pytest.mark.parametrize(
    "mapping",
    [
        {"consent": {"a": [1]}},
        {"consents": {"a": []}},
        {"consents": {"a": [12]}},
        {"consents": {"a": [0]}},
        {"consents": {"a": [True]}},
        {"consents": {"a": "1"}},
        {"consents": {"a": 1}},
        {"consents": ["a"]},
        {"opt_outs": {"a": ["special feature 3"]}},
        {"opt_outs": {"a": [[1]]}},
        3,
        None,
    ],
)
def test_a_mapping_that_is_none_is_a_value_error(mapping):
    with pytest.raises(ValueError, match="TCF purposes"):
        from_tcf(core(), mapping)


def test_without_the_extra_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "iab_tcf", None)
    with pytest.raises(ImportError, match=r"pip install 'tailored\[consent\]'"):
        from_tcf("", {"consents": {"a": [1]}})


def test_what_was_given_is_added_to_a_user_and_takes_no_opt_out_away():
    given = {"consents": {"health": False, "ads": True}, "opt_outs": ["ads", "mail"]}
    user = {"id": "u", "consents": {"health": True, "finance": True}, "opt_outs": ["mail", "greetings"]}
    assert add_to(user, given) == {
        "id": "u",
        "consents": {"health": False, "finance": True, "ads": True},
        "opt_outs": ["mail", "greetings", "ads"],
    }
    assert add_to({}, given) == given
    assert user["opt_outs"] == ["mail", "greetings"]


@pytest.mark.parametrize("unreadable", ["personalization", 3, {"ads": True}, b"x"])
def test_opt_outs_that_cannot_be_read_stay_so_and_consents_that_are_none_are_replaced(unreadable):
    given = {"consents": {"health": True}, "opt_outs": []}
    assert add_to({"opt_outs": unreadable, "consents": unreadable}, given)["opt_outs"] is unreadable
    assert add_to({"consents": "yes"}, given)["consents"] == {"health": True}


BOOK = """\
attributes: {user: {ills: {type: list of strings, topic: health}}}
purposes: {recommendations: {description: Tips}}
slots: {hero: {default: plain}, list: {many: 1}}
content: {plain: {title: P}, knee: {title: K, topic: health}, tip: {title: T, purpose: recommendations}}
rules:
  ill: {when: {ills: knee}, show: {hero: knee}}
  tips: {when: always, show: {list: tip}}
"""
CONSENT = "consent: {tcf: {consents: {health: [1, 3]}, opt_outs: {recommendations: [4, special feature 1]}}}"


def read(consent: str):
    return check_book({"book.yaml": BOOK.encode(), "consent.yaml": consent.encode()})


def test_a_book_holds_the_mapping():
    book, report = read(CONSENT)
    assert report.errors == 0, report.to_text()
    assert book.tcf == Tcf({"health": (1, 3)}, {"recommendations": (4, "special feature 1")})
    assert read("")[0].tcf == Tcf()
    assert book_version(book) != book_version(read("")[0])


@needs_the_extra
def test_a_string_opens_and_closes_what_the_book_maps():
    engine = Engine(read(CONSENT)[0])

    def shown(string: str) -> list[object]:
        user = add_to({"ills": ["knee"]}, from_tcf(string, engine.book.tcf))
        decision = engine.evaluate(user, {})
        return [decision["hero"].content, len(decision["list"].items)]

    assert shown("CQuMEMAQuMEMAAfAHAENAwEoALAAAAAAABpwAEkCAAAAAAAA.YAAAAAAAAAAA") == ["knee", 1]
    assert shown("CQuMEMAQuMEMAAfAHAENAwEkAKAAAAAAABpwAAAAAAAA.eAAAAAAAAAAA") == ["knee", 0]
    assert shown("COrVd1pOrVd1pACABCENAHCAAAAAAAAAAAiQAAAAAAAA") == ["plain", 0]
    assert shown("") == ["plain", 0]


@pytest.mark.parametrize(
    "consent, code, hint",
    [
        ("{tcff: {}}", "unknown-key", "tcf"),
        ("{tcf: {consent: {health: [1]}}}", "unknown-key", "consents"),
        ("{tcf: {consents: {helth: [1]}}}", "unknown-flag", "Did you mean `health`?"),
        ("{tcf: {opt_outs: {recomendations: [1]}}}", "unknown-purpose", "Did you mean `recommendations`?"),
        ("{tcf: {consents: {health: [12]}}}", "unknown-value", "Purposes are 1 to 11"),
        ("{tcf: {consents: {health: [01]}}}", "unknown-value", "Purposes are 1 to 11"),
        ("{tcf: {consents: {health: []}}}", "empty-list", "Name at least one"),
        ("{tcf: {consents: [health]}}", "wrong-kind", "consents: {"),
        ("{tcf: [1]}", "wrong-kind", "tcf: {"),
    ],
)
def test_a_mapping_with_a_slip_is_a_finding(consent, code, hint):
    (finding,) = [one for one in read(f"consent: {consent}")[1].diagnostics if one.severity == "error"]
    assert finding.code == code
    assert hint in finding.hint


@pytest.mark.parametrize("topics", ["{health: {consent: never}}", "{health: {sensitive: false, because: x}}"])
def test_a_flag_that_opens_nothing_cannot_be_mapped(topics):
    report = read(f"{CONSENT}\ntopics: {topics}")[1]
    assert "unknown-flag" in [finding.code for finding in report.diagnostics]
