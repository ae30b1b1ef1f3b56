"""Committed records: what may be published, the READMEs and claims made of them, repetitions.

Of a clone: experiments/NAME/records/ and the pages beside them.
"""
