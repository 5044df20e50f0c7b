from ablab import report as report
from ablab.api.comparing import compare as compare
from ablab.api.listing import list as list  # noqa: A004
from ablab.api.models import load as load
from ablab.api.modules import classifier as classifier
from ablab.api.modules import datamodule as datamodule
from ablab.api.sweeping import sweep as sweep
from ablab.api.training import train as train

__version__: str
