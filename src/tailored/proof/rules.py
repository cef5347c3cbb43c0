"""The checks of rules: which never fire, which never win, which win by their place in the book alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tailored.book.model import Rule, RuleBook
from tailored.condition.english import joined
from tailored.proof.course import Course, filling_of, is_other, room_for
from tailored.proof.outcomes import Filling, Offer, Target, candidates, differ, gives, offers_of
from tailored.proof.proof import Proof
from tailored.proof.reader import Reader, Ungated
from tailored.proof.replay import slot_answer
from tailored.proof.search import Search
from tailored.proof.shrink import smaller
from tailored.proof.solving import Answer, Happens, Solver
from tailored.proof.symbols import Formula, Request, every, no, some
from tailored.proof.words import contradiction, core_of, parts_of, shown, whom
from tailored.report.outcome import Finding

MOST_NAMED = 20
"""How many rules the sentence of one finding names at most; its `others` are all of them."""
_Others = dict[str, tuple[Target, Request]]
Met = dict[str, _Others]
"""By the later rule, the earlier rules of the same priority that it can meet, each with where and when."""


def check_rules(proof: Proof) -> Iterator[Finding]:
    """`never-fires`, `never-wins` and `ambiguous`, in resolution order."""
    unsure: set[str] = set()
    met: Met = {}
    courses = [Course(proof, target) for target in proof.targets]
    for course in courses:
        _ask_hiding(course, unsure)
        _ask_offering(course, unsure, met)
    for rule in proof.book.rules:
        proof.progress(1)
        if rule.id not in proof.winners:
            yield from _never(proof, rule, courses, rule.id in unsure)
        for others in _by_allowance(proof, met.get(rule.id, {})):
            finding = _ambiguous(proof, rule, others)
            yield from [] if finding is None else [finding]


def _by_allowance(proof: Proof, others: _Others) -> Iterator[_Others]:
    """Rules that another meets: those that say why it does not matter, and those that do not."""
    for allowed in (True, False):
        if part := {name: met for name, met in others.items() if (name in proof.allowing) is allowed}:
            yield part


def _ask_hiding(course: Course, unsure: set[str]) -> None:
    """Asks in resolution order which rules can be the first to hide a slot."""
    proof, hiding = course.proof, course.target.hiding
    for at, rule in enumerate(hiding):
        if rule.id in proof.winners:
            continue
        wins = _decides(course, rule)
        if course.search.ask([at], course.search.before(at), wins).undecided:
            reader = proof.alone(hiding[: at + 1])
            solver = Solver(reader.symbols)
            for other in hiding[:at]:
                solver.add(no(reader.usable(other)))
            usable = solver.literal(reader.usable(rule))
            if solver.ask([usable], wins, proof.about(rule)).undecided:
                unsure.add(rule.id)


def _decides(course: Course, rule: Rule) -> Happens:
    """Whether a rule decides a slot or a setting, or a part of one."""
    proof, name = course.proof, course.target.id

    def happens(request: Request) -> bool:
        if any(one is rule for one in proof.replay(request).usable):
            proof.see(request)
        return (name, rule.id) in proof.winning

    return happens


def _ask_offering(course: Course, unsure: set[str], met: Met) -> None:
    """Asks in resolution order who can win, and who of the same priority can come second."""
    proof, target = course.proof, course.target
    for rule in target.offering:
        proof.progress(1)
        if (target.id, rule.id) not in proof.winning:
            wins = _decides(course, rule)
            answer = course.found([rule], wins)
            if answer.undecided and rule.id not in proof.winners:
                answer = course.solver.ask([course.wins(rule)], wins, proof.about(rule))
                if answer.undecided:
                    unsure.add(rule.id)
            if answer.never:
                continue
        if request := proof.winning.get((target.id, rule.id)):
            _note(course, rule, request, met)
        left: list[Rule] = []
        for other in course.rivals(rule):
            if not (_is_seen(proof, rule) and _is_seen(proof, other)):
                proof.undecided.add(("ambiguous", other.id))
            elif rule.id not in met.get(other.id, {}):
                answer = course.found([rule, other], _order_matters(proof, target, rule, other))
                if answer.witness is not None:
                    _note(course, rule, answer.witness, met)
                elif answer.undecided:
                    left.append(other)
        _ask_the_rest(course, rule, left, met)


def _is_seen(proof: Proof, rule: Rule) -> bool:
    """Whether a rule with a `logic:` was seen to be used: of others it is no matter here."""
    return rule.id not in proof.opaque or not _used(proof, rule).undecided


def _used(proof: Proof, rule: Rule) -> Answer:
    """Whether a rule can be used."""

    def fires(request: Request) -> bool:
        return rule.id in {one.id for one in proof.replay(request).usable}

    if rule.id not in proof.fired:
        answer = Search([proof.clauses.of(rule)], proof.symbols.moment).ask([0], 0, fires)
        if answer.undecided:
            reader = proof.alone([rule])
            solver = Solver(reader.symbols)
            answer = solver.ask([solver.literal(reader.usable(rule))], fires, proof.about(rule))
        proof.fired[rule.id] = answer
    return proof.fired[rule.id]


def _ask_the_rest(course: Course, rule: Rule, others: Sequence[Rule], met: Met) -> None:
    """Asks the solver which of some rules a rule can meet: about all at once, until none of them is left."""
    proof, target = course.proof, course.target

    def left() -> list[Rule]:
        return [other for other in others if rule.id not in met.get(other.id, {})]

    def some_meets(request: Request) -> bool:
        return any(_order_matters(proof, target, rule, other)(request) for other in asked)

    while (asked := left()) and course.filling is None:
        one_of = course.solver.literal(some([course.gives(other) for other in asked]))
        answer = course.solver.ask([course.wins(rule), one_of], some_meets, proof.about(rule, *asked))
        if answer.never:
            return
        if answer.witness is None:
            break
        _note(course, rule, answer.witness, met)
    for other in left():
        if rule.id not in met.get(other.id, {}):
            witness = _asked(course, rule, other)
            if witness is not None:
                _note(course, rule, witness, met)


def _asked(course: Course, rule: Rule, other: Rule) -> Request | None:
    """A request with which it matters which of two rules comes first, from the solver."""
    proof, solver = course.proof, course.solver
    matters = _order_matters(proof, course.target, rule, other)
    both, about = [course.wins(rule), course.gives(other)], proof.about(rule, other)
    answer = solver.ask(both, matters, about)
    if answer.undecided and course.filling is not None:
        change = solver.literal(_change(course.filling, course.offers(rule), course.offers(other)))
        answer = solver.ask([*both, change], matters, about)
    if answer.undecided:
        proof.undecided.add(("ambiguous", other.id))
    return answer.witness


def _note(course: Course, rule: Rule, request: Request, met: Met) -> None:
    """Notes every rule of the same priority that a rule meets with a request, as one tells of many."""
    proof, target = course.proof, course.target
    place = target.places[rule.id]
    for other in proof.replay(request).usable:
        if other.priority != rule.priority or target.places.get(other.id, 0) <= place:
            continue
        known = met.setdefault(other.id, {})
        if rule.id in known or not is_other(proof, target, rule, other):
            continue
        if _order_matters(proof, target, rule, other)(request):
            known[rule.id] = target, request


def _change(filling: Filling, first: Sequence[Offer], second: Sequence[Offer]) -> Formula:
    """That the order of two rules' offers changes what a `many` slot holds."""
    ways = []
    for offers in ([*first, *second], [*second, *first]):
        way = filling.with_places()
        for offer in offers:
            way.add(offer)
        ways.append(way)
    return differ(*ways)


