"""The parts of the Google Sheets skill: what people write, what Google answers, and a table."""
