"""incident-comms: the communication of an incident, from Port to Slack, Zoom, mail and public pages."""