def _order_matters(proof: Proof, target: Target, rule: Rule, other: Rule) -> Happens:
    """Whether both rules are usable, and a target's answer hangs on which of the two comes first."""

    def happens(request: Request) -> bool:
        replayed = proof.replay(request)
        if not {rule.id, other.id} <= {one.id for one in replayed.usable}:
            return False
        if target.kind == "setting" or target.id in rule.rank or target.id in other.rank:
            return rule.id in replayed.named(target.id)
        rest = [one for one in replayed.usable if one.id != other.id]
        place = [one.id for one in rest].index(rule.id)
        orders = ([*rest[: place + 1], other, *rest[place + 1 :]], [*rest[:place], other, *rest[place:]])
        answers = [slot_answer(proof.book, target.id, order, replayed.facts.permissions) for order in orders]
        return bool(answers[0] != answers[1])

    return happens


def _ambiguous(proof: Proof, rule: Rule, others: _Others) -> Finding | None:
    first, (target, witness) = next(iter(others.items()))
    other = target.offering[target.places[first]]
    matters = _order_matters(proof, target, other, rule)
    witness = smaller(witness, matters)
    if not proof.replay.confirmed(witness, [target.id]):
        proof.undecided.add(("ambiguous", rule.id))
        return None
    said = [f"`{name}`" for name in [*others][:MOST_NAMED]]
    more = len(others) - len(said)
    names = joined([f"`{rule.id}`", *said, *([f"{more} more"] if more else [])])
    many = len(others) > 1
    who = whom(witness, proof.replay, rule, other)
    message = (
        f"{names} have the same priority ({rule.priority}) and can meet in `{target.id}`: "
        f"{'both match' if not many else f'it and `{first}` match'} when {who}; "
        f"`{first}` wins, as it stands first in the book."
    )
    hint = 'Give one a higher `priority`, or say why it does not matter: `allow: {ambiguous: "..."}`.'
    about = {"rule": rule.id, "others": list(others), target.what: target.id, "witness": witness.to_dict()}
    return Finding("ambiguous", "warning", message, hint, rule.span, shown(witness), about)


