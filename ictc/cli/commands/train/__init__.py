"""`ictc train ...`: a training a file; each into a folder that every other command takes as `trained:FOLDER`."""

from ictc.cli.commands.train.classifier import classifier

__all__ = ["classifier"]
