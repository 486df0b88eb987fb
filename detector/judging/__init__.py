"""All that concludes: observations to verdicts, inquiries to diagnoses. Pure."""
