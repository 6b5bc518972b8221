"""The tested code of *Define by Run*, an executable textbook of deep learning with PyTorch.

The modules here are the ones that the chapters import and show: mathematics, data, models,
training and drawing. :mod:`definebyrun.check` looks at readers' answers to the exercises, and
:mod:`definebyrun.book` is the machinery that turns a run into a page; nothing else imports it.
"""

__version__ = "0.1.0"
