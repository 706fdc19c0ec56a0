"""A page for people: what goes on in the sandbox, as Port, Slack and Zoom would show it."""
