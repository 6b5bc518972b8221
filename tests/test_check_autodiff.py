"""The checkers of a sine, of a walk back and of a whole engine name each typical mistake."""

import itertools
import math

import numpy as np
import pytest
import torch

from definebyrun import check
from definebyrun.scratch.engine import Variable, send_back


def right_sine(x):
    angle = x.value
    return Variable(np.sin(angle), (x, lambda g: g * np.cos(angle)))


def late_sine(x):
    return Variable(np.sin(x.value), (x, lambda g: g * np.cos(x.value)))


def by_differences(x):
    a, h = x.value, 1e-5
    return Variable(np.sin(a), (x, lambda g: g * (np.sin(a + h) - np.sin(a - h)) / (2 * h)))


def for_rows_alone(x):
    a = x.value
    return Variable(np.sin(a), (x, lambda g: g @ np.diag(np.cos(a))))


def known_beforehand(x):
    slope = np.cos([-2.0, -0.5, 0.0, 1.5])
    return Variable(np.sin(x.value), (x, lambda g: g * slope))


def test_a_right_sine_passes(capsys):
    check.autodiff.sine(right_sine, Variable)
    assert capsys.readouterr().out.startswith("Right:")


def overwriting(x):
    np.sin(x.value, out=x.value)
    return x


def replacing(x):
    x.value = np.sin(x.value)
    return Variable(x.value, (x, lambda g: g * np.cos(x.value)))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (late_sine, "on the way back"),
        (by_differences, "the numbers are not"),
        (for_rows_alone, "shape"),
        (known_beforehand, "shape|broadcast"),
        (Variable(1.0), "without calling it"),
        (lambda x: np.sin(x), "x.value"),
        (lambda x: Variable(torch.sin(x), (x, lambda g: g)), "not for arrays"),
        (lambda x: Variable(math.sin(x), (x, lambda g: g)), "not for arrays"),
        (lambda x: Variable(math.sin(x.value), (x, lambda g: g)), "not for arrays"),
        (lambda x: Variable((x, lambda g: g * np.cos(x.value))), "value comes first"),
        (lambda x: Variable(np.sin(x.value), x, lambda g: g), "PAIR"),
        (lambda x: Variable(np.sin(x.value), (lambda g: g, x)), "first part of an edge is x"),
        (lambda x: Variable(np.sin(x.value), (x, lambda g: g * np.cos(x))), "Inside the rule"),
        (lambda x: Variable(np.sin(x.value), (x, lambda: np.cos(x.value))), "with one argument"),
        (lambda x: Variable(np.sin(x.value), (x, lambda g: None)), "type NoneType"),
        (
            lambda x: Variable(np.sin(x.value), (x, lambda g: Variable(np.cos(x.value)) * g)),
            "must return an array",
        ),
        (lambda x: Variable(np.sin(x.value), (x, np.cos(x.value))), "not a function"),
        (lambda x: np.sin(x.value), "Return an object of Variable"),
        (overwriting, "writes into x.value"),
        (replacing, "changes x.value"),
        (lambda x: Variable(np.cos(x.value)), "not those of the sine"),
        (lambda x: Variable(np.sin(x.value)), "no edge"),
        (lambda x: Variable(np.sin(x.value), (x, lambda g: np.cos(x.value))), "ignores"),
        (lambda x: Variable(np.sin(x.value), (x, lambda g: -g * np.cos(x.value))), "wrong sign"),
        (
            lambda x: Variable(np.sin(x.value), (x, lambda g: g * np.cos(np.sin(x.value)))),
            "slope at the RESULT",
        ),
        (lambda x: Variable(np.sin(x.value), (x, lambda g: g * np.sin(x.value))), "derivative of"),
    ],
)
def test_a_wrong_sine_gets_its_own_hint(answer, hint):
    with pytest.raises(check.WrongAnswer, match=hint):
        check.autodiff.sine(answer, Variable)


