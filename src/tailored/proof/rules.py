"""The checks of rules: which never fire, which never win, which win by their place in the book alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from tailored.book.model import Rule
from tailored.condition.english import joined
from tailored.proof.outcomes import (
    Filling,
    Offer,
    Target,
    arranged,
    candidates,
    differ,
    gives,
    hidden,
    offers_of,
)
from tailored.proof.proof import Proof
from tailored.proof.reader import Reader, Ungated
from tailored.proof.replay import slot_answer
from tailored.proof.shrink import smaller
from tailored.proof.solving import Happens, Solver
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
    targets = proof.targets
    for target in targets:
        _ask_hiding(proof, target, unsure)
        _ask_offering(proof, target, unsure, met)
    for rule in proof.book.rules:
        proof.progress(1)
        if rule.id not in proof.winners:
            yield from _never(proof, rule, targets, rule.id in unsure)
        for others in _by_allowance(proof, met.get(rule.id, {})):
            finding = _ambiguous(proof, rule, others)
            yield from [] if finding is None else [finding]


def _by_allowance(proof: Proof, others: _Others) -> Iterator[_Others]:
    """Rules that another meets: those that say why it does not matter, and those that do not."""
    for allowed in (True, False):
        if part := {name: met for name, met in others.items() if (name in proof.allowing) is allowed}:
            yield part


def _wins(proof: Proof, rule: Rule) -> Happens:
    def happens(request: Request) -> bool:
        if any(one is rule for one in proof.replay(request).usable):
            proof.see(request)
        return rule.id in proof.winners

    return happens


def _ask_hiding(proof: Proof, target: Target, unsure: set[str]) -> None:
    """Asks in resolution order which rules can be the first to hide a slot."""
    reader = proof.alone(target.hiding)
    solver = Solver(reader.symbols)
    for rule in target.hiding:
        usable = reader.usable(rule)
        if rule.id not in proof.winners:
            answer = solver.ask(
                [solver.literal(usable)],
                _wins(proof, rule),
                proof.boxes.guesses(rule),
                proof.about(rule),
            )
            if answer.undecided:
                unsure.add(rule.id)
        solver.add(no(usable))


class _Course:
    """A target whose rules are asked in resolution order: what those before a rule leave to it.

    The solver learns of rules when it is asked, which most questions spare it.
    """

    def __init__(self, proof: Proof, target: Target) -> None:
        self.target = target
        self.reader = proof.alone([*target.hiding, *target.offering])
        self.solver = Solver(self.reader.symbols)
        self.solver.add(no(hidden(target, self.reader)))
        self.filling = filling_of(proof, target, self.solver)
        self._passed = 0
        self._literals: dict[tuple[str, bool], Formula] = {}

    def offers(self, rule: Rule) -> list[Offer]:
        return offers_of(self.target, rule, self.reader)

    def wins(self, place: int) -> Formula:
        """A literal: a rule places something. The rule before which nobody was asked since is next."""
        for rule in self.target.offering[self._passed : place]:
            if self.filling is None:
                self.solver.add(no(gives(self.target, rule, self.reader)))
            else:
                for offer in self.offers(rule):
                    self.filling.add(offer)
        self._passed = place
        rule = self.target.offering[place]
        return self._literal(rule, True, lambda: _room(self.filling, self.offers(rule)))

    def gives(self, rule: Rule) -> Formula:
        """A literal: a rule offers something."""
        return self._literal(rule, False, lambda: gives(self.target, rule, self.reader))

    def _literal(self, rule: Rule, wins: bool, formula: Callable[[], Formula]) -> Formula:
        if (rule.id, wins) not in self._literals:
            self._literals[rule.id, wins] = self.solver.literal(formula())
        return self._literals[rule.id, wins]


def _ask_offering(proof: Proof, target: Target, unsure: set[str], met: Met) -> None:
    """Asks in resolution order who can win, and who of the same priority can come second."""
    course, meetings = _Course(proof, target), proof.meetings(target.offering)
    for place, rule in enumerate(target.offering):
        proof.progress(1)
        beaten = _beaten(proof, target, place)
        guesses = proof.boxes.guesses(rule, None, beaten)
        if rule.id not in proof.winners and not _found(_wins(proof, rule), guesses):
            answer = course.solver.ask([course.wins(place)], _wins(proof, rule), about=proof.about(rule))
            if answer.never:
                continue
            if answer.undecided:
                unsure.add(rule.id)
        if rule.id in proof.winning:
            _note(proof, target, place, proof.winning[rule.id], met)
        left: list[Rule] = []
        for at in meetings.after(place):
            other = target.offering[at]
            if other.priority != rule.priority:
                break
            if rule.id in met.get(other.id, {}) or not _is_other(proof, target, rule, other):
                continue
            guesses = proof.boxes.guesses(rule, other, beaten)
            witness = _found(_order_matters(proof, target, rule, other), guesses)
            if witness is None:
                left.append(other)
            else:
                _note(proof, target, place, witness, met)
        _ask_the_rest(proof, course, place, left, met)


def _ask_the_rest(proof: Proof, course: _Course, place: int, others: Sequence[Rule], met: Met) -> None:
    """Asks the solver which of some rules a rule can meet: about all at once, until none of them is left."""
    target = course.target
    rule = target.offering[place]

    def left() -> list[Rule]:
        return [other for other in others if rule.id not in met.get(other.id, {})]

    def some_meets(request: Request) -> bool:
        return any(_order_matters(proof, target, rule, other)(request) for other in asked)

    while (asked := left()) and course.filling is None:
        one_of = course.solver.literal(some([course.gives(other) for other in asked]))
        answer = course.solver.ask([course.wins(place), one_of], some_meets, about=proof.about(rule, *asked))
        if answer.never:
            return
        if answer.witness is None:
            break
        _note(proof, target, place, answer.witness, met)
    for other in left():
        if rule.id not in met.get(other.id, {}):
            witness = _asked(proof, course, place, other, _order_matters(proof, target, rule, other))
            if witness is not None:
                _note(proof, target, place, witness, met)


def _found(happens: Happens, guesses: Iterable[Request]) -> Request | None:
    """The first guess with which something happens."""
    return next(filter(happens, guesses), None)


def _asked(proof: Proof, course: _Course, place: int, other: Rule, matters: Happens) -> Request | None:
    """A request with which it matters which of two rules comes first, from the solver."""
    rule = course.target.offering[place]
    both, about = [course.wins(place), course.gives(other)], proof.about(rule, other)
    answer = course.solver.ask(both, matters, about=about)
    if answer.undecided and course.filling is not None:
        change = course.solver.literal(_change(course.filling, course.offers(rule), course.offers(other)))
        answer = course.solver.ask([*both, change], matters, about=about)
    if answer.undecided:
        proof.undecided.add(("ambiguous", other.id))
    return answer.witness


def _beaten(proof: Proof, target: Target, place: int) -> Callable[[Request], list[Rule]]:
    """What comes before the rule at a place with a request."""

    def by(request: Request) -> list[Rule]:
        usable = proof.replay(request).usable
        return [one for one in usable if target.places.get(one.id, place) < place or target.id in one.hide]

    return by


def _note(proof: Proof, target: Target, place: int, request: Request, met: Met) -> None:
    """Notes every rule of the same priority that a rule meets with a request, as one tells of many."""
    rule = target.offering[place]
    for other in proof.replay(request).usable:
        if other.priority != rule.priority or target.places.get(other.id, 0) <= place:
            continue
        known = met.setdefault(other.id, {})
        if rule.id in known or not _is_other(proof, target, rule, other):
            continue
        if _order_matters(proof, target, rule, other)(request):
            known[rule.id] = target, request


def filling_of(proof: Proof, target: Target, solver: Solver) -> Filling | None:
    """The state of a `many` slot with nothing in it; None for what is not filled."""
    if target.kind != "many":
        return None
    most = proof.book.slots[target.id].many or 1
    distinct = {content for rule in target.offering for content in candidates(rule, target.id)}
    return Filling(max(1, min(most, len(distinct))), solver.define)


def _room(filling: Filling | None, offers: Sequence[Offer]) -> Formula:
    """That at least one of these offers would be placed now."""
    return some([offer.may if filling is None else filling.room_for(offer) for offer in offers])


def _change(filling: Filling, first: Sequence[Offer], second: Sequence[Offer]) -> Formula:
    """That the order of two rules' offers changes what a `many` slot holds."""
    ways = []
    for offers in ([*first, *second], [*second, *first]):
        way = filling.with_places()
        for offer in offers:
            way.add(offer)
        ways.append(way)
    return differ(*ways)


