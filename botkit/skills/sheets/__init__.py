"""The Google Sheets skill: read and write the cells of a spreadsheet from the chat.

Start with `skill.py`.  `commands.py` reads what people write, `api.py` sends the requests and reads
Google's answers, and `table.py` draws cells.
"""
