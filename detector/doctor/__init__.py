"""What of this machine keeps tlsight, or whoever asks it, from an answer: `tlsight doctor`.

Rules
-----
1. Every part is looked at for itself; one that cannot be looked at is a finding, never the end (examination).
2. Looking (looking, asking) gives facts; facts become findings without a file, a socket or a clock (judging).
3. A problem is what makes an answer wrong, old or impossible, and has a remedy to type. What is merely absent is a note.
4. Nothing is changed, and nothing secret is told: a proxy's login stays out.
"""