class Plain:
    """An engine that takes what it is given, as that of the page does: nothing is locked."""

    def __init__(self, value, *edges):
        self.value, self.edges, self.grad = value, edges, 0.0

    def backward(self, seed):
        self.grad = self.grad + seed
        for source, rule in self.edges:
            source.backward(rule(seed))


def plain_sine(x):
    angle = x.value
    return Plain(np.sin(angle), (x, lambda g: g * np.cos(angle)))


def test_a_right_sine_for_another_engine_passes(capsys):
    check.autodiff.sine(plain_sine, Plain)
    assert capsys.readouterr().out.startswith("Right:")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: Plain((x, lambda g: g)), "takes the value first"),
        (lambda x: Plain(x, (x, lambda g: g)), "takes the value first"),
        (lambda x: Plain(np.sin(x.value), x, lambda g: g), "PAIR"),
        (lambda x: Plain(np.sin(x.value), (lambda g: g, x)), "first part of your edge is not x"),
        (lambda x: Plain(np.sin(x.value, out=x.value)), "changes x.value"),
        (lambda x: Plain(np.sin(x.value), (x, lambda g: g * np.cos(x.value))), "on the way back"),
    ],
)
def test_what_a_careless_engine_lets_through_gets_a_hint(answer, hint):
    with pytest.raises(check.WrongAnswer, match=hint):
        check.autodiff.sine(answer, Plain)


def test_the_class_must_be_a_class():
    with pytest.raises(check.WrongAnswer, match="the class of the engine"):
        check.autodiff.sine(right_sine, Variable(1.0))


def ordered(result):
    order = []

    def visit(node):
        if node not in order:
            for source, _ in node.edges:
                visit(source)
            order.append(node)

    visit(result)
    return order[::-1]


def send(order, result, add=True, old=False, seed=1.0):
    arrived = dict.fromkeys(order, 0.0)
    arrived[result] = seed
    for node in order:
        node.grad = node.grad + arrived[node] if add else arrived[node]
        for source, rule in node.edges:
            arrived[source] = arrived[source] + rule(node.grad if old else arrived[node])


def right_walk(result):
    send(ordered(result), result)


def by_counting(result):
    """Wait until as many shares have arrived as there are edges that lead to a variable."""
    waits, found = {result: 0}, [result]
    for node in found:
        for source, _ in node.edges:
            if source not in waits:
                found.append(source)
            waits[source] = waits.get(source, 0) + 1
    arrived, ready = {result: 1.0}, [result]
    while ready:
        node = ready.pop()
        node.grad += arrived[node]
        for source, rule in node.edges:
            arrived[source] = arrived.get(source, 0.0) + rule(arrived[node])
            waits[source] -= 1
            if not waits[source]:
                ready.append(source)


def by_paths(node, share=1.0):
    node.grad = node.grad + share
    for source, rule in node.edges:
        by_paths(source, rule(share))


def wave_by_wave(result):
    order = [result]
    for node in order:
        order += [source for source, _ in node.edges if source not in order]
    return order


def from_the_sources(result):
    order = []

    def visit(node):
        if node not in order:
            order.append(node)
            for source, _ in node.edges:
                visit(source)

    visit(result)
    return order


def late_question(result):
    """Ask only after the visits whether a variable has been seen: right, but it follows paths."""
    order = []

    def visit(node):
        for source, _ in node.edges:
            visit(source)
        if node not in order:
            order.append(node)

    visit(result)
    send(order[::-1], result)


@pytest.mark.parametrize("answer", [right_walk, by_counting])
def test_a_right_walk_passes(answer, capsys):
    check.autodiff.walk(answer)
    assert capsys.readouterr().out.startswith("Right:")