def _is_other(proof: Proof, target: Target, rule: Rule, other: Rule) -> bool:
    """Whether two rules would answer a target in different ways."""
    name = target.id
    if target.kind == "setting":
        return rule.set[name] != other.set[name]
    if target.kind == "order":
        slot = proof.book.slots[name]
        return arranged(slot, rule.order[name]) != arranged(slot, other.order[name])
    return candidates(rule, name) != candidates(other, name)


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
    names = joined([*said, f"{more} more"] if more else said)
    many = len(others) > 1
    who = whom(witness, proof.replay, rule, other)
    message = (
        f"`{rule.id}` and {names} have the same priority ({rule.priority}) and can meet in `{target.id}`: "
        f"{'both match' if not many else f'it and `{first}` match'} when {who}; "
        f"`{first}` wins, as it stands first in the book."
    )
    hint = 'Give one a higher `priority`, or say why it does not matter: `allow: {ambiguous: "..."}`.'
    about = {"rule": rule.id, "others": list(others), target.what: target.id, "witness": witness.to_dict()}
    return Finding("ambiguous", "warning", message, hint, rule.span, shown(witness), about)


def _never(proof: Proof, rule: Rule, targets: Sequence[Target], unsure: bool) -> Iterator[Finding]:
    """The finding about a rule that was not seen to win anywhere."""
    reader = proof.alone([rule])
    reach = Solver(reader.symbols)

    def fires(request: Request) -> bool:
        return rule.id in {one.id for one in proof.replay(request).usable}

    answer = reach.ask(
        [reach.literal(reader.usable(rule))], fires, proof.boxes.guesses(rule), proof.about(rule)
    )
    if answer.never:
        message, hint = _why_never(rule, reader)
        about: dict[str, object] = {"rule": rule.id, "others": [], "witness": None}
        yield Finding("never-fires", "warning", message, hint, rule.span, more=about)
    elif answer.witness is None:
        proof.undecided.add(("never-fires", rule.id))
    elif unsure or not proof.replay.confirmed(answer.witness, _bearing(rule)):
        proof.undecided.add(("never-wins", rule.id))
    else:
        witness = smaller(answer.witness, fires)
        others = _covering(proof, rule, targets)
        message = f"`{rule.id}` can fire but never wins"
        if others:
            come = "comes" if len(others) == 1 else "come"
            message += f": whenever it fires, {joined([f'`{name}`' for name in others])} {come} before it"
            message += f", such as when {whom(witness, proof.replay, rule)}."
            hides = {one.id for target in targets for one in target.hiding} & set(others)
            hint = "A `hide` beats every `show`, whatever its priority: narrow" if hides else _RAISE
            hint += f" {joined([f'`{name}`' for name in sorted(hides) or others])}, or take this rule out."
        else:
            message += ": what it shows can never be placed where it fires."
            hint = "Look at the labels of the rule and of what it shows, or take it out."
        about = {"rule": rule.id, "others": others, "witness": witness.to_dict()}
        yield Finding("never-wins", "warning", message, hint, rule.span, shown(witness), about)


