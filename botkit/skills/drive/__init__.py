"""The parts of the Google Drive skill: what it asks, what it makes of the answers, and when."""
