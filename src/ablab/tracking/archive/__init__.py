"""Archives that carry a sweep, with its plan, runs and reports, from one lab to another.

An archive is a tar file: ``manifest.json``, then the files that it lists, in its order.

sweep/part-001.json         the parts of the plan
sweep/search.jsonl          the record of its searches of hyper-parameters, if there were any
sweep/report/...            the reports
trials/<key>/<run>/...      the run of each trial that counts
"""