def test_the_right_walk_agrees_with_the_engine():
    for walk in (right_walk, Variable.backward):
        x = Variable(2.0)
        a = x * 3
        c = a**2 + a
        walk(c)
        assert x.grad == 39


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda result: result.backward(), "calls backward"),
        (lambda result: send_back(result, np.ones(())), "asks for the serial number"),
        (lambda result: result.serial, "no serial number"),
        (by_paths, "more than once in a walk"),
        (late_question, "does not come to an end"),
        (lambda result: send(wave_by_wave(result), result), "before everything has arrived"),
        (lambda result: send(from_the_sources(result), result), "before everything has arrived"),
        (lambda result: send(ordered(result)[::-1], result), "order in which"),
        (lambda result: send(ordered(result), result, add=False), "replaces"),
        (lambda result: send(ordered(result), result, old=True), "all that stands in grad"),
        (lambda result: send(ordered(result), result, seed=0.0), "still zero"),
        (lambda result: None, "still zero"),
        (lambda result: send(ordered(result), result, seed=np.ones(2)), "a single number"),
        (Variable(1.0), "without calling it"),
    ],
)
def test_a_wrong_walk_gets_its_own_hint(answer, hint):
    with pytest.raises(check.WrongAnswer, match=hint):
        check.autodiff.walk(answer)


