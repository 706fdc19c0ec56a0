"""Learning and measuring kinds of notes; nothing of it is needed to run the integration."""
