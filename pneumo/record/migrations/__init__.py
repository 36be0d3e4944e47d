"""From every earlier form of the record to today's, a step a file in versions/; nothing that a record holds is lost on the way."""
