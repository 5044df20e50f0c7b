"""Imported first by the server that forks Hydra's jobs."""

import warnings

import ablab.sweep.launch.hydra_job  # noqa: F401  imports Hydra, which every job needs

# See `preload`.
warnings.filterwarnings(
    "ignore", message=r".*multi-threaded, use of fork\(\)", category=DeprecationWarning
)
