"""Available components: lists, documentation, templates; scikit-learn baselines."""
