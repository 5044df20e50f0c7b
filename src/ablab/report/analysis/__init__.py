"""The statistics of a sweep's trials.

A record becomes a verdict in these steps, each one class in the module of its name:

1. `trials.Row`: one cell of the plan with the record of its trial.
2. `grid.Grid`: the rows of one block or several as an array of blocks × variants × seeds;
   `grid.Group` holds the values of one variant.
3. `contrast.Contrast`: one paired difference per seed. `pairing` takes it from the grid,
   `multiplicity` tests a family of contrasts together.
4. `comparison.Comparison`: the groups and contrasts of one block, or averaged over several.
   Of a sweep that looks at growing numbers of seeds, `looks` replays the looks and `interim` says
   which one tests a contrast.
5. `analysis.Analysis`: all comparisons of a sweep, with what is derived from them (`factors`,
   `ranks`, `speed`, `setup`). `text.verdict` states its result in a sentence, `page` shows it.
"""
