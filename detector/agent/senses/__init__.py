"""What the agent notices of its machine: where it is, what changed, whether a portal is in the way, and whom this user's
programs speak to. What judges is pure; each file has one function at its edge.
"""
