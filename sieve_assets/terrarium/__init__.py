"""The embedded world: a renderer with known ground truth and the models trained on it.

`world` names what exists, `scenes` says what is in a picture, `renderer` draws it, `captions` says
which words are true of it, `train` makes the shipped models and `evaluate` measures them.
"""
