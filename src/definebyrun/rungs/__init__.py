"""One small network trained five times, each time handing one more task to the library.

:mod:`~definebyrun.rungs.start` makes the data and the weights that every rung starts from. Then
come the rungs, one module each: :mod:`~definebyrun.rungs.by_hand` in NumPy,
:mod:`~definebyrun.rungs.with_autograd`, :mod:`~definebyrun.rungs.with_module`,
:mod:`~definebyrun.rungs.with_optim` and :mod:`~definebyrun.rungs.with_trainer`. Each has a
function ``train`` that returns the loss of every step.
"""
