"""What speaks for or against interception: one rule a file, (Examination, Knowledge) -> Evidence.

A rule that does not apply returns None: "does not apply" is not "passed".
"""