class Number:
    """A right engine, which the wrong ones change in one place."""

    def __init__(self, value, *edges):
        self.value, self.edges, self.grad = value, edges, 0.0

    def __add__(self, other):
        return type(self)(self.value + other.value, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        return type(self)(self.value * other.value, (self, other.value), (other, self.value))

    def tanh(self):
        out = math.tanh(self.value)
        return type(self)(out, (self, 1 - out**2))

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for source, _ in node.edges:
                    visit(source)
                order.append(node)

        visit(self)
        self.send(order[::-1])

    def send(self, order):
        arrived = dict.fromkeys(order, 0.0)
        arrived[self] = 1.0
        for node in order:
            node.grad += arrived[node]
            for source, slope in node.edges:
                arrived[source] += arrived[node] * slope


def test_a_right_engine_passes(capsys):
    check.autodiff.engine(Number)
    assert capsys.readouterr().out.startswith("Right:")


class ByRules:
    """As micrograd has it, with a grad that is emptied in between at all but the leaves."""

    def __init__(self, value, sources=()):
        self.value, self.sources, self.grad = np.float64(value), sources, np.zeros(())
        self.rule = lambda: None

    def __add__(self, other):
        out = type(self)(self.value + other.value, (self, other))

        def rule():
            self.grad = self.grad + out.grad
            other.grad = other.grad + out.grad

        out.rule = rule
        return out

    def __mul__(self, other):
        out = type(self)(self.value * other.value, (self, other))

        def rule():
            self.grad = self.grad + other.value * out.grad
            other.grad = other.grad + self.value * out.grad

        out.rule = rule
        return out

    def tanh(self):
        out = type(self)(np.tanh(self.value), (self,))

        def rule():
            self.grad = self.grad + (1 - out.value**2) * out.grad

        out.rule = rule
        return out

    def order(self):
        order = []

        def visit(node):
            if node not in order:
                for source in node.sources:
                    visit(source)
                order.append(node)

        visit(self)
        return order[::-1]

    def backward(self):
        order = self.order()
        for node in order:
            if node.sources:
                node.grad = np.zeros(())
        self.grad = self.grad + 1.0
        for node in order:
            node.rule()


class Kept(ByRules):
    def backward(self):
        self.grad = 1.0
        for node in self.order():
            node.rule()


def test_an_engine_with_rules_passes(capsys):
    check.autodiff.engine(ByRules)
    assert capsys.readouterr().out.startswith("Right:")


class Forward(Number):
    """Holds its slopes towards all leaves from the beginning, so that no walk is needed."""

    def __init__(self, value, *edges):
        super().__init__(value)
        self.slopes = {} if edges else {self: 1.0}
        for source, slope in edges:
            for leaf, known in source.slopes.items():
                self.slopes[leaf] = self.slopes.get(leaf, 0.0) + known * slope

    def backward(self):
        for leaf, slope in self.slopes.items():
            leaf.grad += slope


def changed(**parts):
    return type("Number", (Number,), parts)


def at_once(self, share=1.0):
    self.grad += share
    for source, slope in self.edges:
        source.backward(share * slope)


def by_a_pile_of_paths(self):
    pile = [(self, 1.0)]
    while pile:
        node, share = pile.pop()
        node.grad += share
        pile.extend((source, share * slope) for source, slope in node.edges)


def early(self, backwards=False):
    order = [self]
    for node in order:
        edges = node.edges[::-1] if backwards else node.edges
        order += [source for source in dict(edges) if source not in order]
    self.send(order)


def overwriting_shares(self, order):
    arrived = {self: 1.0}
    for node in order:
        node.grad += arrived[node]
        for source, slope in node.edges:
            arrived[source] = arrived[node] * slope


def replacing_grads(self, order):
    before = {node: node.grad for node in order}
    Number.send(self, order)
    for node in order:
        node.grad -= before[node]


def without_arrived(self, order):
    for node in order:
        node.grad += float(node is self)
        for source, slope in node.edges:
            source.grad += slope


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (Number(2.0), "the class itself"),
        (Variable, "engine of the book"),
        (object, "takes no arguments|__init__"),
        (type("Number", (), {"__init__": lambda self, value: None}), "as value"),
        (
            type("Number", (), {"__init__": lambda self, value: setattr(self, "value", value)}),
            "as grad",
        ),
        (changed(backward=None), "not callable"),
        (type("Number", (), {"__init__": Number.__init__}), "no method backward"),
        (changed(__add__=lambda self, other: NotImplemented), "__add__"),
        (changed(__add__=lambda self, other: self.value + other.value), "type float"),
        (changed(__mul__=lambda self, other: self + other), "value of x \\* y"),
        (
            changed(__mul__=lambda a, b: Number(a.value * b.value, (a, a.value), (b, b.value))),
            "should be a new Number|OTHER factor",
        ),
        (
            changed(__mul__=lambda a, b: type(a)(a.value * b.value, (a, a.value), (b, b.value))),
            "OTHER factor",
        ),
        (
            changed(tanh=lambda x: type(x)(math.tanh(x.value), (x, 1 - x.value**2))),
            "VALUE of the tanh",
        ),
        (changed(backward=lambda self: None), "still zero"),
        (changed(send=without_arrived), "TIMES the gradient"),
        (changed(send=overwriting_shares), "two shares"),
        (changed(backward=early), "before it passes|other way round"),
        (changed(backward=lambda self: early(self, True)), "before it passes|other way round"),
        (changed(backward=at_once), "does not come to an end"),
        (changed(backward=by_a_pile_of_paths), "does not come to an end"),
        (changed(send=replacing_grads), "has replaced"),
        (Kept, "THIS walk"),
        (Forward, "not the leaves alone"),
        (changed(grad=np.ones(2), backward=lambda self: setattr(self, "grad", [1])), "single"),
    ],
)
def test_a_wrong_engine_gets_its_own_hint(answer, hint):
    with pytest.raises(check.WrongAnswer, match=hint):
        check.autodiff.engine(answer)


def piled(choose):
    """Return an engine that keeps a pile and visits the one that is chosen from it."""
    serials = itertools.count()

    def backward(self):
        waiting = {self: 1.0}
        while waiting:
            node = choose(waiting, key=lambda number: number.serial)
            gradient = waiting.pop(node)
            node.grad += gradient
            for source, slope in node.edges:
                waiting[source] = waiting.get(source, 0.0) + gradient * slope

    def __init__(self, value, *edges):
        Number.__init__(self, value, *edges)
        self.serial = next(serials)

    return changed(backward=backward, __init__=__init__)


