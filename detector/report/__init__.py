"""Judgements as text and JSON. No judgement is made here."""
