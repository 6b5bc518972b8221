"""Automatic differentiation: an engine built from scratch, and PyTorch's looked at closely."""
