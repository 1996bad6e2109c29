"""The nouns that every layer shares: frozen values, no behaviour beyond reading themselves.

May import `errors` and `settings` alone. A body is never edited in place.
"""
