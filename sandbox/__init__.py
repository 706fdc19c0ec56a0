"""Stateful emulators of Slack, Zoom, Statuspage, a mail server and Port, to rehearse and to test against.

Independent of the product: neither imports the other, so that no bug is shared between them.
"""