_RAISE = "Raise its `priority`, narrow"


def _bearing(rule: Rule) -> list[str]:
    """The slots and settings that a rule bears on."""
    return [*rule.show, *rule.rank, *rule.hide, *rule.order, *rule.set]


def _why_never(rule: Rule, reader: Reader) -> tuple[str, str]:
    """Why a rule cannot be used, and the mend."""
    solver = Solver(reader.symbols)
    if core := core_of(solver, list(parts_of(rule, Ungated(reader.book, reader.symbols)))):
        mend = "Mend one of them, or take the rule out."
        return f"`{rule.id}` can never fire: {contradiction(core)}.", mend
    why = contradiction(core_of(solver, list(parts_of(rule, reader))))
    message = f"`{rule.id}` can never fire, whatever people consent to or opt out of: {why}."
    return message, "Take the rule out, or the label off what is not about that topic."


def _covering(proof: Proof, rule: Rule, targets: Sequence[Target]) -> list[str]:
    """The fewest rules that together keep a rule from winning anything."""
    found: dict[str, None] = {}
    for target in targets:
        for hides in (True, False):
            if any(one is rule for one in (target.hiding if hides else target.offering)):
                found.update(dict.fromkeys(_covering_in(proof, rule, target, hides)))
    return list(found)


def _covering_in(proof: Proof, rule: Rule, target: Target, hides: bool) -> list[str]:
    """The rules that keep a rule from one target.

    Those are asked first that read nothing which the rule does not read, as whatever else others read may be
    missing. Whoever beats the rule with a request that gets past them joins them.
    """
    rules = target.hiding if hides else target.offering
    place = next(at for at, one in enumerate(rules) if one is rule)
    box, about = proof.boxes.of(rule), proof.about(rule)
    hiding = [] if hides else [one for one in target.hiding if box.meets(proof.boxes.of(one))]
    rivals = {one.id: one for one in (*hiding, *(rules[at] for at in proof.meetings(rules).before(place)))}
    near = {name for name, one in rivals.items() if proof.about(one) <= about}
    cover = _filling_before if target.kind == "many" and not hides else _beating
    while True:
        asked = [one for name, one in rivals.items() if name in near]
        reader = proof.alone([rule, *asked])
        solver = Solver(reader.symbols)
        found = cover(proof, reader, solver, rule, target, asked)
        if found is not None:
            return found
        passing = solver.example(about)
        beaten = set() if passing is None else {one.id for one in proof.replay(passing).usable}
        joining = (rivals.keys() & beaten) - near
        if not joining and len(near) == len(rivals):
            return []
        near = near | joining if joining else set(rivals)


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
    solver.add(_room(filling, offers_of(target, rule, reader)))
    if solver.possible([*there.values()]):
        return None
    left = solver.smallest(there.values())
    return [name for name, literal in there.items() if any(one.eq(literal) for one in left)]
