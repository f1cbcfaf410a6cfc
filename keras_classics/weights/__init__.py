"""Weights from elsewhere: tables of names, and what puts a peer's tensors into our layers."""

from keras_classics.weights.mapping import assign
from keras_classics.weights.tables import NAMES

__all__ = ["NAMES", "assign"]
