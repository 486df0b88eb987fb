"""Every reader of foreign bytes, given what nobody meant it to get, by two engines from one list of targets.

    python -m tests.fuzz --seconds 60 [--engine hypothesis|coverage] [--jobs N] [--keep] [NAME...]

Theory of operation
-------------------
A target is a function of bytes, with valid samples to start from. Whatever comes in, it gives a value or an error
of ours, within LIMIT seconds of CPU time and MEMORY bytes; what else holds is in its docstring, and asserted in
it. `hypothesis` edits the samples at random, which needs no start and finds what is near. `coverage` (atheris,
libFuzzer) keeps every input that reaches a line nobody reached, so it goes further in, and slower.

What coverage found worth keeping is in tests/data/fuzz/corpus, least first, a few KB a target; what ever broke a
target is in tests/data/fuzz/finds and is tried again with every run of the unit tests.
"""