def test_an_engine_that_visits_the_newest_passes(capsys):
    check.autodiff.engine(piled(max))
    assert capsys.readouterr().out.startswith("Right:")


@pytest.mark.parametrize("choose", [min, lambda waiting, key: list(waiting)[-1]])
def test_an_engine_that_visits_in_another_order_is_stopped(choose):
    """Its slopes are right, but it visits numbers again and again."""
    with pytest.raises(check.WrongAnswer, match="does not come to an end"):
        check.autodiff.engine(piled(choose))


def test_an_engine_that_visits_in_order_of_arrival_is_refused():
    """Its slopes are right and it ends, but it visits numbers again for late shares."""
    answer = piled(lambda waiting, key: next(iter(waiting)))
    with pytest.raises(check.WrongAnswer, match=r"82 numbers.* writes .* 1755 times.* too early"):
        check.autodiff.engine(answer)
    assert answer(2.0).grad == 0  # the class is as it was
    assert "grad" not in vars(answer)


def test_an_engine_with_slots_passes(capsys):
    class Slotted(Number):
        __slots__ = ("grad",)

    check.autodiff.engine(Slotted)
    assert capsys.readouterr().out.startswith("Right:")


class Dual:
    """Right, which the wrong ones change in one place."""

    def __init__(self, value, slope=0.0):
        self.value, self.slope = value, slope

    def __add__(self, other):
        return type(self)(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        return type(self)(
            self.value * other.value, self.slope * other.value + self.value * other.slope
        )


def cosine(x):
    return type(x)(math.cos(x.value), -math.sin(x.value) * x.slope)


def test_right_numbers_with_slopes_pass(capsys):
    check.autodiff.dual(Dual, cosine)
    assert capsys.readouterr().out.startswith("Right:")


def changed_dual(**methods):
    return type("Dual", (Dual,), methods)


@pytest.mark.parametrize(
    ("answer", "cos", "hint"),
    [
        (Dual(2.0), cosine, "Hand over the class"),
        (Dual, 3, "Hand over the class"),
        (
            changed_dual(__init__=lambda s, value: setattr(s, "value", value)),
            cosine,
            "Set it in __init__",
        ),
        (changed_dual(__add__=lambda s, o: Dual(s.value + o.value)), cosine, "type Dual"),
        (changed_dual(__add__=lambda s, o: s.value + o.value), cosine, "type float"),
        (
            changed_dual(__add__=lambda s, o: type(s)(s.value + o.value, s.slope)),
            cosine,
            "is missing",
        ),
        (
            changed_dual(__mul__=lambda s, o: type(s)(s.value * o.value, s.slope * o.slope)),
            cosine,
            "not the product of the slopes",
        ),
        (
            changed_dual(
                __mul__=lambda s, o: type(s)(
                    s.value * o.value, s.slope * s.value + o.slope * o.value
                )
            ),
            cosine,
            "OTHER factor",
        ),
        (Dual, lambda x: Dual(math.cos(x.value), -math.sin(x.value)), "chain rule"),
        (Dual, lambda x: Dual(math.cos(x.value), math.sin(x.value) * x.slope), "minus"),
        (Dual, lambda x: Dual(math.cos(x), 0.0), "plain number"),
        (Dual, lambda x: None, "type NoneType"),
        (Dual, lambda x: setattr(x, "slope", 0.0) or cosine(x), "slope 2"),
    ],
)
def test_wrong_numbers_with_slopes_get_their_own_hint(answer, cos, hint):
    with pytest.raises(check.WrongAnswer, match=hint):
        check.autodiff.dual(answer, cos)


def test_numbers_with_slopes_that_change_their_inputs_are_refused():
    def add(self, other):
        result = Dual.__add__(self, other)
        self.slope = 0.0
        return result

    with pytest.raises(check.WrongAnswer, match="changes what goes in"):
        check.autodiff.dual(changed_dual(__add__=add), cosine)
