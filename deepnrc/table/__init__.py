"""The tidy table and what is read off it; nothing here measures, draws or prints."""
