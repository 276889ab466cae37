"""ADADELTA."""

from typing import Annotated

import numpy as np

from daskdl.declarations.kinds import Range
from daskdl.kernels.optimizers.base import Optimizer
from daskdl.kernels.spec import Declared

RHO = Range(0, 1, "()", "rho must be > 0 if epsilon is >0, and below 1.")
EPSILON = Range(0, ends="()", message="epsilon must be > 0 if rho is >0, and finite.")


class Adadelta(Optimizer):
    """A rate for each weight from running averages of squared gradients and steps. Source: Zeiler 2012, algorithm 1."""

    name = "adadelta"
    place = 1
    rarity = 0
    slots = ("first", "second")

    rho: Annotated[float, Declared("rho", RHO, "ADADELTA: memory of past squared gradients.")] = 0.99
    epsilon: Annotated[float, Declared("epsilon", EPSILON, "ADADELTA: floor under both running averages.")] = 1e-8

    def step(self, w, slots, gradient, rate):
        squares, moves = slots
        fresh = np.float32(1) - self.rho
        squares = self.rho * squares + fresh * gradient * gradient
        move = np.sqrt((moves + self.epsilon) / (squares + self.epsilon)) * gradient
        moves = self.rho * moves + fresh * move * move
        return w - move, (squares, moves)

    def bias_step(self, w, slots, gradient, q, rate):
        squares, moves = slots
        fresh = np.float32(1) - self.rho
        squares = self.rho * squares + fresh * q
        ratio = (moves + self.epsilon) / (squares + self.epsilon)
        moves = self.rho * moves + fresh * ratio * q
        return w - np.sqrt(ratio) * gradient, (squares, moves)

    def speed(self, slots, rate):
        squares, moves = slots
        return np.sqrt((moves + self.epsilon) / (squares + self.epsilon))
