"""Tuning: a search of hyper-parameters before a comparison, or without one.

The modules, in the order in which a search uses them:

    spec       reads and checks `sweep.tune` and `sweep.search` (with search, space, checks)
    cells      the search of one variant in one block: its trials for given values
    samplers   grid, random, one at a time; bayes is Optuna's part
    tuner      asks for values, has them trained, records what came of them
    winners    the best values, frozen into the draft of the comparison
    run        connects these steps for one command
"""
