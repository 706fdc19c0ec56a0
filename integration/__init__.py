"""incident-comms: the communication of an incident, from Port to Slack and Zoom and back."""
