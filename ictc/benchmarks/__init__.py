"""`ictc bench`: a published table done again. presets.py (what is asked of each prepared set), prepared.py (the set on
disk), running.py (by which lane), beside.py (published figures beside ours and what differs), table.py (the files)."""
