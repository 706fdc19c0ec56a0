"""Ocean loads this file from the working directory."""

from integration.app import register

register()
