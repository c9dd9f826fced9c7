"""One widget a file. A widget is given a part of the session, draws it, and asks by messages; it decides nothing."""
