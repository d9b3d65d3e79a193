"""Models' replies: `reading` (text and JSON), `answers` (the forms of an answer), `form` (what is asked for)."""
