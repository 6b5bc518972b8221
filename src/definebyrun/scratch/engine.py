"""An automatic-differentiation engine on NumPy arrays, small enough to read whole.

Every operation makes a new :class:`Variable` that holds its value and, for each variable it was
computed from, an edge: that source, and the local rule that turns the gradient of the result
into the source's share. ``backward`` walks the edges from the newest variable to the oldest.
The array that a variable is made with is locked, so what a rule has kept stays what it was.
"""

from collections.abc import Callable
from itertools import count
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Edge = tuple[Any, Callable[[Floats], Floats]]
Operand = Union["Variable", Floats, float]
Axis = int | tuple[int, ...] | None
numbers = count()


def value_of(operand: Operand) -> Floats:
    """Return a variable's value, or another operand as an array."""
    if isinstance(operand, Variable):
        return operand.value
    return np.asarray(operand, np.float64)


def unbroadcast(gradient: Floats, shape: tuple[int, ...]) -> Floats:
    """Sum a gradient over the axes along which this shape was stretched.

    Broadcasting uses a number several times, so it collects several gradients.
    """
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return np.asarray(gradient.sum(axis=stretched, keepdims=True))


class Variable:
    """An array that remembers how it was computed.

    Args:
        value: numbers of any shape; copied as float64, on the CPU, and locked: NumPy refuses to
            write into them. To change a leaf, give it a new value, ``x.value = x.value - 1``;
            that one is not locked: do not write into it before the walk back.
        edges: one for each source of this value: the source, and the rule that
            sends it its share of the gradient. A plain number or array wants no
            gradient, so its edge is dropped. A variable made by hand has no
            edges; it is a leaf of the graph.

    Attributes:
        value: the numbers, shape as given.
        grad: what every ``backward`` so far has added up, same shape.
        number: how many variables were made before this one.
    """

    __array_ufunc__ = None  # array + variable asks the variable, not NumPy

    def __init__(self, value: Any, *edges: Edge) -> None:
        """Hold a value, and the edges to where it came from."""
        self.value: Floats = np.array(value, np.float64)
        self.value.flags.writeable = False
        self.edges = [edge for edge in edges if isinstance(edge[0], Variable)]
        self.grad: Floats = np.zeros_like(self.value)
        self.number = next(numbers)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    def __repr__(self) -> str:
        """Show the value and the gradient."""
        value = np.array2string(self.value, separator=", ")
        grad = np.array2string(self.grad, separator=", ")
        return f"Variable({value}, grad={grad})"

    # Arithmetic. Operands broadcast as in NumPy.

    def __add__(self, other: Operand) -> "Variable":
        """Add: both sides receive the gradient as it is."""
        return Variable(
            self.value + value_of(other),
            (self, lambda g: g),
            (other, lambda g: g),
        )

    def __mul__(self, other: Operand) -> "Variable":
        """Multiply: each factor receives the gradient times the other."""
        a, b = self.value, value_of(other)
        return Variable(
            a * b,
            (self, lambda g: g * b),
            (other, lambda g: g * a),
        )

    def __truediv__(self, other: Operand) -> "Variable":
        """Divide: d(a/b) = da / b - a db / b²."""
        a, b = self.value, value_of(other)
        return Variable(
            a / b,
            (self, lambda g: g / b),
            (other, lambda g: -g * a / b**2),
        )

    def __pow__(self, other: Operand) -> "Variable":
        """Raise to a power: d(aᵇ) = b aᵇ⁻¹ da + aᵇ ln(a) db; 0 da for b = 0."""
        a, b = self.value, value_of(other)
        out = a**b
        return Variable(
            out,
            (self, lambda g: g * b * a ** np.where(b == 0, 1, b - 1)),
            (other, lambda g: g * out * np.log(np.where(a == 0, 1, a))),
        )

    def __matmul__(self, other: Operand) -> "Variable":
        """Multiply matrices, or batches of them.

        A vector acts as a row on the left, as a column on the right. The gradient
        dC of C = AB is sent back as dC Bᵀ to A and as Aᵀ dC to B.
        """
        other = other if isinstance(other, Variable) else value_of(other)
        if len(other.shape) == 1:
            return (self @ other.reshape(-1, 1))[..., 0]
        if len(self.shape) == 1:
            return (self.reshape(1, -1) @ other)[..., 0, :]
        a, b = self.value, value_of(other)
        return Variable(
            a @ b,
            (self, lambda g: g @ b.swapaxes(-1, -2)),
            (other, lambda g: a.swapaxes(-1, -2) @ g),
        )

    def __neg__(self) -> "Variable":
        """Change the sign."""
        return self * -1.0

    def __sub__(self, other: Operand) -> "Variable":
        """Subtract: the right side receives the gradient with its sign changed."""
        return Variable(
            self.value - value_of(other),
            (self, lambda g: g),
            (other, lambda g: -g),
        )

    def __rsub__(self, other: Operand) -> "Variable":
        """Subtract from a plain number or array."""
        return -self + other

    def __rtruediv__(self, other: Operand) -> "Variable":
        """Divide a plain number or array."""
        return Variable(other) / self

    def __rpow__(self, other: Operand) -> "Variable":
        """Raise a plain number or array to this power."""
        return Variable(other) ** self

    def __rmatmul__(self, other: Operand) -> "Variable":
        """Multiply a plain array from the left."""
        return Variable(other) @ self

    __radd__ = __add__
    __rmul__ = __mul__

    # Functions of each element.

    def exp(self) -> "Variable":
        """Return the exponential, which is its own slope."""
        out = np.exp(self.value)
        return Variable(out, (self, lambda g: g * out))

    def log(self) -> "Variable":
        """Return the natural logarithm, with slope 1/x."""
        a = self.value
        return Variable(np.log(a), (self, lambda g: g / a))

    def tanh(self) -> "Variable":
        """Return the hyperbolic tangent, with slope 1 - tanh²."""
        out = np.tanh(self.value)
        return Variable(out, (self, lambda g: g * (1 - out**2)))

    def relu(self) -> "Variable":
        """Return max(x, 0), with slope 0 at the kink, as PyTorch has it."""
        out = np.maximum(self.value, 0)
        return Variable(out, (self, lambda g: g * (out > 0)))

    # Functions that change the shape.

    def sum(self, axis: Axis = None, keepdims: bool = False) -> "Variable":
        """Add up along axes: a summand receives the gradient of its sum."""
        kept = self.value.sum(axis=axis, keepdims=True)
        return Variable(
            kept if keepdims else kept.squeeze(axis),
            (self, lambda g: np.broadcast_to(g.reshape(kept.shape), self.shape)),
        )

    def mean(self, axis: Axis = None, keepdims: bool = False) -> "Variable":
        """Average along axes."""
        total = self.sum(axis, keepdims)
        return total / (self.value.size // max(total.value.size, 1))

    def reshape(self, *shape: int) -> "Variable":
        """Give the numbers another shape; the gradient gets the old one back."""
        out = self.value.reshape(shape)
        return Variable(out, (self, lambda g: g.reshape(self.shape)))

    def __getitem__(self, index: Any) -> "Variable":
        """Pick elements; one that is picked twice collects two gradients."""

        def put_back(g: Floats) -> Floats:
            gradient = np.zeros_like(self.value)
            np.add.at(gradient, index, g)
            return gradient

        return Variable(self.value[index], (self, put_back))

    # The backward pass.

    def backward(self, seed: Any = None) -> None:
        """Add the gradient of this variable to the grad of all behind it.

        Args:
            seed: the gradient to start from, in the shape of this variable; 1
                where it is left out, which needs a variable of one number.

        Raises:
            ValueError: the seed is missing, or has another shape.
        """
        if seed is None and self.value.size != 1:
            raise ValueError(
                f"backward from shape {self.shape} needs a seed of that shape: "
                "only one number has a gradient without. Call sum() first, or "
                "say how much each element counts."
            )
        seed = np.ones(self.shape) if seed is None else np.asarray(seed, np.float64)
        if seed.shape != self.shape:
            raise ValueError(f"seed has shape {seed.shape}; expected {self.shape}")
        send_back(self, seed)


def send_back(result: Variable, seed: Floats) -> None:
    """Visit the variables behind a result, newest first, and send gradients on.

    A variable is newer than its sources, so all its shares have arrived when it is visited.

    Args:
        result: where the walk begins.
        seed: the gradient of the result, in its shape.
    """
    arrived = {result: seed}
    while arrived:
        node = max(arrived, key=lambda variable: variable.number)
        gradient = arrived.pop(node)
        node.grad += gradient
        for source, rule in node.edges:
            share = unbroadcast(rule(gradient), source.shape)
            arrived[source] = arrived.get(source, 0.0) + share
