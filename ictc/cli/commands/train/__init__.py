"""`ictc train ...`: a training a file; each into a folder that every other command takes as `trained:FOLDER`."""

from ictc.cli.commands.train.byol import byol
from ictc.cli.commands.train.captioner import captioner
from ictc.cli.commands.train.classifier import classifier
from ictc.cli.commands.train.compress import compress
from ictc.cli.commands.train.lit import lit
from ictc.cli.commands.train.mapping import map_
from ictc.cli.commands.train.simclr import simclr

__all__ = ["byol", "captioner", "classifier", "compress", "lit", "map_", "simclr"]
