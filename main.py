"""Ocean loads this file from the working directory."""

from integration.app import register
from integration.errors import BadInput

try:
    register()
except BadInput as problem:
    raise SystemExit(f"Not started. {problem}") from None