def _never(proof: Proof, rule: Rule, courses: Sequence[Course], unsure: bool) -> Iterator[Finding]:
    """The finding about a rule that was not seen to win anywhere."""

    def fires(request: Request) -> bool:
        return rule.id in {one.id for one in proof.replay(request).usable}

    answer = _used(proof, rule)
    if answer.never:
        message, hint = _why_never(rule, proof.alone([rule]))
        about: dict[str, object] = {"rule": rule.id, "others": [], "witness": None}
        yield Finding("never-fires", "warning", message, hint, rule.span, more=about)
    elif answer.witness is None:
        proof.undecided.add(("never-fires", rule.id))
    elif unsure or not proof.replay.confirmed(answer.witness, _bearing(rule)):
        proof.undecided.add(("never-wins", rule.id))
    else:
        witness = smaller(answer.witness, fires)
        others = _covering(rule, courses)
        message = f"`{rule.id}` can fire but never wins"
        if others:
            come = "comes" if len(others) == 1 else "come"
            message += f": whenever it fires, {joined([f'`{name}`' for name in others])} {come} before it"
            message += f", such as when {whom(witness, proof.replay, rule)}."
            hides = {one.id for course in courses for one in course.target.hiding} & set(others)
            hint = "A `hide` beats every `show`, whatever its priority: narrow" if hides else _RAISE
            hint += f" {joined([f'`{name}`' for name in sorted(hides) or others])}, or take this rule out."
        else:
            why = joined(list(_kept_back(rule, proof.book)))
            message += f": what it shows can never be placed where it fires{f', as {why}' if why else ''}."
            hint = "Look at the labels of the rule and of what it shows, or take it out."
        about = {"rule": rule.id, "others": others, "witness": witness.to_dict()}
        yield Finding("never-wins", "warning", message, hint, rule.span, shown(witness), about)


def _kept_back(rule: Rule, book: RuleBook) -> Iterator[str]:
    """What may keep back the content that a rule shows."""
    for name in dict.fromkeys(name for slot in (*rule.show, *rule.rank) for name in candidates(rule, slot)):
        item = book.content.get(name)
        if item is not None and item.topics:
            yield f"`{name}` needs consent for {joined(item.topics)}"
        if item is not None and item.purpose is not None:
            yield f"`{name}` is not for those who opted out of {item.purpose}"


