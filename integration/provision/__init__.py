"""Brings Port up to date. `python -m integration.provision`.

It can be run any number of times. What is missing is added; what people changed stays: what was written
last is remembered in Port (`memory`), and of the three versions only what nobody else touched is renewed
(`merge`). How an action reaches us is ours alone and always renewed. The pause switch is made where it is
missing, the ready audiences where there is no audience at all.

Everything is looked at before anything is written, so that a clash stops it while nothing is half done.
"""

from integration.provision.merge import covers
from integration.provision.plan import plan, provision
from integration.provision.target import DEFAULT_IDENTIFIER, Target, read_target

__all__ = ["DEFAULT_IDENTIFIER", "Target", "covers", "plan", "provision", "read_target"]
