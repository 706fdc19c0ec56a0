"""Stateful emulators of Slack, Zoom and Port over real HTTP, to rehearse and to test against.

Independent of the product: neither imports the other, so that no bug is shared between them.
"""