_RAISE = "Raise its `priority`, narrow"


def _bearing(rule: Rule) -> list[str]:
    """The slots and settings that a rule bears on."""
    return [*rule.show, *rule.rank, *rule.hide, *rule.order, *rule.set]


def _why_never(rule: Rule, reader: Reader) -> tuple[str, str]:
    """Why a rule cannot be used, and the mend."""
    solver = Solver(reader.symbols)
    # nobody fits it, so this teaches the solver which texts there cannot be
    solver.ask([solver.literal(reader.usable(rule))], lambda request: False)
    if core := core_of(solver, list(parts_of(rule, Ungated(reader.book, reader.symbols)))):
        mend = "Mend one of them, or take the rule out."
        return f"`{rule.id}` can never fire: {contradiction(core)}.", mend
    core = core_of(solver, list(parts_of(rule, reader)))
    message = (
        f"`{rule.id}` can never fire, whatever people consent to or opt out of: {contradiction(core, True)}."
    )
    mends = [*dict.fromkeys(part.mend for part in core if part.mend)]
    return message, f"Take the rule out{', or ' if mends else ''}{joined(mends, 'or')}."


def _covering(rule: Rule, courses: Sequence[Course]) -> list[str]:
    """The fewest rules that together keep a rule from winning anything."""
    found: dict[str, None] = {}
    for course in courses:
        hiding, offering = course.target.hiding, course.target.offering
        places = [place for place, one in enumerate((*hiding, *offering)) if one is rule]
        for place in places:
            found.update(dict.fromkeys(_covering_in(course, rule, place)))
    return list(found)


def _covering_in(course: Course, rule: Rule, place: int) -> list[str]:
    """The rules that keep a rule from one slot or setting, in which it has a place."""
    proof, target, hiding = course.proof, course.target, course.target.hiding
    rules = [*hiding, *target.offering]
    fills = target.kind == "many" and place >= len(hiding)
    found = None if fills else course.search.cover(place)
    if found is not None:
        return [rules[at].id for at in found]
    rivals = [rules[at] for at in course.search.may_meet(place, range(place))]
    reader = proof.alone([rule, *rivals])
    cover = _filling_before if fills else _beating
    return cover(proof, reader, Solver(reader.symbols), rule, target, rivals) or []


def _beating(
    proof: Proof, reader: Reader, solver: Solver, rule: Rule, target: Target, rivals: Sequence[Rule]
) -> list[str] | None:
    """The rules that together beat a rule: who does in a model joins, until there is no model; or None."""

    def offered(one: Rule) -> Formula:
        is_hide = target.id in one.hide
        return reader.usable(one) if is_hide else gives(target, one, reader)

    mine = solver.define(offered(rule))
    beats = {one.id: offered(one) for one in rivals}
    absent: dict[str, Formula] = {}
    while solver.possible([mine, *absent.values()]):
        name = next((one for one, formula in beats.items() if solver.is_so(formula)), None)
        if name is None:
            return None
        absent[name] = no(solver.define(beats[name]))
    left = solver.smallest([mine, *absent.values()])
    return [name for name in beats if name in absent and any(one.eq(absent[name]) for one in left)]


def _filling_before(
    proof: Proof, reader: Reader, solver: Solver, rule: Rule, target: Target, rivals: Sequence[Rule]
) -> list[str] | None:
    """The rules that together hide a `many` slot or fill it before a rule; None where they do not."""
    there = {one.id: solver.literal(every([])) for one in rivals}
    filling = filling_of(proof, target, solver)
    assert filling is not None
    for one in rivals:
        if target.id in one.hide:
            solver.add(some([no(there[one.id]), no(reader.usable(one))]))
        else:
            for offer in offers_of(target, one, reader):
                filling.add(Offer(one, offer.what, every([there[one.id], offer.may])))
    solver.add(room_for(filling, offers_of(target, rule, reader)))
    if solver.possible([*there.values()]):
        return None
    left = solver.smallest([*there.values()])
    return [name for name, literal in there.items() if any(one.eq(literal) for one in left)]
